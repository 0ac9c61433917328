"""Films whose music was asked for in words, and films cut on the beats of music that was heard first."""

from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from farm.errors import FailureClass, TaskFailure
from farm.timeline import AudioClip, AudioTrack, Media, MediaKind, Rate, Timeline, VideoClip, VideoTrack
from tasks.media_render import KIND, MediaRender
from tests.golden.test_render_file import Attempt
from tests.loudness import read_meter, sound_of
from tests.media import real_photo, tone, write_sound
from tests.unit.test_media_beats import clicks
from workers.context import InputFile, TaskInput
from workers.cpu_render.media_render import perform
from workers.cpu_render.tunes import tune_sound
from workers.media.audio import mix
from workers.media.beats import SAMPLE_RATE as BEATS_RATE
from workers.media.beats import find_beats
from workers.media.sound import resampled

pytestmark = pytest.mark.slow

SR = 48_000
PHOTOS = ("astronaut", "coffee", "chelsea", "china")
SECONDS = 12


def performed(folder: Path, music: Path | None = None, **params):
    """Render four photos of three seconds each, hard cuts, a quarter of the size."""
    files = {name: real_photo(name) for name in PHOTOS}
    assets = [{"asset_id": name, "file_name": name, "media_kind": "image"} for name in PHOTOS]
    if music is not None:
        files["music"] = music
        assets.append({"asset_id": "music", "file_name": music.name, "media_kind": "audio"})
        params["bgm_asset_id"] = "music"
    shape = {"aspect_ratio": "1:1", "profile": "preview", "transition_types": ["none"], "bgm_volume": 1.0}
    (task,) = KIND.plan(MediaRender.model_validate({"assets": assets, **shape, **params}))
    inputs = {key: InputFile(files[key], files[key].name, "") for key in task.inputs}
    attempt = Attempt(folder)
    return perform(TaskInput(KIND.name, task.step, task.params, inputs), attempt), attempt


def cuts_s(film: Path) -> list[float]:
    """When the picture changes all at once, in seconds."""
    with av.open(str(film)) as container:
        frames = [
            frame.reformat(64, 64, "gray").to_ndarray().astype(int) for frame in container.decode(video=0)
        ]
    assert len(frames) == SECONDS * 30
    return [n / 30 for n, (a, b) in enumerate(pairwise(frames), 1) if np.abs(a - b).mean() > 20]


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return performed(tmp_path_factory.mktemp("film"), bgm_query="electronic, intense", beat_sync=True)


def test_d070_the_film_has_the_tune_that_was_asked_for(film):
    heard = sound_of(film[0].outputs[0].path)[:, : SECONDS * SR]
    tune = tune_sound("neon-run")[:, : heard.shape[1]]
    inner = slice(SR, (SECONDS - 2) * SR)  # between the fades
    assert np.corrcoef(heard[:, inner].ravel(), tune[:, inner].ravel())[0, 1] > 0.97
    assert read_meter(heard).integrated == pytest.approx(-14, abs=0.5)
    assert find_beats([resampled(heard.astype(np.float32), SR, BEATS_RATE)]).bpm == pytest.approx(
        128, rel=0.02
    )
    assert np.abs(heard[:, -480:]).max() < 0.01  # faded out


def test_d070_which_tune_it_is_is_told_in_log_result_and_artifact(film):
    done, attempt = film
    note = "The music for 'electronic, intense' is Neon Run (neon-run, 128 bpm)."
    assert attempt.lines == [note]
    assert done.result["music"] == done.outputs[0].meta["music"]
    assert (done.result["music"]["tune"], done.result["music"]["note"]) == ("neon-run", note)


def test_d132_its_cuts_are_on_beats_and_it_is_as_long_as_without(film):
    found = cuts_s(film[0].outputs[0].path)
    assert len(found) == 3
    for cut, plain in zip(found, (3, 6, 9), strict=True):
        beats = cut * 128 / 60
        assert abs(beats - round(beats)) * 60 / 128 <= 1 / 60 + 1e-6
        assert 0 < abs(cut - plain) <= 0.5  # at 128 bpm no beat falls on 3, 6 or 9 s


def test_d132_cuts_follow_uploaded_music_as_the_worker_hears_it(tmp_path):
    beats = np.arange(0.31, 20, 60 / 93)
    music = write_sound(tmp_path / "song.mp3", clicks(beats).astype(np.float32), BEATS_RATE)
    done, attempt = performed(tmp_path, music, beat_sync=True)
    assert attempt.lines == ["The cuts follow the beats of song.mp3, 93.0 bpm."]
    for cut, plain in zip(cuts_s(done.outputs[0].path), (3, 6, 9), strict=True):
        assert np.abs(beats - cut).min() < 1 / 30
        assert abs(cut - plain) <= 0.5


def test_d132_music_without_a_beat_leaves_the_cuts_and_says_so(tmp_path):
    music = write_sound(tmp_path / "hum.wav", tone(220, 13))
    done, attempt = performed(tmp_path, music, beat_sync=True)
    assert attempt.lines == ["hum.wav has no steady beat: the cuts stay where they are."]
    assert cuts_s(done.outputs[0].path) == [3, 6, 9]


def test_d070_an_operators_tune_is_read_from_the_folder_or_the_render_is_tried_elsewhere(
    tmp_path, monkeypatch
):
    (tmp_path / "tunes.toml").write_text(f'[tunes]\nfolder = "{tmp_path}"\n')
    monkeypatch.setenv("FARM_CONFIG_DIR", str(tmp_path))
    own = write_sound(tmp_path / "test hum.wav", tone(330, 5))
    done, _ = performed(tmp_path, bgm_query="hum", beat_sync=True)
    assert done.result["music"]["tune"] == "test-hum"
    heard = sound_of(done.outputs[0].path)[0, SR : 9 * SR]
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(heard.size)))
    assert np.argmax(spectrum) / 8 == pytest.approx(330, abs=1)  # it starts over after 5 s
    own.unlink()
    with pytest.raises(TaskFailure, match="no tune 'test-hum'") as missing:
        performed(tmp_path, bgm_query="hum")
    assert missing.value.failure is FailureClass.TRANSIENT


def test_a_tune_starts_over_without_a_sample_missing():
    rng = np.random.default_rng(1)
    loop = rng.uniform(-0.1, 0.1, (2, SR + 7)).astype(np.float32)
    clip = AudioClip(media="tunes/x", start_sample=0, end_sample_exclusive=5 * SR, loop=True)
    timeline = Timeline(
        name="t", rate=Rate(num=30), width=64, height=64,
        media=(
            Media(id="p", kind=MediaKind.IMAGE, name="p"),
            Media(id="tunes/x", kind=MediaKind.AUDIO, name="x", builtin="tunes/x"),
        ),
        video=(VideoTrack(clips=(VideoClip(media="p", start_frame=0, end_frame_exclusive=150),)),),
        audio=(AudioTrack(clips=(clip,)),),
    )  # fmt: skip
    heard = np.concatenate(
        list(mix(timeline, {}, builtin={"tunes/x": loop}, checkpoint=lambda: None)), axis=1
    )
    assert (heard[:, 480:-480] == np.tile(loop, 5)[:, 480 : 5 * SR - 480]).all()
