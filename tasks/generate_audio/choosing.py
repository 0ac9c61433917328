"""Whether words ask for music or for sound effects, and for which of those that can be made here. Pure.

How an effect sounds is the renderer's affair (workers/cpu_render/sfx); a test holds the two lists together.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

_WORD = re.compile(r"[a-z]+")


class Kind(StrEnum):
    """What is asked for."""

    MUSIC = "music"
    EFFECTS = "effects"


# The words that each effect is asked for by, stems: what begins so counts.
_EFFECTS: Mapping[str, tuple[str, ...]] = {
    "camera-shutter": ("shutter", "camera", "photo", "snapshot"),
    "click": ("click", "tap", "button", "mouse", "switch"),
    "glitch": ("glitch", "static", "distort", "digital", "interference", "malfunction"),
    "hit": ("hit", "impact", "boom", "thud", "slam", "punch", "explosion", "explod", "drop", "bang", "crash"),
    "notification": ("notif", "alert", "ding", "chime", "bell", "ping", "message", "success"),
    "pop": ("pop", "bubble", "plop", "bloop"),
    "processing": ("process", "comput", "load", "scan", "robot", "beep", "data", "machine"),
    "riser": ("riser", "rise", "rising", "build", "tension", "sweep", "uplift"),
    "typing": ("typ", "keyboard", "keys"),
    "whoosh": ("whoosh", "swoosh", "swish", "wind", "woosh", "transition", "pass", "fly", "swipe"),
}
_SAID_EFFECT = ("sfx", "foley")
_MUSIC_WORDS = """
music song tune track melod soundtrack beat lofi chord piano guitar drum orchestra synth ambient jazz rock
bpm instrumental anthem theme bgm
"""
_SAID_MUSIC = tuple(_MUSIC_WORDS.split())
# Words that are said of effects alone; the others name one only where it is known that effects are meant.
_ONLY_EFFECTS = """
whoosh swoosh swish woosh swipe click shutter glitch thud slam explosion explod boom bang notif ding plop
bloop beep riser typing keyboard keystroke static interference
"""
_NOISES = tuple(_ONLY_EFFECTS.split())
FALLBACK = "whoosh"


def kind_of(words: str) -> Kind:
    """Effects where they are asked for by that name, or by their own without a word of music."""
    said = _said(words)
    if any(word.startswith(_SAID_EFFECT) for word in said) or re.search(
        r"sound\s*-?\s*effects?", words.casefold()
    ):
        return Kind.EFFECTS
    if any(word.startswith(_SAID_MUSIC) for word in said):
        return Kind.MUSIC
    is_sound = any(word in ("sound", "sounds", "noise") for word in said)
    names_one = any(word.startswith(_NOISES) or (is_sound and _effect(word)) for word in said)
    return Kind.EFFECTS if names_one else Kind.MUSIC


def effects_of(words: str) -> Sequence[str]:
    """The effects that the words name, in their order, each once; FALLBACK where they name none."""
    found = dict.fromkeys(effect for word in _said(words) if (effect := _effect(word)) is not None)
    return list(found) or [FALLBACK]


def effects() -> Sequence[str]:
    """All that can be named."""
    return list(_EFFECTS)


def _effect(word: str) -> str | None:
    return next((name for name, stems in _EFFECTS.items() if word.startswith(stems)), None)


def _said(words: str) -> list[str]:
    return _WORD.findall(words.casefold())
