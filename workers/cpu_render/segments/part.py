"""A part of a film as one task composes it: the plan of its frames, and nothing of the film around it.

Frames and clips count from the first that is in it, so that the same pictures are the same part wherever in a
film they stand. What it is rendered from is all there, and its key is a hash of exactly that.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256

from farm.encoders import EncoderProfile
from farm.noun import Noun
from farm.timeline import Media, Motion, Rate, TextClip, Timeline, VideoClip
from workers.cpu_render.motion import MOVES
from workers.cpu_render.plan import Blend, Caption, Picture, Plan, Shot, Span, plan
from workers.cpu_render.segments.engine_version import engine_version


class Part(Noun):
    """The spans of some frames on end, their media and their geometry."""

    rate: Rate
    width: int
    height: int
    media: tuple[Media, ...]
    spans: tuple[Span, ...]

    @property
    def plan(self) -> Plan:
        return Plan(self.spans)

    @property
    def timeline(self) -> Timeline:
        """What composing asks beside the plan; it has no tracks."""
        return Timeline(name="part", rate=self.rate, width=self.width, height=self.height, media=self.media)


def part_of(timeline: Timeline, start_frame: int, end_frame_exclusive: int) -> Part:
    """Frames `[start_frame, end_frame_exclusive)` of a timeline."""
    planned = plan(timeline, start_frame, end_frame_exclusive)
    shots = tuple(planned.uses())
    texts = [caption.clip for span in planned.spans for caption in span.captions]
    clips: Sequence[VideoClip | TextClip] = [*(shot.clip for shot in shots), *texts]
    first = min([start_frame, *(s.first_frame for s in shots), *(clip.start_frame for clip in clips)])
    used = {shot.clip.media for shot in shots}
    told = _Told(first, dict(_numbers(shots)), {name: name for name in used})
    return Part(
        rate=timeline.rate,
        width=timeline.width,
        height=timeline.height,
        media=tuple(medium for medium in timeline.media if medium.id in used),
        spans=tuple(told.span(span) for span in planned.spans),
    )


def key_of(part: Part, hashes: Mapping[str, str], profile: EncoderProfile) -> str:
    """By what the part's file is known: a hash of its plan, its media's contents, the engine and the encoder.

    `hashes` are those of the files, by media id.
    """
    kept = {(shot.track, shot.index): shot.index for shot in part.plan.uses()}
    told = _Told(0, kept, hashes)
    media = sorted({(hashes[medium.id], medium.kind) for medium in part.media})
    bare = part.model_copy(
        update={
            "media": tuple(Media(id=name, kind=kind, name="") for name, kind in media),
            "spans": tuple(told.span(span) for span in part.spans),
        }
    )
    said = {
        "engine": engine_version(),
        "encoder": profile.model_dump(mode="json", include={"encoder", "options", "most_fps"}),
        "part": bare.model_dump(mode="json"),
    }
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _numbers(shots: Sequence[Shot]) -> Iterator[tuple[tuple[int, int], int]]:
    """New numbers for the clips of each track: from 0 on, but such that a camera moves as it did."""
    following: dict[int, int] = {}
    for shot in sorted(shots, key=lambda shot: (shot.track, shot.index)):
        number = following.get(shot.track, 0)
        if shot.clip.motion is not Motion.NONE:
            number += (shot.index - number) % MOVES
        following[shot.track] = number + 1
        yield (shot.track, shot.index), number


class _Told:
    """Says a plan in other numbers of frames (from `first` on) and clips, and with other names of media.

    What does not change a picture is left out.
    """

    def __init__(self, first: int, numbers: Mapping[tuple[int, int], int], names: Mapping[str, str]) -> None:
        self._first, self._numbers, self._names = first, numbers, names

    def span(self, span: Span) -> Span:
        return Span(
            span.start_frame - self._first,
            span.end_frame_exclusive - self._first,
            span.kind,
            self._picture(span.picture),
            tuple(Caption(self._text(c.clip), c.fade_frames) for c in span.captions),
        )

    def _picture(self, picture: Picture) -> Picture:
        if isinstance(picture, Shot):
            return self._shot(picture)
        if isinstance(picture, Blend):
            return Blend(
                picture.effect,
                self._picture(picture.before),
                self._picture(picture.after),
                picture.start_frame - self._first,
                picture.end_frame_exclusive - self._first,
            )
        return None

    def _shot(self, shot: Shot) -> Shot:
        return Shot(
            shot.track,
            self._numbers[shot.track, shot.index],
            self._clip(shot.clip),
            shot.is_moving,
            shot.first_frame - self._first,
            shot.end_frame_exclusive - self._first,
        )

    def _clip(self, clip: VideoClip) -> VideoClip:
        return clip.model_copy(
            update={
                "media": self._names[clip.media],
                "start_frame": clip.start_frame - self._first,
                "end_frame_exclusive": clip.end_frame_exclusive - self._first,
                "sound_gain": 1.0,
                "transition": None,
                "name": None,
            }
        )

    def _text(self, clip: TextClip) -> TextClip:
        return clip.model_copy(
            update={
                "start_frame": clip.start_frame - self._first,
                "end_frame_exclusive": clip.end_frame_exclusive - self._first,
            }
        )
