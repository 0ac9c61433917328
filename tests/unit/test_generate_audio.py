"""Generated music and effects: which of them words ask for, how long, at what price, and how they sound."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from farm.catalog import read_catalog
from farm.errors import FailureClass, TaskFailure
from farm.settings import Settings
from tasks.generate_audio import KIND, GenerateAudio, credits_for
from tasks.generate_audio.choosing import Kind, effects, effects_of, kind_of
from workers import generate_audio
from workers.context import Context, TaskInput
from workers.cpu_render.effects_row import PEAK, effects_row
from workers.cpu_render.sfx import sounds
from workers.cpu_render.tunes.made_over import exact_bpm, piece_for, shifted_key
from workers.cpu_render.tunes.voices import SAMPLE_RATE
from workers.media.probe import probe
from workers.media.sound import SoundReader

CATALOG = read_catalog(Settings())


class Slot:
    """The engine's line to nobody."""

    def __init__(self, workdir: Path) -> None:
        self.workdir = workdir
        self.told: list[float] = []

    def progress(self, fraction: float, stage: str = "") -> None:
        self.told.append(fraction)

    def checkpoint(self) -> None: ...

    def log(self, message: str) -> None: ...

    def preview(self, jpeg: bytes) -> None: ...

    def warm(self, *models: str) -> None: ...

    def accepted(self, ref: str) -> None: ...

    def dropped(self) -> None: ...


def played(workdir: Path, **params: object) -> tuple[Path, dict[str, object]]:
    context: Context = Slot(workdir)
    given = GenerateAudio.model_validate(params).model_dump(mode="json")
    task = TaskInput("generate-audio", "generate", given, provider="house-band", model="procedural")
    done = generate_audio.perform(task, context)
    return done.outputs[0].path, dict(done.result)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("calm piano for a sunrise", Kind.MUSIC),
        ("uplifting corporate", Kind.MUSIC),
        ("epic trailer, building tension", Kind.MUSIC),
        ("a whoosh, then a click", Kind.EFFECTS),
        ("the sound of typing on a keyboard", Kind.EFFECTS),
        ("door slam sfx", Kind.EFFECTS),
        ("sound effects of a robot", Kind.EFFECTS),
        ("sound of rain on a roof with a bell", Kind.EFFECTS),
        ("drum beat with glitch textures", Kind.MUSIC),
        ("something for my video", Kind.MUSIC),
    ],
)
def test_b095_words_ask_for_music_or_for_effects(words: str, kind: Kind) -> None:
    assert kind_of(words) is kind


def test_effects_come_in_the_order_of_the_words_and_each_is_one_that_is_there() -> None:
    assert effects_of("a whoosh, two clicks and a whoosh, then a boom") == ["whoosh", "click", "hit"]
    assert effects_of("sfx") == ["whoosh"]
    assert sorted(effects()) == sorted(sounds())


@pytest.mark.parametrize(
    ("seconds", "credits"), [("30", 8), ("31", 9), ("1", 1), ("3.75", 1), ("3.76", 2), ("60", 16)]
)
def test_b099_x19_a_length_costs_its_part_of_thirty_seconds(seconds: str, credits: int) -> None:
    assert credits_for(Decimal(seconds), CATALOG) == credits
    params = GenerateAudio(prompt="calm", duration_s=Decimal(seconds))
    assert KIND.price_mc(params, CATALOG) == credits * 1000


def test_without_a_length_music_is_thirty_seconds_and_effects_are_three() -> None:
    assert GenerateAudio(prompt="calm piano").length_s == 30
    assert GenerateAudio(prompt="a whoosh").length_s == 3
    with pytest.raises(ValidationError):
        GenerateAudio(prompt="calm", duration_s=Decimal(301))


def test_a_tune_is_made_over_for_each_seed_and_the_same_for_the_same() -> None:
    pieces = [piece_for("calm piano", seed) for seed in range(12)]
    assert len({(piece.bpm, piece.key) for piece in pieces}) > 8
    assert piece_for("calm piano", 5) == pieces[5]
    assert len({piece.name for piece in (piece_for("zzz", seed) for seed in range(20))}) > 3
    assert piece_for("120 bpm dance", 1).bpm == pytest.approx(120, rel=0.25)


@pytest.mark.parametrize("wanted", [57.3, 96, 100.1, 127.77, 171])
def test_a_tempo_is_one_that_loops_without_a_seam(wanted: float) -> None:
    bpm = exact_bpm(wanted)
    assert bpm == pytest.approx(wanted, rel=0.001)
    assert round(60 * SAMPLE_RATE / bpm) * bpm == 60 * SAMPLE_RATE


def test_keys_are_shifted_by_their_names() -> None:
    assert (shifted_key("A minor", 4), shifted_key("C major", -1)) == ("Db minor", "B major")


@pytest.mark.parametrize("name", sorted(effects()))
def test_every_effect_fills_its_time_without_a_click_at_the_end(name: str) -> None:
    row = effects_row([name], SAMPLE_RATE)
    assert row.shape == (2, SAMPLE_RATE) and np.abs(row).max() == pytest.approx(PEAK)
    assert np.abs(row[:, -1]).max() < 0.01
    long = effects_row([name, "pop"], 12 * SAMPLE_RATE)
    assert np.abs(long[:, 6 * SAMPLE_RATE :]).max() > 0.01  # it goes on


def test_what_builds_up_keeps_its_end_in_a_short_time() -> None:
    riser = sounds()["riser"].samples()
    row = effects_row(["riser"], SAMPLE_RATE)
    tail = riser[:, -SAMPLE_RATE:]
    assert np.corrcoef(row[0], tail[0])[0, 1] > 0.99


def test_b102_an_mp3_is_as_long_as_asked_and_sounds(tmp_path: Path) -> None:
    path, said = played(tmp_path, prompt="calm piano", duration_s="12.5", seed=3)
    assert (said["kind"], said["seed"], said["duration_s"]) == ("music", 3, 12.5)
    assert said["model"] == "procedural"
    info = probe(path)
    assert info.duration is not None and abs(info.duration - Fraction(25, 2)) < Fraction(1, 10)
    with SoundReader(path, sample_rate=SAMPLE_RATE) as reader:
        sound = reader.read(13 * SAMPLE_RATE)
    assert np.sqrt(np.mean(sound[:, SAMPLE_RATE : 9 * SAMPLE_RATE] ** 2)) > 0.02
    assert np.abs(sound[:, 12 * SAMPLE_RATE + 22_000 : 12 * SAMPLE_RATE + 24_000]).max() < 0.02  # faded out
    again = tmp_path / "again"
    again.mkdir()
    assert played(again, prompt="calm piano", duration_s="12.5", seed=3)[0].read_bytes() == path.read_bytes()
    path, said = played(tmp_path, prompt="a whoosh and a pop", duration_s="2")
    assert (said["kind"], said["effects"]) == ("effects", ["whoosh", "pop"])


def test_a_provider_of_no_such_pool_is_the_farms_fault(tmp_path: Path) -> None:
    task = TaskInput("generate-audio", "generate", {"prompt": "x"}, provider="nobody")
    with pytest.raises(TaskFailure) as failed:
        generate_audio.perform(task, Slot(tmp_path))
    assert (failed.value.failure, failed.value.public_code) == (FailureClass.INTERNAL, "engine_missing")
