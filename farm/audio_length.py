"""How long a sound lasts, as its header tells: enough to refuse what is too long and to hold its price."""

import struct
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


def audio_length_s(path: Path) -> float | None:
    """Seconds by the header; None where it does not tell. Blocks. A header may lie: the worker measures."""
    try:
        found = TinyTag.get(path, tags=False, duration=True).duration
    except _UNREADABLE:
        return None
    return float(found) if found is not None and 0 < found < _LONGEST_S else None
