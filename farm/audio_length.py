"""How long a sound lasts, as its header tells: enough to refuse what is too long and to hold its price.

Headers err and lie. One that cannot be true of a file of this size is not believed, and none is sought long.
"""

import struct
from io import BufferedReader, FileIO
from pathlib import Path

from tinytag import TinyTag, TinyTagException

# Whatever a broken header makes of its reader, which is plain Python.
_UNREADABLE = (
    TinyTagException,
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    TypeError,
    ValueError,
    struct.error,
)
_LONGEST_S = 100_000_000.0
_MOST_READS = 300_000  # some tenths of a second; an hour of Opus in pages of 60 ms takes 180,000
_MP3, _WAV = "audio/mpeg", "audio/wav"
_LEAST_TOLD = 0.5  # of an MP3's bytes, that its length must account for; the rest may be a picture
_ADTS = 0xFFF0  # what AAC without a container begins with, under _ADTS_MASK; read as an MP3 it is nonsense
_ADTS_MASK = 0xFFF6


class _Patience(BufferedReader):
    """A file that is read so often and no more: else one of 25 MB in pieces of a byte takes a minute."""

    def __init__(self, path: Path) -> None:
        super().__init__(FileIO(path))
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if self._reads > _MOST_READS:
            raise OSError("no header in sight")
        return super().read(size)


def audio_length_s(path: Path) -> float | None:
    """Seconds by the header; None where it does not tell. Blocks. A header may lie: the worker measures."""
    try:
        with _Patience(path) as file:
            if int.from_bytes(file.peek(2)[:2]) & _ADTS_MASK == _ADTS:
                return None
            found = _borne_out(TinyTag.get(path, file_obj=file, tags=False, duration=True))
    except _UNREADABLE:
        return None
    return found if found is not None and 0 < found < _LONGEST_S else None


def _borne_out(found: TinyTag) -> float | None:
    """The length that was told, as far as the file is large enough for it, and no larger than it explains."""
    told_s, bytes_per_s = found.duration, (found.bitrate or 0) * 125
    if told_s is None or not bytes_per_s:
        return told_s
    if found.mime_type == _MP3 and told_s * bytes_per_s < _LEAST_TOLD * found.filesize:
        return None
    # A WAV that was written as a stream announces all that fits into its field.
    is_wav = (found.mime_type or "").startswith(_WAV)
    return min(told_s, found.filesize / bytes_per_s) if is_wav else told_s
