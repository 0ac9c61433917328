"""The figures of the align benchmark: headlines held against targets, and a table by language, voice, bed.

Headlines are of the held-out half, and of voices other than espeak-ng's: its reading is what the method
without weights compares a narration with.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.align_found import Found
from tests.benchmarks.align_scores import Tally
from tests.benchmarks.report import Row

NEAR_MS = 250
WIDTH = 140  # of the table, in letters
_LOOKS: Sequence[tuple[str, Callable[[Found], str]]] = (
    ("all voices but espeak-ng's", lambda found: "" if found.engine == "espeak-ng" else "all"),
    ("language", lambda found: "" if found.engine == "espeak-ng" else found.language),
    ("condition", lambda found: "" if found.engine == "espeak-ng" else found.condition),
    ("voice", lambda found: f"{found.language} {found.voice}"),
)

Measured = Mapping[str, Sequence[Found]]  # by the method's name


def tally(found: Sequence[Found], which: Callable[[Found], bool] = lambda _: True) -> Tally:
    """The scenes of those narrations that are wanted."""
    counted = Tally()
    for narration in found:
        if which(narration):
            for scene in narration.scenes:
                counted.add(scene)
    return counted


def headlines(measured: Measured) -> Iterator[Row]:
    """Every target of the benchmark, and what peers reach in the same run."""
    for name, found in measured.items():
        apart = [one for one in found if one.engine != "espeak-ng"]
        yield from _TARGETS.get(name, _no_targets)(name, apart)


def _with_weights(name: str, found: Sequence[Found]) -> Iterator[Row]:
    clean, every = tally(found, _is_clean), tally(found)
    english = tally(found, _is_in("en"))
    yield _at_most(f"{name}: clean, median", clean.median_ms, 15)
    yield _at_most(f"{name}: clean, p95", clean.p95_ms, 200)
    yield _at_most(f"{name}: all, median", every.median_ms, 20)
    yield _at_least(f"{name}: en, all, within {NEAR_MS} ms", english.within(NEAR_MS), 96)
    yield from _intervals(name, clean, every)


def _without_weights(name: str, found: Sequence[Found]) -> Iterator[Row]:
    clean, every = tally(found, _is_clean), tally(found)
    yield _at_most(f"{name}: all, median", every.median_ms, 20)
    for language in ("en", "de", "es"):
        some = tally([one for one in found if one.language == language], _is_clean)
        yield _at_least(f"{name}: {language}, clean, within {NEAR_MS} ms", some.within(NEAR_MS), 96)
    for language, least in (("en", 92), ("de", 92), ("es", 92), ("fr", 80)):
        some = tally(found, _is_in(language))
        yield _at_least(f"{name}: {language}, all, within {NEAR_MS} ms", some.within(NEAR_MS), least)
    yield from _intervals(name, clean, every)


def _no_targets(name: str, found: Sequence[Found]) -> Iterator[Row]:
    every = tally(found)
    yield Row.median(f"{name}: clean, median", [tally(found, _is_clean).median_ms], "ms")
    yield Row.median(f"{name}: all, median", [every.median_ms], "ms")
    yield Row.median(f"{name}: all, within {NEAR_MS} ms", [every.within(NEAR_MS)], "%", better="higher")


def _intervals(name: str, clean: Tally, every: Tally) -> Iterator[Row]:
    """Too few that hold the truth are lies, too many say nothing."""
    yield _at_least(f"{name}: intervals that hold the truth", every.covered, 85)
    yield Row.median(f"{name}: and no more than", [every.covered], "%", target=97)
    yield _at_most(f"{name}: clean, matched, half-width", clean.half_width_ms, 80)


_TARGETS: Mapping[str, Callable[[str, Sequence[Found]], Iterator[Row]]] = {
    "base + aligned": _with_weights,
    "tiny.en + aligned": _with_weights,
    "without weights": _without_weights,
}


def _is_clean(found: Found) -> bool:
    return found.condition == "clean"


def _is_in(language: str) -> Callable[[Found], bool]:
    return lambda found: found.language == language


def _at_most(name: str, value: float, target: float) -> Row:
    return Row.median(name, [value], "ms", target=target)


def _at_least(name: str, value: float, target: float) -> Row:
    return Row.median(name, [value], "%", better="higher", target=target)


def table(measured: Measured, title: str) -> Table:
    """A line per method and language, condition or voice. `held` says how many intervals hold the truth."""
    made = Table(title=title, title_justify="left")
    for column in ("of", "", "method"):
        made.add_column(column)
    for column in ("scenes", "median", "p95", f"< {NEAR_MS} ms", "held", "±", "CPU s/s"):
        made.add_column(column, justify="right")
    for look, key in _LOOKS:
        for value in sorted({key(one) for found in measured.values() for one in found} - {""}):
            for name, found in measured.items():
                some = [one for one in found if key(one) == value]
                if some:
                    made.add_row(look, value, name, *_cells(some))
        made.add_section()
    return made


def _cells(found: Sequence[Found]) -> Iterator[str]:
    counted = tally(found)
    yield str(counted.count)
    yield f"{counted.median_ms:.0f} ms"
    yield f"{counted.p95_ms:.0f} ms"
    yield f"{counted.within(NEAR_MS):.0f} %"
    yield f"{counted.covered:.0f} %"
    yield f"{counted.half_width_ms:.0f} ms"
    yield f"{sum(one.cpu_s for one in found) / sum(one.duration_s for one in found):.2f}"


def keep(shown: Table, path: Path) -> None:
    """Write a table as text."""
    with path.open("w") as file:
        Console(file=file, width=WIDTH).print(shown)
