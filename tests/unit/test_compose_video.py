"""compose-video: the film's pictures stay as they are, and the sound is what was asked for."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from farm.catalog import read_catalog
from farm.errors import AssetUnreadable, BadRequest
from farm.settings import Settings
from tasks.compose_video import KIND, ComposeVideo
from tests.media import level_at, read_code, tone, write_clip, write_sound
from workers.context import Done, InputFile, TaskInput
from workers.cpu_render.compose_video import perform
from workers.media.probe import probe
from workers.media.sound import SoundReader

RATE = 48_000
FRAMES, LENGTH_S = 45, 1.5
OWN_HZ, NEW_HZ = 440.0, 1_000.0


class Bench:
    """A context that only knows a folder."""

    def __init__(self, workdir: Path) -> None:
        self.workdir = workdir

    def progress(self, fraction: float, stage: str = "") -> None:
        assert 0 <= fraction <= 1

    def checkpoint(self) -> None:
        return

    def log(self, message: str) -> None:
        return

    def preview(self, jpeg: bytes) -> None:
        pass

    def warm(self, *models: str) -> None:
        return

    def accepted(self, ref: str) -> None:
        raise AssertionError

    def dropped(self) -> None:
        raise AssertionError


def composed(folder: Path, video: Path, audio: Path, **params: Any) -> Done:
    inputs = {
        "v": InputFile(video, video.name, "video/mp4"),
        "a": InputFile(audio, audio.name, "audio/mpeg"),
    }
    asked = ComposeVideo(video="v", audio="a", **params)
    (folder / "work").mkdir(exist_ok=True)
    task = TaskInput(asked.kind, "compose", asked.model_dump(mode="json"), inputs)
    return perform(task, Bench(folder / "work"))


def film(folder: Path, **changes: Any) -> Path:
    changes = {"sound": tone(OWN_HZ, LENGTH_S), **changes}
    return write_clip(folder / changes.pop("name", "film.mp4"), frames=FRAMES, **changes)


def voice(folder: Path, seconds: float = LENGTH_S, name: str = "voice.mp3") -> Path:
    return write_sound(folder / name, tone(NEW_HZ, seconds))


def heard(path: Path) -> npt.NDArray[np.float32]:
    with SoundReader(path, sample_rate=RATE) as reader:
        return reader.read(60 * RATE)


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def codes(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [read_code(frame) for frame in container.decode(video=0)]


def test_c161_true_swaps_the_sound_and_copies_every_picture(tmp_path: Path) -> None:
    video = film(tmp_path)
    done = composed(tmp_path, video, voice(tmp_path), replace_audio=True)
    (output,) = done.outputs
    assert (output.name, output.content_type, output.meta["duration_s"]) == ("video", "video/mp4", LENGTH_S)
    assert packets(output.path) == packets(video)
    assert codes(output.path) == list(range(FRAMES))
    sound = heard(output.path)
    assert level_at(sound, RATE, NEW_HZ, 0.2, 1.2) > 0.05
    assert level_at(sound, RATE, OWN_HZ, 0.2, 1.2) < 0.002
    assert abs(sound.shape[1] / RATE - LENGTH_S) < 0.05


def test_c161_false_mixes_and_the_films_own_sound_gives_way(tmp_path: Path) -> None:
    done = composed(tmp_path, film(tmp_path), voice(tmp_path, 0.6), replace_audio=False)
    sound = heard(done.outputs[0].path)
    assert level_at(sound, RATE, NEW_HZ, 0.1, 0.5) > 0.05
    own = level_at(sound, RATE, OWN_HZ, 0.1, 0.5)
    assert 0 < own < level_at(sound, RATE, NEW_HZ, 0.1, 0.5) / 2


def test_a_longer_sound_is_faded_out_or_the_last_picture_waits_for_it(tmp_path: Path) -> None:
    video, long = film(tmp_path), voice(tmp_path, 3.0)
    done = composed(tmp_path, video, long)
    assert done.result["audio_cut_s"] == pytest.approx(1.5, abs=0.1)
    assert probe(done.outputs[0].path).duration == Fraction(3, 2)
    sound = heard(done.outputs[0].path)
    assert level_at(sound, RATE, NEW_HZ, 0.5, 0.9) > 2 * level_at(sound, RATE, NEW_HZ, 1.35, 1.48)
    held = composed(tmp_path, video, long, hold_last_frame=True)
    assert held.result["audio_cut_s"] == 0
    assert float(probe(held.outputs[0].path).duration or 0) == pytest.approx(3.0, abs=0.1)
    assert codes(held.outputs[0].path) == list(range(FRAMES))
    assert level_at(heard(held.outputs[0].path), RATE, NEW_HZ, 2.0, 2.8) > 0.05


def test_a_sound_may_begin_later_but_not_after_the_film(tmp_path: Path) -> None:
    video = film(tmp_path)
    new = write_sound(tmp_path / "voice.flac", tone(NEW_HZ, 0.5))
    sound = heard(composed(tmp_path, video, new, offset_s=0.8).outputs[0].path)
    assert level_at(sound, RATE, NEW_HZ, 0.1, 0.7) < 0.01 < level_at(sound, RATE, NEW_HZ, 0.9, 1.2)
    with pytest.raises(BadRequest, match="the film ends after"):
        composed(tmp_path, video, new, offset_s=1.5)


def test_a_silent_upright_film_of_a_phone_keeps_its_rotation(tmp_path: Path) -> None:
    video = film(tmp_path, sound=None, rotation=90)
    done = composed(tmp_path, video, voice(tmp_path), replace_audio=False)
    before, after = probe(video), probe(done.outputs[0].path)
    assert (after.width, after.height, after.orientation) == (before.width, before.height, before.orientation)
    assert level_at(heard(done.outputs[0].path), RATE, NEW_HZ, 0.2, 1.2) > 0.05


def test_what_does_not_belong_into_an_mp4_is_encoded_anew(tmp_path: Path) -> None:
    video = film(tmp_path, name="film.webm", codec="libvpx", sound_codec="libopus")
    done = composed(tmp_path, video, voice(tmp_path))
    with av.open(str(done.outputs[0].path)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
    assert codes(done.outputs[0].path) == list(range(FRAMES))


def test_a_film_that_is_none_and_a_sound_that_is_none_are_named(tmp_path: Path) -> None:
    silent = film(tmp_path, name="silent.mp4", sound=None)
    with pytest.raises(AssetUnreadable, match=r"silent\.mp4 has no sound"):
        composed(tmp_path, film(tmp_path), silent)
    with pytest.raises(AssetUnreadable, match=r"voice\.mp3 is no film"):
        composed(tmp_path, voice(tmp_path), voice(tmp_path, name="other.mp3"))


def test_c163_a_composition_costs_five_credits() -> None:
    assert KIND.price_mc(ComposeVideo(video="v", audio="a"), read_catalog(Settings())) == 5_000
