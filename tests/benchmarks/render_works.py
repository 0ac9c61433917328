"""What the render benchmark renders: the inputs it takes, and three timelines made of them.

`photos`: ten photos of 12 megapixels in slow motion, nine crossfades, a text throughout, music; 30 s.
`long`: the same twenty times over, ten minutes.
`clips`: three clips of 1080p with two crossfades and no sound; 30 s. `everything`: photos and clips with all
13 transitions, texts, sound effects on the cuts, music that ducks under a voiceover; 30 s.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from farm.timeline import (
    AudioClip,
    AudioTrack,
    Media,
    MediaKind,
    Motion,
    Position,
    Rate,
    TextClip,
    TextTrack,
    Timeline,
    Transition,
    VideoClip,
    VideoTrack,
)
from tests.benchmarks.report import FOLDER

ASSETS = FOLDER / "assets"
MUSIC, VOICE = ASSETS / "music.mp3", ASSETS / "voice.wav"
PHOTOS = tuple(ASSETS / f"photo-{number}.jpg" for number in range(10))
CLIPS = tuple(ASSETS / f"clip-{number}.mp4" for number in range(3))

FPS, SAMPLE_RATE = 30, 44_100
PHOTO_FRAMES, CLIP_FRAMES = 90, 300
BEFORE, AFTER = 7, 8  # frames of a crossfade ahead of its cut and behind it
HANDLE = 15  # frames of each clip ahead of what is shown of it, and behind
FRAMES = 900
_TIMES = 20  # of the long one
TEXT = "Summer in Kyoto"
COPIED_BITRATE = 50_000_000  # as configs/encode.toml has it: up to it, clips that nothing changes are copied
ALL_TRANSITIONS = (
    *("crossfade", "fade", "light-leak", "zoom-in", "zoom-out", "ken-burns", "dip-to-black"),
    *("slide", "wipe", "flip", "clock-wipe", "iris", "none"),
)


@dataclass(frozen=True, slots=True)
class Work:
    """One of the timelines."""

    name: str
    width: int
    height: int
    timeline: Callable[[], Timeline]
    media: tuple[Path, ...]

    def files(self) -> dict[str, Path]:
        return {path.name: path for path in self.media}


def photos(times: int = 1) -> Timeline:
    shown = _shown(PHOTOS * times, PHOTO_FRAMES)
    return _timeline("photos", (1080, 1920), PHOTOS, shown, texts=(_text(0, FRAMES * times),))


def long() -> Timeline:
    return photos(_TIMES)


def clips() -> Timeline:
    return _timeline("clips", (1920, 1080), CLIPS, _shown(CLIPS, CLIP_FRAMES, handle=HANDLE), sound=False)


def everything() -> Timeline:
    """14 pictures of 64 frames and a longer last one, so that each transition has its cut."""
    shown = [*PHOTOS[:5], CLIPS[0], *PHOTOS[5:8], CLIPS[1], *PHOTOS[8:], CLIPS[2], PHOTOS[0]]
    edges = [number * 64 for number in range(len(shown))] + [FRAMES]
    laid = [
        VideoClip(
            media=path.name,
            start_frame=start,
            end_frame_exclusive=end,
            motion=Motion.KEN_BURNS if path in PHOTOS else Motion.NONE,
            source_start=Fraction(HANDLE, FPS) if path in CLIPS else Fraction(0),
            transition=_fade(ALL_TRANSITIONS[number - 1]) if number else None,
        )
        for number, (path, start, end) in enumerate(zip(shown, edges, edges[1:], strict=False))
    ]
    words = ("Snapchat Hook", "Headline Bar", "Cloud Tag", "Midnight Strip", "Title", "Bold")
    texts = tuple(_text(number * 150, number * 150 + 130, template) for number, template in enumerate(words))
    effects = [
        AudioClip(media="whoosh", start_sample=_sample(edge), end_sample_exclusive=_sample(edge + 20))
        for edge in edges[1:-1]
    ]
    voice = AudioClip(media=VOICE.name, start_sample=_sample(30), end_sample_exclusive=_sample(30 + 600))
    timeline = _timeline("everything", (1080, 1920), (*PHOTOS, *CLIPS), laid, texts=texts)
    more = (
        Media(id=VOICE.name, kind=MediaKind.AUDIO, name=VOICE.name),
        Media(id="whoosh", kind=MediaKind.AUDIO, name="whoosh", builtin="sfx/whoosh"),
    )
    tracks = (AudioTrack(role="voiceover", clips=(voice,)), AudioTrack(role="effects", clips=tuple(effects)))
    return timeline.model_copy(update={"media": timeline.media + more, "audio": timeline.audio + tracks})


WORKS: Mapping[str, Work] = {
    work.name: work
    for work in (
        Work("photos", 1080, 1920, photos, (*PHOTOS, MUSIC)),
        Work("long", 1080, 1920, long, (*PHOTOS, MUSIC)),
        Work("clips", 1920, 1080, clips, CLIPS),
        Work("everything", 1080, 1920, everything, (*PHOTOS, *CLIPS, MUSIC, VOICE)),
    )
}


def _shown(paths: tuple[Path, ...], frames: int, handle: int = 0) -> list[VideoClip]:
    """One after the other, crossfaded; photos move, clips begin after their handle."""
    return [
        VideoClip(
            media=path.name,
            start_frame=number * frames,
            end_frame_exclusive=(number + 1) * frames,
            motion=Motion.NONE if handle else Motion.KEN_BURNS,
            source_start=Fraction(handle, FPS),
            transition=_fade("crossfade") if number else None,
        )
        for number, path in enumerate(paths)
    ]


def _fade(name: str) -> Transition | None:
    return None if name == "none" else Transition(type=name, before_frames=BEFORE, after_frames=AFTER)


def _text(start: int, end: int, template: str = "Snapchat Hook") -> TextClip:
    return TextClip(
        text=TEXT, start_frame=start, end_frame_exclusive=end, template=template, position=Position.BOTTOM
    )


def _timeline(
    name: str,
    size: tuple[int, int],
    media: tuple[Path, ...],
    shown: list[VideoClip],
    *,
    texts: tuple[TextClip, ...] = (),
    sound: bool = True,
) -> Timeline:
    end = _sample(shown[-1].end_frame_exclusive)
    music = AudioClip(media=MUSIC.name, start_sample=0, end_sample_exclusive=end, loop=True)
    return Timeline(
        name=name,
        rate=Rate(num=FPS),
        width=size[0],
        height=size[1],
        sample_rate=SAMPLE_RATE,
        media=(
            *(Media(id=path.name, kind=_kind(path), name=path.name) for path in media),
            *([Media(id=MUSIC.name, kind=MediaKind.AUDIO, name=MUSIC.name)] if sound else ()),
        ),
        video=(VideoTrack(clips=tuple(shown)),),
        audio=(AudioTrack(clips=(music,)),) if sound else (),
        text=(TextTrack(clips=texts),) if texts else (),
    )


def _kind(path: Path) -> MediaKind:
    return MediaKind.VIDEO if path in CLIPS else MediaKind.IMAGE


def _sample(frame: int) -> int:
    return frame * SAMPLE_RATE // FPS
