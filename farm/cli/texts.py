"""Text that a command is handed in a file."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from farm.errors import BadRequest
from farm.validation import first_fault
from tasks.media_render.params import LINE_CHARACTERS, Voiceover
from tasks.media_render.script import ScriptLine, lines_of_srt, lines_of_text
from tasks.media_render.voiceover import spoken_by

_LARGEST_BYTES = 16_000_000
_SCRIPT = "script"


def read_text(path: Path, param: str) -> str:
    """What a file of UTF-8 says, without blanks around it. Raises BadRequest naming the parameter."""
    path = path.expanduser()
    if not path.is_file():
        raise BadRequest(f"There is no {param} {path}.", param=param)
    if path.stat().st_size > _LARGEST_BYTES:
        raise BadRequest(f"{path} is larger than {_LARGEST_BYTES // 1_000_000} MB.", param=param)
    try:
        return path.read_text("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise BadRequest(f"{path} is not UTF-8 text.", param=param) from None


def read_script(path: Path, voice_id: str) -> Voiceover:
    """A voiceover from its script: SubRip by its ending, else plain text. Raises BadRequest."""
    content = read_text(path, _SCRIPT)
    try:
        return spoken_by(voice_id, _lines(content, path))
    except ValidationError as error:
        fault = first_fault(error)
        if fault.place[:1] == ("voice_id",):
            raise BadRequest(f"{fault.text}.", param="voice") from error
        raise BadRequest(f"{path}: {fault.text}.", param=_SCRIPT) from error


def _lines(content: str, path: Path) -> Sequence[ScriptLine]:
    try:
        is_srt = path.suffix.lower() == ".srt"
        lines = lines_of_srt(content) if is_srt else lines_of_text(content, LINE_CHARACTERS)
    except BadRequest as error:
        raise BadRequest(f"{path}: {error.message}", param=_SCRIPT) from error
    if not lines:
        raise BadRequest(f"{path} says nothing.", param=_SCRIPT)
    return lines
