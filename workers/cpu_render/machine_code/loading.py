"""Gets the compiled kernels into this process: from their image, which is made when it is not there yet."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from workers.cpu_render.machine_code import image, place
from workers.cpu_render.machine_code.image import Entry

_BUILD = (sys.executable, "-P", "-m", "workers.cpu_render.machine_code.build")


def kernels() -> Mapping[str, Entry]:
    """Every kernel by name. Takes seconds the first time on a machine, and milliseconds from then on."""
    if not image.is_supported():
        return _compiled_here()
    lasting = place.folder()
    if lasting is not None:
        return _kept_in(lasting)
    with tempfile.TemporaryDirectory(prefix="kinefarm-kernels-") as passing:
        return _kept_in(Path(passing))


def _kept_in(folder: Path) -> Mapping[str, Entry]:
    path = folder / place.file_name()
    try:
        with suppress(FileNotFoundError, image.BadImage):
            return image.load(path)
        _build(path)
        return image.load(path)
    except subprocess.CalledProcessError as error:
        _warn("kernels_not_built", error.stderr.strip().rpartition("\n")[2])
    except OSError as error:
        _warn("kernels_not_loaded", str(error))
    return _compiled_here()


def _build(path: Path) -> None:
    """In a process of its own: numba and LLVM leave no trace in this one."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(part or str(Path.cwd()) for part in sys.path)}
    subprocess.run([*_BUILD, str(path)], env=environment, capture_output=True, text=True, check=True)


def _warn(event: str, reason: str) -> None:
    import structlog  # heavy: only where something is wrong

    structlog.get_logger(__name__).warning(event, reason=reason)


def _compiled_here() -> Mapping[str, Entry]:
    from workers.cpu_render.machine_code.source import KERNELS  # heavy: only where there is no image

    return {name: image.function_at(name, kernel.address) for name, kernel in KERNELS.items()}
