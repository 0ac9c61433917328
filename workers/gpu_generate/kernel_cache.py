"""Where compiled kernels are kept. To be asked before the first kernel of a module is declared.

Kernels are machine code made for this CPU; loading them takes milliseconds and making them seconds.
Beside the source is best; a read-only installation keeps them under FARM_HOME, and without any lasting
place they are made anew per process, in a folder nobody else can write to.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import numba

from farm.settings import Settings


def prepare(source: str) -> None:
    """Point numba to a folder it can write, for the module of this file. NUMBA_CACHE_DIR is left alone."""
    if os.environ.get("NUMBA_CACHE_DIR") or _writable(Path(source).parent / "__pycache__"):
        return
    lasting = Settings().root / "cache" / "kernels"
    folder = lasting if _writable(lasting) else _passing()
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]  # made from the environment


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _passing() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="kinefarm-kernels-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
