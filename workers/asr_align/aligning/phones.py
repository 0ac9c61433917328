"""Sounds of any language, as espeak-ng tells them in IPA, said with the sounds of American English.

The acoustic model of pocketsphinx knows those only. What English lacks becomes what is nearest to the ear.
"""

# ruff: noqa: RUF001 letters of the IPA

import re
from collections.abc import Iterable, Mapping

# ARPAbet, as the model's dictionary writes it.
# fmt: off
_NEAREST: Mapping[str, str] = {
    "tʃ": "CH", "dʒ": "JH", "aɪ": "AY", "aʊ": "AW", "ɔɪ": "OY", "eɪ": "EY", "oʊ": "OW", "əʊ": "OW",
    "ɔø": "OY", "ɔʏ": "OY", "iə": "IY AH", "ts": "T S", "pf": "P F", "ɑ̃": "AA N", "ɛ̃": "AE N",
    "ɔ̃": "OW N", "œ̃": "AH N", "ɑ": "AA", "a": "AA", "æ": "AE", "ʌ": "AH", "ə": "AH", "ɐ": "AH",
    "ɔ": "AO", "ɒ": "AA", "ɛ": "EH", "e": "EY", "ɜ": "ER", "ɚ": "ER", "ɝ": "ER", "ɪ": "IH",
    "ᵻ": "IH", "i": "IY", "ɨ": "IH", "o": "OW", "ʊ": "UH", "u": "UW", "y": "UW", "ʏ": "UH",
    "ø": "ER", "œ": "ER", "ɯ": "UH", "b": "B", "d": "D", "ð": "DH", "f": "F", "ɡ": "G", "g": "G",
    "h": "HH", "ɦ": "HH", "j": "Y", "k": "K", "l": "L", "ɫ": "L", "m": "M", "n": "N", "ŋ": "NG",
    "ɲ": "N Y", "p": "P", "r": "R", "ɹ": "R", "ʁ": "R", "ɾ": "R", "ʀ": "R", "ɽ": "R", "s": "S",
    "ʃ": "SH", "ʂ": "SH", "ɕ": "SH", "ç": "SH", "x": "HH", "χ": "HH", "t": "T", "θ": "TH", "v": "V",
    "β": "B", "ʋ": "V", "w": "W", "z": "Z", "ʒ": "ZH", "ʐ": "ZH", "ʑ": "ZH", "ʝ": "Y", "ʎ": "L Y",
    "ɣ": "G", "ɥ": "W", "ʔ": "", "c": "K", "q": "K", "ɟ": "G", "ɖ": "D", "ʈ": "T", "ɳ": "N",
    "ɭ": "L",
}
# fmt: on
_LONGEST = max(map(len, _NEAREST))
_MARKS = re.compile("[ˈˌːˑ\u0361\u200d_\\-ʰʲˠˤ\u0329\u032f]")


def arpabet(sounds: Iterable[str]) -> str:
    """The sounds of one word, "HH AH L OW"; empty where none is known. What has no neighbour is left out."""
    text = _MARKS.sub("", "".join(sounds))
    found: list[str] = []
    while text:
        length = next((size for size in range(_LONGEST, 0, -1) if text[:size] in _NEAREST), 0)
        if length:
            found += _NEAREST[text[:length]].split()
        text = text[length or 1 :]
    return " ".join(found)
