"""Renders a timeline to an MP4: decode, compose, mix and encode overlap, and memory does not grow with it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from farm.encoders import STANDARD, EncoderProfile
from farm.errors import BadRequest
from farm.timeline import Timeline
from workers.cpu_render.compose import compose
from workers.cpu_render.plan import Plan, SpanKind, plan
from workers.cpu_render.smart_cut import NotSpliced, cut, find_copies
from workers.cpu_render.soundtrack import Soundtrack
from workers.cpu_render.text import template_named
from workers.cpu_render.text.typesetting import undrawable
from workers.cpu_render.transitions import transition_named
from workers.media.ahead import Ahead
from workers.media.encode import Chapter, Samples, encode
from workers.media.memory import hold_little
from workers.media.shape import Shape

FRAMES_AHEAD = 6
SOUND_AHEAD = 4
_LOOK_S = 0.2  # how often a render that waits for its sound looks whether it is to stop


@dataclass(frozen=True, slots=True)
class RenderReport:
    """What was made. `spans` counts frames by how they were composed; `notes` is for the job's log."""

    frames: int
    duration_s: float
    size_bytes: int
    spans: Mapping[SpanKind, int]
    notes: tuple[str, ...]


def render(
    timeline: Timeline,
    files: Mapping[str, Path],
    out: Path,
    *,
    profile: EncoderProfile = STANDARD,
    chapters: Sequence[Chapter] = (),
    progress: Callable[[float, str], None],
    checkpoint: Callable[[], None],
) -> RenderReport:
    """Render all of a timeline into `out`. `files` are its media by id.

    `progress` and `checkpoint` are called in this thread only, and may raise to stop the render. Raises
    AssetUnreadable naming a medium, BadRequest for a timeline that asks for what nobody knows, TaskFailure
    CORRUPT_OUTPUT, and OSError when `out` cannot be written. No file is left unless it is whole.
    """
    hold_little()
    planned = plan(timeline)
    notes = check(timeline, planned)
    checkpoint()
    shape = shape_of(timeline)

    def on_frame(done: int) -> None:
        progress(done / shape.frames, "render")

    copying = find_copies(planned, timeline, files, profile, checkpoint)
    notes = (*notes, *copying.notes)
    if copying.taken:
        try:
            with _mixed(timeline, files, out.parent, checkpoint) as sound:
                cut(copying, timeline, files, sound, out, shape, profile, on_frame, chapters)
            return _report(timeline, copying.plan, out, (*notes, copying.summary))
        except NotSpliced as reason:
            notes = (*notes, f"All frames are encoded, none copied: {reason}.")
    with ExitStack() as stack:
        composing = compose(planned, timeline, files, buffers=FRAMES_AHEAD + 2)
        pictures = stack.enter_context(Ahead(composing, depth=FRAMES_AHEAD, name="compose"))
        sound = stack.enter_context(_mixed(timeline, files, out.parent, checkpoint))
        encode(pictures, sound, out, shape, profile, on_frame, chapters)
    return _report(timeline, planned, out, notes)


@contextmanager
def _mixed(
    timeline: Timeline, files: Mapping[str, Path], folder: Path, checkpoint: Callable[[], None]
) -> Iterator[Ahead[Samples]]:
    """The whole sound, ready to be encoded."""
    track = Soundtrack(timeline, files, folder)
    with ExitStack() as stack:
        sound = stack.enter_context(Ahead(track, depth=SOUND_AHEAD, name="mix"))
        stack.callback(track.stop)
        while not sound.is_ready(_LOOK_S):  # it comes once all is mixed
            checkpoint()
        yield sound


def check(timeline: Timeline, planned: Plan) -> tuple[str, ...]:
    """Refuse what cannot be rendered before any work is done; return what is worth a note.

    Raises BadRequest for an empty timeline, an unknown transition or template, or letters without a font.
    """
    if planned.frames == 0:
        raise BadRequest("The timeline has no picture.", param="timeline")
    for effect in planned.effects():
        transition_named(effect)
    notes = []
    for caption in (clip for track in timeline.text for clip in track.clips):
        template_named(caption.template)
        if left_out := undrawable(caption.text):
            notes.append(f"No font has {left_out}: left out of the caption {caption.text!r}")
    return tuple(notes)


def shape_of(timeline: Timeline) -> Shape:
    """What a file with all of a timeline is."""
    frames = timeline.end_frame_exclusive
    return Shape(
        width=timeline.width,
        height=timeline.height,
        rate=timeline.rate,
        frames=frames,
        sample_rate=timeline.sample_rate,
        samples=timeline.samples_at(frames),
    )


def _report(timeline: Timeline, planned: Plan, out: Path, notes: tuple[str, ...]) -> RenderReport:
    spans = {kind: sum(s.frames for s in planned.spans if s.kind is kind) for kind in SpanKind}
    return RenderReport(
        frames=planned.frames,
        duration_s=float(timeline.duration),
        size_bytes=out.stat().st_size,
        spans={kind: frames for kind, frames in spans.items() if frames},
        notes=notes,
    )
