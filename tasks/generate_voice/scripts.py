"""Which language a text is likely to be in, by the letters it is written with. Pure."""

import re
from collections.abc import Mapping

from tasks.generate_voice.speakers import Language

# The first that fits: Japanese has Han characters as well.
_LETTERS: Mapping[Language, re.Pattern[str]] = {
    "ja": re.compile("[\u3041-\u30ff]"),
    "ko": re.compile("[\u1100-\u11ff\uac00-\ud7af]"),
    "zh": re.compile("[\u3400-\u9fff]"),
    "ru": re.compile("[\u0400-\u04ff]"),
    "ar": re.compile("[\u0600-\u06ff]"),
}


def likely_language(text: str) -> Language:
    """One whose letters are its own; English for whatever is written in Latin ones."""
    return next((language for language, letters in _LETTERS.items() if letters.search(text)), "en")
