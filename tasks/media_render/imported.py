"""A media render's timeline when the caller brings one as OpenTimelineIO: its media become assets.

Pure. Media are assets by id, else by file name. What a render cannot show as it was meant is put as near to
it as can be, and said in a note; what is not there at all is refused, all of it at once.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, get_args
from urllib.parse import unquote

from farm.errors import BadRequest
from farm.otio import read_otio
from farm.timeline import AudioTrack, Fit, Media, MediaKind, TextTrack, Timeline, Transition, VideoTrack
from tasks.media_render.effects import EFFECTS
from tasks.media_render.effects import MOST_AT_ONCE as MOST_SOUNDS
from tasks.media_render.params import (
    DEFAULT_TEMPLATE,
    MAX_OVERLAYS,
    OVERLAY_CHARACTERS,
    SIZES,
    MediaRender,
    RenderAsset,
    TransitionType,
    exact,
    is_blank,
    template_id,
)
from tasks.media_render.shelf import tunes_here
from tasks.media_render.tunes import BUILTIN as TUNES

MAX_CLIPS = 1_000
MAX_FPS = 60
LONGEST_SIDE = 1_920
SAMPLE_RATES = (44_100, 48_000)
_PARAM = "timeline"
_SFX = "sfx/"
_INSTEAD = "crossfade"
# What lays pictures out, and so has nothing to say of a timeline that is brought along.
_EXCLUDED = ("placements", "durations", "transition_types", "beat_sync", "fps")


class Imported(NamedTuple):
    """A timeline as the render shows it; `notes` say what of it could not be kept."""

    timeline: Timeline
    notes: tuple[str, ...]


def imported(params: MediaRender) -> Imported:
    """The timeline that the caller brought along. Raises BadRequest naming all that cannot be used."""
    if params.timeline is None:
        raise BadRequest("There is no timeline.", param=_PARAM)
    _check_alone(params)
    read = read_otio(params.timeline, size=SIZES[params.aspect_ratio])
    notes = list(read.warnings)
    _check_size(read.timeline)
    media = _media(params, read.timeline)
    shown = _sized(_with_assets(read.timeline, media, params), notes)
    return Imported(_known_looks(_with_seen_texts(shown, notes), notes), tuple(notes))


def notes_of(params: MediaRender) -> tuple[str, ...]:
    """What a render could not keep of the timeline it was given."""
    return () if params.timeline is None else imported(params).notes


def _check_alone(params: MediaRender) -> None:
    for name in _EXCLUDED:
        if getattr(params, name) != MediaRender.model_fields[name].default:
            raise BadRequest(f"Pass timeline or {name}, not both: the timeline says it.", param=name)


def _check_size(timeline: Timeline) -> None:
    """Refuse what a render does not do, before its media are looked for."""
    clips = sum(len(t.clips) for t in timeline.video) + sum(len(t.clips) for t in timeline.audio)
    texts = [clip for track in timeline.text for clip in track.clips]
    fps = float(timeline.rate.fps)
    refusals = {
        "It has no picture.": not any(track.clips for track in timeline.video),
        f"It has {clips} clips; {MAX_CLIPS} at most.": clips > MAX_CLIPS,
        f"It has {len(texts)} texts; {MAX_OVERLAYS} at most.": len(texts) > MAX_OVERLAYS,
        f"A text of it has more than {OVERLAY_CHARACTERS} characters.": any(
            len(clip.text) > OVERLAY_CHARACTERS for clip in texts
        ),
        f"It has {len(timeline.audio)} tracks of sound; {MOST_SOUNDS} at most.": (
            len(timeline.audio) > MOST_SOUNDS
        ),
        f"It runs at {fps:g} pictures per second; 1 to {MAX_FPS} can be rendered.": not 1 <= fps <= MAX_FPS,
        f"Its sound has {timeline.sample_rate} samples per second; {SAMPLE_RATES} can be rendered.": (
            timeline.sample_rate not in SAMPLE_RATES
        ),
    }
    if said := [text for text, is_so in refusals.items() if is_so]:
        raise BadRequest(f"The timeline cannot be rendered. {' '.join(said)}", param=_PARAM)


def _media(params: MediaRender, timeline: Timeline) -> dict[str, Media]:
    """What each medium that is used becomes, by its id in the timeline."""
    seen = {clip.media for track in timeline.video for clip in track.clips}
    heard = {clip.media for track in timeline.audio for clip in track.clips}
    found: dict[str, Media] = {}
    missing = []
    for medium in timeline.media:
        if medium.id not in seen | heard:
            continue
        try:
            found[medium.id] = _medium(medium, params)
        except BadRequest as refusal:
            missing.append(refusal.message)
            continue
        kind, name = found[medium.id].kind, medium.name
        if kind is MediaKind.AUDIO and medium.id in seen:
            missing.append(f"{name} is sound and has no picture.")
        if kind is MediaKind.IMAGE and medium.id in heard:
            missing.append(f"{name} is a picture and has no sound.")
    if missing:
        raise BadRequest(f"The timeline cannot be rendered. {' '.join(missing)}", param=_PARAM)
    return found


def _medium(medium: Media, params: MediaRender) -> Media:
    if medium.builtin is not None:
        _check_builtin(medium.builtin)
        return medium.model_copy(update={"id": f"edit:{medium.builtin}", "kind": MediaKind.AUDIO})
    asset = _asset(medium, params)
    length = medium.duration if asset.duration_s is None else exact(asset.duration_s)
    return Media(id=asset.asset_id, kind=asset.media_kind, name=asset.file_name, duration=length)


def _asset(medium: Media, params: MediaRender) -> RenderAsset:
    """By its id, else by its file name: as it is, or with percent signs undone as in URLs."""
    by_id = [asset for asset in params.assets if asset.asset_id == medium.id]
    name = medium.name.replace("\\", "/").rpartition("/")[2]
    found = by_id or _called(name, params) or _called(unquote(name), params)
    if len(found) == 1:
        return found[0]
    problem = "several assets have that file name" if found else "no asset has that file name"
    raise BadRequest(f"{name[:200]!r}: {problem}.", param=_PARAM)


def _called(name: str, params: MediaRender) -> list[RenderAsset]:
    return [asset for asset in params.assets if asset.file_name == name]


def _check_builtin(name: str) -> None:
    kind, known = ("effect", [f"{_SFX}{effect}" for effect in EFFECTS])
    if name.startswith(TUNES):
        kind, known = ("tune", [f"{TUNES}{tune.name}" for tune in tunes_here()])
    if name not in known:
        raise BadRequest(f"There is no {kind} {name[:100]!r}.", param=_PARAM)


def _with_assets(timeline: Timeline, media: Mapping[str, Media], params: MediaRender) -> Timeline:
    """Clips by asset id, with the render's fit where they have none and its volume on their own sound."""

    def video(track: VideoTrack) -> VideoTrack:
        clips = (
            clip.model_copy(
                update={
                    "media": media[clip.media].id,
                    "fit": params.fit if clip.fit is Fit.AUTO else clip.fit,
                    "sound_gain": clip.sound_gain * params.clip_volume,
                }
            )
            for clip in track.clips
        )
        return track.model_copy(update={"clips": tuple(clips)})

    def audio(track: AudioTrack) -> AudioTrack:
        clips = (clip.model_copy(update={"media": media[clip.media].id}) for clip in track.clips)
        return track.model_copy(update={"clips": tuple(clips)})

    return timeline.model_copy(
        update={
            "name": params.name or timeline.name,
            "media": tuple({medium.id: medium for medium in media.values()}.values()),
            "video": tuple(video(track) for track in timeline.video),
            "audio": tuple(audio(track) for track in timeline.audio),
        }
    )


def _sized(timeline: Timeline, notes: list[str]) -> Timeline:
    """No larger than a render is: smaller in the same shape, on even sides."""
    longest = max(timeline.width, timeline.height)
    if longest <= LONGEST_SIDE:
        return timeline
    width, height = (
        max(16, round(side * LONGEST_SIDE / longest / 2) * 2) for side in (timeline.width, timeline.height)
    )
    notes.append(f"The timeline is {timeline.width}x{timeline.height}; it is rendered at {width}x{height}.")
    return timeline.model_copy(update={"width": width, "height": height})


def _with_seen_texts(timeline: Timeline, notes: list[str]) -> Timeline:
    """Without texts of which nothing would be seen."""
    tracks = [
        track.model_copy(update={"clips": tuple(clip for clip in track.clips if not is_blank(clip.text))})
        for track in timeline.text
    ]
    if sum(len(track.clips) for track in tracks) < sum(len(track.clips) for track in timeline.text):
        notes.append("A text with nothing to see in it is left out.")
    return timeline.model_copy(update={"text": tuple(tracks)})


def _known_looks(timeline: Timeline, notes: list[str]) -> Timeline:
    """Transitions and looks of texts that nobody knows become the usual ones; looks may go by their names."""
    kinds = get_args(TransitionType)
    foreign = sorted({kind for kind in _kinds(timeline) if kind not in kinds})
    looks = {c.template: _look(c.template) for track in timeline.text for c in track.clips}
    unknown = sorted(look for look, known in looks.items() if known is None)
    notes += [f"The transition {kind[:80]!r} is not known; it is a {_INSTEAD}." for kind in foreign[:20]]
    notes += [
        f"The text template {look[:80]!r} is not known; it is {DEFAULT_TEMPLATE}." for look in unknown[:20]
    ]

    def transition(found: Transition | None) -> Transition | None:
        return found.model_copy(update={"type": _INSTEAD}) if found and found.type in foreign else found

    def video(track: VideoTrack) -> VideoTrack:
        clips = (c.model_copy(update={"transition": transition(c.transition)}) for c in track.clips)
        return track.model_copy(update={"clips": tuple(clips)})

    def text(track: TextTrack) -> TextTrack:
        clips = (
            c.model_copy(update={"template": looks[c.template] or DEFAULT_TEMPLATE}) for c in track.clips
        )
        return track.model_copy(update={"clips": tuple(clips)})

    return timeline.model_copy(
        update={
            "video": tuple(video(track) for track in timeline.video),
            "text": tuple(text(track) for track in timeline.text),
        }
    )


def _look(name: str) -> str | None:
    """The id of a text template by its name or id, if there is one."""
    try:
        return template_id(name)
    except ValueError:
        return None


def _kinds(timeline: Timeline) -> Iterator[str]:
    for track in timeline.video:
        yield from (clip.transition.type for clip in track.clips if clip.transition)
