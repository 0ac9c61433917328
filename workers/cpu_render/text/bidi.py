"""Which way each part of a line runs: the Unicode bidirectional algorithm (UAX #9), pure.

Explicit embeddings and isolates are not known here: whoever sets the text takes their marks out.
"""

import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import groupby

_STRONG = {"L": "L", "R": "R", "AL": "R", "EN": "R", "AN": "R"}  # as N0 to N2 see them
_NEUTRAL = frozenset({"B", "S", "WS", "ON"})
_SIDES = "()[]{}「」『』（）【】〈〉《》"  # noqa: RUF001  # the full-width ones are meant
_BRACKETS = dict(zip(_SIDES[::2], _SIDES[1::2], strict=True))
_CLOSING = {close: open_ for open_, close in _BRACKETS.items()}
_MOST_OPEN = 63

Types = list[str]


def is_rtl(paragraph: str, neutrals: Collection[str] = ()) -> bool:
    """Whether its first strong character is one of a script that runs from the right (P2, P3)."""
    for char in paragraph:
        if char not in neutrals and (kind := unicodedata.bidirectional(char)) in ("L", "R", "AL"):
            return kind != "L"
    return False


def levels(line: str, base: int, neutrals: Collection[str] = ()) -> list[int]:
    """The level of each character, even from the left and odd from the right.

    `base` is the paragraph's level; characters in `neutrals` are such whatever Unicode says of them.
    """
    types = ["ON" if char in neutrals else unicodedata.bidirectional(char) or "L" for char in line]
    types = ["BN" if kind in ("LRE", "RLE", "LRO", "RLO", "PDF") else kind for kind in types]
    types = ["ON" if kind in ("LRI", "RLI", "FSI", "PDI") else kind for kind in types]
    edge = "R" if base % 2 else "L"
    _weak(types, edge)
    _brackets(line, types, edge)
    _neutrals(types, edge)
    found = [base + _RISE[base % 2][kind] for kind in types]
    for index in range(len(line) - 1, -1, -1):  # L1
        if unicodedata.bidirectional(line[index]) not in ("WS", "B", "S"):
            break
        found[index] = base
    return found


_RISE = ({"L": 0, "R": 1, "AN": 2, "EN": 2}, {"L": 1, "R": 0, "AN": 1, "EN": 1})  # I1, I2


def visual(items: Sequence[int]) -> list[int]:
    """The indices of these levels' owners from left to right (L2)."""
    order = list(range(len(items)))
    odd = [level for level in items if level % 2]
    if not odd:
        return order
    for level in range(max(items), min(odd) - 1, -1):
        order = list(_turned(order, [items[index] >= level for index in order]))
    return order


def _turned(order: Sequence[int], is_turned: Sequence[bool]) -> Iterator[int]:
    """Each stretch that is to be turned, backwards."""
    for turned, group in groupby(zip(order, is_turned, strict=True), lambda item: item[1]):
        part = [index for index, _ in group]
        yield from reversed(part) if turned else part


def _weak(types: Types, edge: str) -> None:
    """W1 to W7."""
    before = edge
    for index, kind in enumerate(types):  # W1; boundary neutrals are passed over like marks
        if kind in ("NSM", "BN"):
            types[index] = before
        before = types[index]
    _by_strong(types, edge, {"AL": {"EN": "AN"}})  # W2
    types[:] = ["R" if kind == "AL" else kind for kind in types]  # W3
    for index in range(1, len(types) - 1):  # W4
        around = types[index - 1], types[index + 1]
        if around == ("EN", "EN") and types[index] in ("ES", "CS"):
            types[index] = "EN"
        elif around == ("AN", "AN") and types[index] == "CS":
            types[index] = "AN"
    _runs(types, {"ET"}, lambda left, right: "EN" if "EN" in (left, right) else "ON", edge)  # W5
    types[:] = ["ON" if kind in ("ES", "ET", "CS") else kind for kind in types]  # W6
    _by_strong(types, edge, {"L": {"EN": "L"}})  # W7


def _by_strong(types: Types, edge: str, changes: dict[str, dict[str, str]]) -> None:
    """Change types by the last strong one before them."""
    strong = edge
    for index, kind in enumerate(types):
        if kind in ("L", "R", "AL"):
            strong = kind
        types[index] = changes.get(strong, {}).get(kind, kind)


def _brackets(line: str, types: Types, edge: str) -> None:
    """N0: a pair of brackets goes the way of what it holds."""
    for start, end in _pairs(line, types):
        inside = {_STRONG[kind] for kind in types[start + 1 : end] if kind in _STRONG}
        if edge in inside:
            side = edge
        elif inside:
            before = next((_STRONG[k] for k in reversed(types[:start]) if k in _STRONG), edge)
            side = before
        else:
            continue
        types[start] = types[end] = side


def _pairs(line: str, types: Types) -> list[tuple[int, int]]:
    """Where brackets open and close, in the order in which they open (BD16)."""
    waiting: list[tuple[str, int]] = []
    found: list[tuple[int, int]] = []
    for index, char in enumerate(line):
        if types[index] != "ON":
            continue
        if char in _BRACKETS:
            if len(waiting) == _MOST_OPEN:
                return []
            waiting.append((char, index))
        elif char in _CLOSING:
            depth = next(
                (n for n in range(len(waiting) - 1, -1, -1) if waiting[n][0] == _CLOSING[char]), None
            )
            if depth is not None:
                found.append((waiting[depth][1], index))
                del waiting[depth:]
    return sorted(found)


def _neutrals(types: Types, edge: str) -> None:
    """N1 and N2: neutrals between two of one direction have it, others the paragraph's."""

    def between(left: str, right: str) -> str:
        sides = _STRONG.get(left, edge), _STRONG.get(right, edge)
        return sides[0] if sides[0] == sides[1] else edge

    _runs(types, _NEUTRAL, between, edge)


def _runs(types: Types, kinds: Collection[str], settle: Callable[[str, str], str], edge: str) -> None:
    """Give each run of these types the one that its neighbours come to."""
    at = 0
    for is_run, group in groupby(list(types), lambda kind: kind in kinds):
        length = len(list(group))
        if is_run:
            left = types[at - 1] if at else edge
            right = types[at + length] if at + length < len(types) else edge
            types[at : at + length] = [settle(left, right)] * length
        at += length
