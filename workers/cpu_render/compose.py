"""Composes the frames of a plan, one after the other, in planar YUV."""

from collections.abc import Generator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from farm.timeline import TextClip, Timeline
from workers.cpu_render.layers import Layer, open_layer
from workers.cpu_render.plan import Blend, Picture, Plan, Shot, Span, SpanKind
from workers.cpu_render.text.layer import TextLayer
from workers.cpu_render.transitions import transition_named
from workers.media.ahead import Ahead
from workers.media.memory import give_back
from workers.media.planes import Planes

# How many clips are opened and prepared before the first frame that shows them.
CLIPS_AHEAD = 1

_Key = tuple[int, int]  # of a shot: its track and its place there


@dataclass(frozen=True, slots=True)
class Composed:
    """A picture, and for how many frames on end it stands."""

    planes: Planes
    frames: int


def compose(
    plan: Plan, timeline: Timeline, files: Mapping[str, Path], *, buffers: int
) -> Generator[Composed, None, None]:
    """Make every picture of the plan in order.

    `buffers` pictures are reused in turn: one is overwritten when that many more have been made. Raises
    AssetUnreadable naming the medium, and BadRequest for a transition or caption nobody knows.
    """
    with _Stage(plan, timeline, files, buffers) as stage:
        for span in plan.spans:
            stage.enter(span)
            if span.kind is SpanKind.STATIC:
                yield Composed(stage.compose(span, span.start_frame), span.frames)
            else:
                for frame in range(span.start_frame, span.end_frame_exclusive):
                    yield Composed(stage.compose(span, frame), 1)


class _Stage:
    """What is open while a plan is composed: layers, captions, buffers."""

    def __init__(self, plan: Plan, timeline: Timeline, files: Mapping[str, Path], buffers: int) -> None:
        self._plan, self._timeline = plan, timeline
        self._uses = {_key(shot): use for shot, use in plan.uses().items()}
        self._files = files
        self._layers: dict[_Key, Layer] = {}
        self._captions: dict[TextClip, TextLayer] = {}
        self._canvases = cycle([self._blank() for _ in range(buffers)])
        self._spare: list[Planes] = []
        self._black = self._blank()

    def __enter__(self) -> "_Stage":
        self._stack = ExitStack()
        self._stack.callback(self._close_layers)
        opening = Ahead(self._open_layers(), depth=CLIPS_AHEAD, name="open-clips")
        self._opened = self._stack.enter_context(opening)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def enter(self, span: Span) -> None:
        """Let go of what no later frame shows, and take in what this span shows first."""
        over = [key for key in list(self._layers) if self._uses[key].stop <= span.start_frame]
        for key in over:
            self._layers.pop(key).close()
        if over:
            give_back()
        for shot in span.shots():
            while _key(shot) not in self._layers:
                next(self._opened)
        wanted = [caption.clip for caption in span.captions]
        self._captions = {
            clip: self._captions.get(clip) or TextLayer.of(clip, self._timeline.width, self._timeline.height)
            for clip in wanted
        }

    def compose(self, span: Span, frame: int) -> Planes:
        """The finished picture at a frame: a buffer, or a layer's own where nothing lies on it."""
        for layer in list(self._layers.values()):
            layer.near(frame)
        canvas = next(self._canvases)
        picture = self._draw(span.picture, frame, canvas, 0)
        if not span.captions:
            return picture
        if picture is not canvas:
            canvas.copy_from(picture)
        for caption in span.captions:
            self._captions[caption.clip].lay_on(canvas, caption.opacity(frame))
        return canvas

    def _draw(self, picture: Picture, frame: int, canvas: Planes, depth: int) -> Planes:
        if picture is None:
            return self._black
        if isinstance(picture, Shot):
            return self._layers[_key(picture)].draw(frame, canvas)
        return self._blend(picture, frame, canvas, depth)

    def _blend(self, blend: Blend, frame: int, canvas: Planes, depth: int) -> Planes:
        while len(self._spare) < 2 * depth + 2:
            self._spare.append(self._blank())
        before = self._draw(blend.before, frame, self._spare[2 * depth], depth + 1)
        after = self._draw(blend.after, frame, self._spare[2 * depth + 1], depth + 1)
        transition_named(blend.effect).blend(before, after, blend.progress(frame), canvas)
        return canvas

    def _blank(self) -> Planes:
        return Planes.blank(self._timeline.width, self._timeline.height)

    def _open_layers(self) -> Generator[None, None, None]:
        """Runs in a thread of its own. Layers are noted here at once, so that none is left open."""
        for shot, use in self._plan.uses().items():
            self._layers[_key(shot)] = open_layer(shot, use, self._timeline, self._files)
            yield

    def _close_layers(self) -> None:
        for layer in self._layers.values():
            layer.close()


def _key(shot: Shot) -> _Key:
    return shot.track, shot.index
