"""Finds the chapters of a film in its timeline: its titles, else its visuals. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePath

from farm.timeline import Timeline
from workers.media.encode import Chapter

TITLE_TEMPLATE = "title"
SHORTEST_S = 1
MOST = 255  # a count of one byte in MP4's own list
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class _Mark:
    frame: int
    name: str


def chapters_of(timeline: Timeline) -> tuple[Chapter, ...]:
    """One chapter per title where there are two or more, else one per visual of the lowest track.

    They cover the film without gaps. What would last under a second, or be one too many, belongs to the
    chapter before it. A film that would have a single chapter has none.
    """
    marks = list(_titles(timeline))
    if len(marks) < 2:
        marks = list(_visuals(timeline))
    marks = _spaced(_from_the_start(marks, timeline), timeline)
    if len(marks) < 2:
        return ()
    ends = [mark.frame for mark in marks[1:]] + [timeline.end_frame_exclusive]
    return tuple(Chapter(mark.name, mark.frame, end) for mark, end in zip(marks, ends, strict=True))


def _titles(timeline: Timeline) -> Iterator[_Mark]:
    clips = (clip for track in timeline.text for clip in track.clips if clip.template == TITLE_TEMPLATE)
    for clip in sorted(clips, key=lambda clip: clip.start_frame):
        yield _Mark(clip.start_frame, _short(clip.text))


def _visuals(timeline: Timeline) -> Iterator[_Mark]:
    for track in timeline.video[:1]:
        for clip in track.clips:
            name = clip.name or timeline.medium(clip.media).name
            yield _Mark(clip.start_frame, _short(PurePath(name).stem))


def _from_the_start(marks: Sequence[_Mark], timeline: Timeline) -> Iterator[_Mark]:
    """What comes before the first title is called as the film is."""
    if marks and marks[0].frame > 0:
        yield _Mark(0, _short(timeline.name))
    yield from marks


def _spaced(marks: Iterable[_Mark], timeline: Timeline) -> list[_Mark]:
    """Without those that come too soon after the one before or before the end; fewer where too many."""
    end = timeline.end_frame_exclusive
    kept = _apart(marks, end, timeline.rate.nearest_frame(SHORTEST_S))
    return kept if len(kept) <= MOST else _apart(kept, end, -(-end // MOST))


def _apart(marks: Iterable[_Mark], end: int, least: int) -> list[_Mark]:
    """Those that come at least so many frames after the one before and before the end."""
    kept: list[_Mark] = []
    for mark, following in pairwise([*marks, _Mark(end, "")]):
        alone = not kept or mark.frame - kept[-1].frame >= least
        if alone and (not kept or end - mark.frame >= least) and following.frame > mark.frame:
            kept.append(mark)
    return kept


def _short(name: str) -> str:
    line = " ".join(name.split()) or "…"
    return line if len(line) <= _LONGEST_NAME else f"{line[: _LONGEST_NAME - 1]}…"
