"""Says what was measured of a picture, in English, and nothing else: no subject is guessed.

The sentences that tell one picture from another come first, so that a short description says most.
"""

from collections.abc import Iterator, Sequence

from tasks.describe_scenes.metadata import Style
from workers.vision_describe.describing.facts import Facts

_LISTED = 0.08  # a colour that covers less is not told
_MOSTLY, _MOSTLY_THERE = 0.5, 0.6  # of all of it, of a part
_MOST_COLOURS = {"short": 3, "normal": 4, "detailed": 6}
_LIGHT = ((0.2, "very dark"), (0.36, "dark"), (0.66, ""), (0.85, "bright"), (1.01, "very bright"))
_CONTRAST = ((0.35, "low contrast"), (0.75, ""), (1.01, "strong contrast"))
_SOFT, _CRISP = 0.28, 0.75
_SQUARE = 1.1  # sides that differ less
_WIDE = 2.2
_PLAIN = 0.97
_ACCENT, _MORE_OFTEN = (
    0.2,
    2.5,
)  # a colour that stands out in the middle covers so much of it, against the whole
_GREYS = frozenset({"black", "dark grey", "grey", "light grey", "white"})
_WHERE = {
    "top": "at the top",
    "middle": "in the middle",
    "bottom": "at the bottom",
    "left": "on the left",
    "right": "on the right",
}
_TEXT_CHARACTERS = {"short": 40, "normal": 80, "detailed": 200}


def described(facts: Facts, style: Style, most: int) -> str:
    """A description of at most so many characters: as many whole sentences as there is room for."""
    said = _headline(facts, style, most)
    for sentence in _sentences(facts, style):
        if len(said) + 1 + len(sentence) <= most:
            said += " " + sentence
    return said


def keywords(facts: Facts) -> str:
    """What a narration may say of it as well: its colours, and what is written on it."""
    colours = [name for name, share in facts.colours.items() if share >= _LISTED]
    return " ".join([*colours, *facts.lines])


def _headline(facts: Facts, style: Style, most: int) -> str:
    """Light, shape and colours: fewer colours where there is little room."""
    shape = f"{_word(_LIGHT, facts.lightness)} {_shape(facts)} picture".strip()
    for count in range(_MOST_COLOURS[style], 0, -1):
        said = f"{_capital(shape)}: {_colours(facts, count)}."
        if len(said) <= most:
            break
    return said


def _sentences(facts: Facts, style: Style) -> Iterator[str]:
    if facts.twin is not None:
        yield f"Nearly the same as image {facts.twin + 1}."
    if facts.lines:
        yield f'Readable text: "{_joined(facts.lines, _TEXT_CHARACTERS[style])}".'
    if facts.faces:
        yield f"{facts.faces} face{'s' if facts.faces > 1 else ''} detected."
    if accent := _accent(facts):
        yield f"{_capital(accent)} in the middle."
    if style == "short":
        return
    if places := list(_places(facts)):
        yield f"{_capital('; '.join(places))}."
    if facts.sharpness < _SOFT:
        yield "Little sharp detail."
    elif facts.sharpness >= _CRISP and not _is_plain(facts):
        yield "Has sharp detail."
    if style == "detailed":
        yield from _numbers(facts)


def _numbers(facts: Facts) -> Iterator[str]:
    yield f"{facts.width} x {facts.height} pixels."
    listed = [f"{name} {share:.0%}" for name, share in facts.colours.items() if share >= _LISTED]
    if listed:
        yield f"Colours by area: {', '.join(listed)}."
    contrast = _word(_CONTRAST, facts.contrast)
    yield f"Brightness {facts.lightness:.0%}{f', {contrast}' if contrast else ''}."


def _shape(facts: Facts) -> str:
    ratio = facts.width / facts.height
    if ratio >= _WIDE:
        return "wide landscape-format"
    if 1 / _SQUARE < ratio < _SQUARE:
        return "square"
    return "landscape-format" if ratio > 1 else "portrait-format"


def _colours(facts: Facts, most: int) -> str:
    listed = [(name, share) for name, share in facts.colours.items() if share >= _LISTED][:most]
    if not listed:
        return "many colours"
    (first, share), *others = listed
    if _is_plain(facts):
        return f"all {first}"
    if share >= _MOSTLY:
        more = _and([name for name, _ in others])
        return f"mostly {first}, with {more}" if more else f"mostly {first}"
    return _and([name for name, _ in listed]) if others else f"some {first}"


def _places(facts: Facts) -> Iterator[str]:
    """What the parts are mostly made of, where this is not what all of it is made of."""
    whole, share_of_whole = next(iter(facts.colours.items()))
    found: dict[str, list[str]] = {}
    for part, where in _WHERE.items():
        name, share = next(iter(facts.places[part].items()))
        if share >= _MOSTLY_THERE and not (name == whole and share_of_whole >= _MOSTLY):
            found.setdefault(name, []).append(where)
    for name, places in found.items():
        yield f"mostly {name} {_and(places)}"


def _accent(facts: Facts) -> str:
    """The colours that stand out in the middle."""
    middle = facts.places["middle"]
    often = [name for name, share in middle.items() if share >= _MORE_OFTEN * facts.colours.get(name, 0.0)]
    return _and([name for name in often if middle[name] >= _ACCENT and name not in _GREYS])


def _is_plain(facts: Facts) -> bool:
    return max(facts.colours.values()) >= _PLAIN


def _word(scale: Sequence[tuple[float, str]], value: float) -> str:
    return next(word for below, word in scale if value < below)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else " and ".join([", ".join(names[:-1]), names[-1]]) if names else ""


def _joined(lines: Sequence[str], most: int) -> str:
    """Lines of text with a slash between them, cut short between words where they are long."""
    text = " / ".join(lines).replace('"', "'")
    return text if len(text) <= most else text[: most - 1].rsplit(" ", 1)[0].rstrip(" /") + "…"
