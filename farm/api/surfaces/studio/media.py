"""What the studio calls its media, which kinds of jobs make them, and the addresses of their files."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from urllib.parse import quote

from farm.generations import GeneratedFile


class Medium(StrEnum):
    """What a generation makes."""

    VIDEO = "video"
    IMAGE = "image"
    AUDIO = "audio"


KINDS: Mapping[Medium, Sequence[str]] = {
    Medium.VIDEO: ("generate-video", "generate-chart", "multi-shot", "compose-video", "add-sound"),
    Medium.IMAGE: ("generate-image", "edit-image", "upscale-image", "restore-image", "remove-background"),
    Medium.AUDIO: ("generate-audio", "tts", "generate-voice"),
}
INPUTS = ("last-frame",)  # makes a picture that is an input of others
_FOLDERS = {Medium.VIDEO: "video", Medium.IMAGE: "image", Medium.AUDIO: "audio"}


def medium_of(kind: str) -> Medium | None:
    """None for what is no generation of the studio's."""
    return next((medium for medium, kinds in KINDS.items() if kind in kinds), None)


def all_kinds() -> Sequence[str]:
    """Every kind that the studio shows."""
    return [*INPUTS, *(kind for kinds in KINDS.values() for kind in kinds)]


def address(kind: str, name: str, token: str | None = None) -> str:
    """Where a file of a job of that kind is to be had, as a path of this API."""
    medium = medium_of(kind)
    folder = "input-image" if medium is None else _FOLDERS[medium]
    asked = f"?token={quote(token, safe='')}" if token else ""
    return f"/api/{folder}/{quote(name, safe='')}{asked}"


def main_file(kind: str, files: Sequence[GeneratedFile]) -> GeneratedFile | None:
    """The file that a generation is about, where it has several: its first of the right family."""
    medium = medium_of(kind) or Medium.IMAGE
    fitting = (file for file in files if file.artifact.content_type.startswith(f"{medium}/"))
    return next(fitting, None)
