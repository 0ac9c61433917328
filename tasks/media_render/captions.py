"""Lays the texts of a media render out on its timeline: the hook, overlays at their exact times, and others.

Pure.
"""

from collections.abc import Iterator, Sequence

from farm.errors import BadRequest
from farm.timeline import TextClip, TextTrack, Timeline
from tasks.media_render.on_screen import on_screen
from tasks.media_render.params import DEFAULT_TEMPLATE, MediaRender, TextOverlay, exact, is_blank
from tasks.media_render.voiceover import Speech

HOOK_S = 3
OVERLAY_S = 3
# Texts in one frame: each is held as a picture while it is seen, up to 10 MB of it.
MOST_AT_ONCE = 20


def captions(params: MediaRender, timeline: Timeline, speech: Speech | None = None) -> Iterator[TextTrack]:
    """The tracks of text for a timeline that has its pictures. Raises BadRequest naming the overlay.

    With `speech`, what is said may be written while it is: see on_screen.py.
    """
    by_hand = tuple(_by_hand(params, timeline, speech))
    yield from by_hand
    yield from on_screen(params, timeline.model_copy(update={"text": (*timeline.text, *by_hand)}), speech)


def _by_hand(params: MediaRender, timeline: Timeline, speech: Speech | None) -> Iterator[TextTrack]:
    """What would come after the end is left to when the voiceover is spoken, which may draw the film out."""
    hook = (params.hook_text or "").strip()
    if not is_blank(hook):
        end = min(timeline.rate.nearest_frame(HOOK_S), timeline.end_frame_exclusive)
        clip = TextClip(text=hook, start_frame=0, end_frame_exclusive=end, template=DEFAULT_TEMPLATE)
        yield TextTrack(clips=(clip,), name="hook")
    is_unspoken = params.voiceover is not None and speech is None
    clips = tuple(
        _overlay(overlay, timeline, f"text_overlays[{index}]")
        for index, overlay in enumerate(params.text_overlays)
        if not (is_unspoken and _start(overlay, timeline) >= timeline.end_frame_exclusive)
    )
    if clips:
        check_crowding(clips, "text_overlays[{}]")
        yield TextTrack(clips=clips, name="overlays")


def _start(overlay: TextOverlay, timeline: Timeline) -> int:
    return timeline.rate.nearest_frame(exact(overlay.start_s))


def _overlay(overlay: TextOverlay, timeline: Timeline, param: str) -> TextClip:
    """Edges are snapped one by one; what would outlast the video ends with it."""
    length_s = OVERLAY_S if overlay.duration_s is None else exact(overlay.duration_s)
    start, end = _start(overlay, timeline), timeline.rate.nearest_frame(exact(overlay.start_s) + length_s)
    if start >= timeline.end_frame_exclusive:
        raise BadRequest(
            f"The text starts at {overlay.start_s:g} s; the video ends at {float(timeline.duration):g} s.",
            param=f"{param}.start_s",
        )
    if end <= start:
        raise BadRequest("The text is shown for less than a frame.", param=param)
    return TextClip(
        text=overlay.text,
        start_frame=start,
        end_frame_exclusive=min(end, timeline.end_frame_exclusive),
        template=overlay.template,
        position=overlay.position,
    )


def check_crowding(clips: Sequence[TextClip], param: str) -> None:
    """Raise BadRequest when more texts are seen at once than can be; `param` takes the index of the first."""
    ends: list[int] = []
    for index, clip in sorted(enumerate(clips), key=lambda item: item[1].start_frame):
        ends = [end for end in ends if end > clip.start_frame] + [clip.end_frame_exclusive]
        if len(ends) > MOST_AT_ONCE:
            raise BadRequest(
                f"More than {MOST_AT_ONCE} texts would be seen at once.", param=param.format(index)
            )
