"""Performs the task that makes the sound of a long film: once and whole, however its pictures are cut."""

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256

from pydantic import JsonValue

from farm.catalog import read_catalog
from farm.encoders import EncoderProfile
from farm.noun import Noun
from farm.settings import Settings
from farm.timeline import AudioClip, Fit, MediaKind, Motion, Timeline, VideoClip
from tasks.media_render import segments as tasks
from workers.context import Context, Done, Output, TaskInput
from workers.cpu_render.film import profile_named
from workers.cpu_render.media_render import disk_full_named, files_of
from workers.cpu_render.render import SOUND_AHEAD, shape_of
from workers.cpu_render.segments.engine_version import engine_version
from workers.cpu_render.soundtrack import Soundtrack
from workers.media.ahead import Ahead
from workers.media.encode import encode_sound
from workers.media.sound import Samples

_LOOK_S = 0.2  # how often it looks, while all is being mixed, whether it is to stop
_MIXED = 0.5  # of its progress: then it is encoded


class SoundParams(Noun):
    """What is heard, how it is encoded, and the hashes of the files by media id."""

    timeline: Timeline
    profile: str
    hashes: Mapping[str, str]


def perform(task: TaskInput, context: Context) -> Done:
    """Mix, master and encode the sound. Raises as a render does."""
    params = SoundParams.model_validate(dict(task.params))
    profile = profile_named(params.profile, read_catalog(Settings()).encoders)
    form, shape = profile.format, shape_of(params.timeline)
    out = context.workdir / f"{tasks.SOUND}{form.suffix}"
    track = Soundtrack(params.timeline, files_of(task), context.workdir)
    with disk_full_named(), Ahead(track, depth=SOUND_AHEAD, name="mix") as sound:
        try:
            while not sound.is_ready(_LOOK_S):
                context.progress(0.0, "sound")
            encode_sound(_told(sound, shape.samples, context), out, shape, profile)
        finally:
            track.stop()
    key = sound_key(params.timeline, params.hashes, profile)
    return Done([Output(tasks.SOUND, out, out.name, form.content_type, intermediate=True, cache_key=key)])


def heard(timeline: Timeline) -> Timeline:
    """The timeline without what is only seen. It stays as long."""
    tracks = (
        track.model_copy(update={"clips": tuple(_bare(clip) for clip in track.clips)})
        for track in timeline.video
    )
    return timeline.model_copy(update={"name": "sound", "video": tuple(tracks), "text": ()})


def heard_media(timeline: Timeline) -> list[str]:
    """The media that sound, or may."""
    clips = {clip.media for track in timeline.audio for clip in track.clips if clip.gain > 0}
    clips |= {clip.media for track in timeline.video for clip in track.clips if clip.sound_gain > 0}
    return [m.id for m in timeline.media if m.id in clips and m.kind is not MediaKind.IMAGE]


def sound_key(timeline: Timeline, hashes: Mapping[str, str], profile: EncoderProfile) -> str:
    """By what the sound's file is known: a hash of all that is heard, of the engine and of the encoder.

    `timeline` is what `heard` makes of a film's; `hashes` are those of the files, by media id.
    """
    sounding = set(heard_media(timeline))
    names = {
        medium.id: hashes.get(medium.id, medium.builtin or "") if medium.id in sounding else ""
        for medium in timeline.media
    }
    said = {
        "engine": engine_version(),
        "encoder": [profile.format.sound, profile.format.sound_rate, profile.audio_bitrate],
        "rates": [timeline.rate.model_dump(), timeline.sample_rate],
        "video": [[_named(clip, names) for clip in track.clips] for track in timeline.video],
        "audio": [[track.role, [_named(clip, names) for clip in track.clips]] for track in timeline.audio],
    }
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _named(clip: VideoClip | AudioClip, names: Mapping[str, str]) -> dict[str, JsonValue]:
    """A clip by what its medium contains."""
    return {**clip.model_dump(mode="json", exclude={"name"}), "media": names[clip.media]}


def _bare(clip: VideoClip) -> VideoClip:
    unseen = {"fit": Fit.AUTO, "motion": Motion.NONE, "transition": None, "name": None}
    return clip.model_copy(update=unseen)


def _told(sound: Iterator[Samples], samples: int, context: Context) -> Iterator[Samples]:
    done = 0
    for chunk in sound:
        context.progress(_MIXED + (1 - _MIXED) * done / samples, "sound")
        done += chunk.shape[1]
        yield chunk
