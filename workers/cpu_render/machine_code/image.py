"""A file of machine code: how it is written, and how its functions are taken into a process."""

import ctypes
import hashlib
import json
import mmap
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from workers.cpu_render.machine_code.elf import Flat
from workers.cpu_render.machine_code.signatures import SIGNATURES

Entry = Callable[..., None]

_C_TYPES = {
    "voidptr": ctypes.c_void_p,
    "intp": ctypes.c_ssize_t,
    "int32": ctypes.c_int32,
    "int64": ctypes.c_int64,
}
_MODE = 0o644  # one user installs, another one renders
_kept: list[mmap.mmap] = []  # for as long as the process lives: a function knows only its address


class BadImage(Exception):
    """The file is not what was written."""


def is_supported() -> bool:
    """Whether code can be laid out for this kind of machine. Elsewhere numba runs in every engine."""
    return sys.platform == "linux" and os.uname().machine == "x86_64"


def write(flat: Flat, path: Path) -> None:
    """Write an image; it appears under its name only when it is whole. Raises OSError."""
    told = json.dumps({"entries": dict(flat.entries), "sha256": hashlib.sha256(flat.code).hexdigest()})
    descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(flat.code + b"\n" + told.encode())
        Path(part).chmod(_MODE)
        Path(part).replace(path)
    finally:
        Path(part).unlink(missing_ok=True)


def load(path: Path) -> Mapping[str, Entry]:
    """The functions of an image by name; they let go of the interpreter's lock.

    Raises OSError where nothing new may be run, and BadImage for a damaged file.
    """
    code, _, told = path.read_bytes().rpartition(b"\n")
    try:
        said = json.loads(told)
        entries = {name: int(said["entries"][name]) for name in SIGNATURES}
        digest = said["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadImage(f"{path.name} has no list of its functions") from error
    if digest != hashlib.sha256(code).hexdigest():
        raise BadImage(f"{path.name} is damaged")
    start = laid(code)
    return {name: function_at(name, start + entry) for name, entry in entries.items()}


def function_at(name: str, address: int) -> Entry:
    """The kernel of that name, which begins at an address."""
    kinds = (ctypes.c_void_p if kind.endswith("*") else _C_TYPES[kind] for kind in SIGNATURES[name])
    return ctypes.CFUNCTYPE(None, *kinds)(address)


def laid(code: bytes) -> int:
    """The address of a copy that can be run, and no longer written."""
    memory = mmap.mmap(-1, len(code), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.write(code)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    libc = ctypes.CDLL(None, use_errno=True)
    size = ctypes.c_size_t(len(code))
    if libc.mprotect(ctypes.c_void_p(start), size, mmap.PROT_READ | mmap.PROT_EXEC) != 0:
        raise OSError(ctypes.get_errno(), "this host runs no code that is made here")
    _kept.append(memory)
    return start
