"""Where machine code is kept: beside the source, or under FARM_HOME where an installation is read-only.

An operator's NUMBA_CACHE_DIR goes before both. A file is of one kind of machine, one source and one compiler,
and says so in its name; so machines of several kinds may share a folder.
"""

import os
import platform
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from workers.processors import facts

_HERE = Path(__file__).parent
_COMPILERS = ("numba", "llvmlite")
_MATTERS = ("vendor_id", "cpu family", "model", "flags")


def folder() -> Path | None:
    """A lasting folder that can be written; None without one."""
    return next((place for place in _wanted() if is_writable(place)), None)


def _wanted() -> Iterator[Path]:
    if told := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(told)
    yield _HERE / "__pycache__"
    from farm.settings import Settings  # heavy, and seldom asked

    yield Settings().root / "cache" / "kernels"


def file_name() -> str:
    """The name of this machine's image."""
    said = sha256()
    for name in _COMPILERS:
        said.update(f"{name} {version(name)}\n".encode())
    for path in sorted(_HERE.glob("*.py")):
        said.update(path.read_bytes())
    said.update(_processor().encode())
    return f"kernels-{said.hexdigest()[:16]}.image"


def is_writable(place: Path) -> bool:
    """Whether files can be made there; makes the folder."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            return True
    except OSError:
        return False


def _processor() -> str:
    """What the compiler looks at to decide which instructions there are."""
    said = facts()
    return "\n".join((platform.machine(), *(f"{name}: {said[name]}" for name in _MATTERS if name in said)))
