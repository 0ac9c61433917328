"""Lays a render out anew once its music was heard: cuts that are free to move go onto the beats."""

from collections.abc import Callable, Mapping
from pathlib import Path

from farm.timeline import Timeline
from tasks.media_render import MediaRender, timeline_of
from tasks.media_render.on_beats import Grid
from tasks.media_render.voiceover import Speech
from workers.cpu_render.builtin import builtin_files
from workers.media.beats import LONGEST_S, beats_of


def laid_on_beats(
    request: MediaRender,
    timeline: Timeline,
    files: Mapping[str, Path],
    log: Callable[[str], None],
    speech: Speech | None = None,
) -> Timeline:
    """The timeline of `request` with its cuts on the beats of its music, as long as before.

    `timeline` itself where there is no steady beat. `log` is told which. Raises AssetUnreadable.
    """
    medium = timeline.medium(timeline.audio[0].clips[0].media)
    beats = beats_of({**files, **builtin_files(timeline)}[medium.id], medium.name)
    if beats is None:
        log(f"{medium.name} has no steady beat: the cuts stay where they are.")
        return timeline
    log(f"The cuts follow the beats of {medium.name}, {beats.bpm:.1f} bpm.")
    repeat_s = beats.duration_s if beats.duration_s < LONGEST_S else None  # else nobody heard its end
    return timeline_of(request, Grid.measured(beats.times, beats.downbeat, repeat_s), speech)
