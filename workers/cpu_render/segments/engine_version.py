"""Which renderer this is: segments of another one must not be taken for its own."""

from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import av

from workers.cpu_render.text.faces import can_shape, faces

_HERE = Path(__file__).resolve().parents[2]
_OURS = ("cpu_render", "media")
_LIBRARIES = ("av", "numpy", "pillow", "pi-heif", "numba", "resvg-py")


@cache
def engine_version() -> str:
    """A hash of all that pictures depend on: this package's files, fonts too, and the libraries below it."""
    said = sha256()
    for name in _LIBRARIES:
        said.update(f"{name} {version(name)}\n".encode())
    said.update(repr(sorted(av.library_versions.items())).encode())
    said.update(f"letters are joined: {can_shape()}\n".encode())  # by a library of the host's
    for path in sorted(path for folder in _OURS for path in (_HERE / folder).rglob("*") if _counts(path)):
        said.update(f"{path.relative_to(_HERE)} ".encode())
        with path.open("rb") as file:
            said.update(_digest(file.read()))
    for face in faces():  # an operator's own as well, in the order in which they are used
        said.update(face.path.name.encode() + _digest(face.path.read_bytes()))
    return said.hexdigest()


def _counts(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def _digest(content: bytes) -> bytes:
    return sha256(content).digest()
