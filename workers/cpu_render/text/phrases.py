"""Where Japanese, Chinese and Thai, which are written without spaces, are best broken: between phrases.

The models are those of BudouX (see phrase_models/): scores of one, two and three letters around a place.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "phrase_models"
_THAI = re.compile("[\u0e00-\u0e7f]")
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
# The windows of letters that a model scores: where they start and end, from the place looked at.
_WINDOWS = {
    "UW1": (-3, -2),
    "UW2": (-2, -1),
    "UW3": (-1, 0),
    "UW4": (0, 1),
    "UW5": (1, 2),
    "UW6": (2, 3),
    "BW1": (-2, 0),
    "BW2": (-1, 1),
    "BW3": (0, 2),
    "TW1": (-3, 0),
    "TW2": (-2, 1),
    "TW3": (-1, 2),
    "TW4": (0, 3),
}

Model = Mapping[str, Mapping[str, int]]


def phrase_ends(word: str, language: str | None) -> Iterator[int]:
    """The places in a word, which has no spaces, where a phrase ends; none in other scripts."""
    name = _model_of(word, language)
    if name is None:
        return
    model = _model(name)
    least = sum(sum(scores.values()) for scores in model.values()) / 2
    for place in range(1, len(word)):
        if sum(_scores(model, word, place)) > least:
            yield place


def _model_of(word: str, language: str | None) -> str | None:
    if _THAI.search(word):
        return "th"
    if language == "ja":
        return "ja"
    return "zh" if _HAN.search(word) else None


def _scores(model: Model, word: str, place: int) -> Iterator[int]:
    for feature, (start, end) in _WINDOWS.items():
        if place + start >= 0 and place + end <= len(word):
            yield model.get(feature, {}).get(word[place + start : place + end], 0)


@cache
def _model(name: str) -> Model:
    model: Model = json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))
    return model
