"""Films that somebody speaks in: real speech, decoded from a real MP4. Skipped where espeak-ng is missing."""

import shutil
import wave
from itertools import pairwise

import numpy as np
import pytest

from farm.errors import TaskFailure
from tasks.media_render import KIND, MediaRender, Voiceover
from tasks.media_render.voices import BUNDLED
from tests.golden.test_render_file import Attempt
from tests.loudness import read_meter, sound_of
from tests.media import level_at, real_photo, tone, write_sound
from workers.context import InputFile, TaskInput
from workers.cpu_render.media_render import perform
from workers.cpu_render.narration import narrate
from workers.cpu_render.voice import engine_named
from workers.media.ducking import DUCK_DB

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed"),
]

SR = 48_000
MARK_HZ = 12_000  # above everything that espeak-ng says
WREN, ROOK = "svoice_espeak_en-us_female", "svoice_espeak_en-gb_male"
SENTENCES = (
    "This is where the launch starts.",
    "Then the product proves why it matters.",
    "By the end, the workflow feels simple.",
)


def performed(folder, music=None, **params):
    """Render two photos of three seconds each, a quarter of the size."""
    names = ("astronaut", "coffee")
    files = {name: real_photo(name) for name in names}
    assets = [{"asset_id": name, "file_name": name, "media_kind": "image"} for name in names]
    if music is not None:
        files["music"] = music
        assets.append({"asset_id": "music", "file_name": music.name, "media_kind": "audio"})
        params["bgm_asset_id"] = "music"
    asked = {"assets": assets, "aspect_ratio": "1:1", "profile": "preview", **params}
    (task,) = KIND.plan(MediaRender.model_validate(asked))
    inputs = {key: InputFile(files[key], files[key].name, "") for key in task.inputs}
    attempt = Attempt(folder)
    done = perform(TaskInput(KIND.name, task.step, task.params, inputs), attempt)
    return done, attempt, sound_of(done.outputs[0].path).astype(np.float32)


def said_by(voice, *lines):
    """Lines as texts, or as they are."""
    given = [{"text": line} if isinstance(line, str) else line for line in lines]
    return {"voice_id": voice, "lines": given}


def spoken(folder, voiceover):
    """What the engine says, line by line."""
    path = folder / "again.wav"
    speech = narrate(Voiceover.model_validate(voiceover), path, lambda: None)
    with wave.open(str(path)) as file:
        whole = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32)
    edges = np.cumsum([0, *(round(length * SR) for length in speech.lengths)])
    return [whole[start:end] for start, end in pairwise(edges)]


def rms(sound, start_s, end_s):
    return float(np.sqrt(np.square(sound[:, round(start_s * SR) : round(end_s * SR)]).mean()))


@pytest.fixture(scope="module")
def narrated(tmp_path_factory):
    """A text of three lines and no other sound."""
    folder = tmp_path_factory.mktemp("narrated")
    voiceover = said_by(WREN, *SENTENCES)
    return *performed(folder, voiceover=voiceover, hook_text="Hi", otio=True, subtitles=True), spoken(
        folder, voiceover
    )


@pytest.fixture(scope="module")
def cued(tmp_path_factory):
    """Three cues over music that is one steady tone; the second is longer than its place."""
    folder = tmp_path_factory.mktemp("cued")
    write_sound(folder / "music.wav", tone(MARK_HZ, 5, level=0.5))
    cues = [{"text": SENTENCES[n], "start_s": start} for n, start in enumerate((1.5, 6.0, 7.0))]
    voiceover = said_by(ROOK, *cues)
    placements = [{"asset_id": "astronaut", "duration_s": 12.0}]
    params = {"voiceover": voiceover, "placements": placements, "bgm_volume": 0.3}
    return *performed(folder, folder / "music.wav", **params), spoken(folder, voiceover)


def test_d121_d125_every_word_is_heard_in_its_place(narrated):
    _, _, film, lines = narrated
    at = 0.3
    for line in lines:
        start = round(at * SR)
        heard = film[0, start : start + line.size]
        assert np.corrcoef(heard, line)[0, 1] > 0.97
        at += line.size / SR + 0.35
    assert film.shape[1] / SR == pytest.approx(at - 0.35 + 0.5, abs=0.06)  # it waited for the last word
    assert rms(film, at - 0.3, at + 0.1) < 0.01 * rms(film, 0.3, 2)


def test_speech_alone_is_as_loud_as_platforms_want_it(narrated):
    reading = read_meter(narrated[2])
    assert reading.integrated == pytest.approx(-14, abs=0.5)
    assert reading.true_peak <= -1.0


def test_d128_the_visuals_share_the_speech_and_it_is_told(narrated):
    done, attempt, _, lines = narrated
    frames = done.result["frames"]
    length = 0.3 + sum(line.size for line in lines) / SR + 2 * 0.35 + 0.5
    assert frames == int(np.ceil(length * 30))
    (note,) = attempt.lines
    assert note == (
        f"The voiceover ends at {length - 0.5:.1f} s: the picture stays until then, instead of 6.0 s."
    )


def test_the_timeline_for_editors_has_the_lines(narrated):
    (otio,) = (output for output in narrated[0].outputs if output.name == "otio")
    assert all(line in otio.path.read_text() for line in SENTENCES)


def test_its_subtitles_have_what_is_said_when_it_is_said(narrated):
    (srt,) = (output for output in narrated[0].outputs if output.name == "subtitles-srt")
    cues = srt.path.read_text().strip().split("\n\n")
    first_ends = round(300 + narrated[3][0].size / SR * 1000)
    assert cues[1] == f"2\n00:00:00,300 --> 00:00:02,{first_ends - 2000:03d}\n{SENTENCES[0]}"
    assert [cue.split("\n")[2] for cue in cues] == ["Hi", *SENTENCES]


def test_d127_cues_are_heard_at_their_times_and_never_cut(cued):
    """By likeness: where the line fits best within a second around its place."""
    _, attempt, film, lines = cued
    second_ends = 6.0 + lines[1].size / SR
    assert second_ends > 7.0
    for line, at in zip(lines, (1.5, 6.0, second_ends + 0.05), strict=True):
        start = round((at - 0.5) * SR)
        around = film[0, start : start + line.size + SR]
        found = np.correlate(around[::4], line[::4], "valid").argmax() * 4 / SR - 0.5
        assert found == pytest.approx(0, abs=0.005)
    assert attempt.lines == [
        f"1 of 3 lines of the voiceover start later than asked, by up to {second_ends - 6.95:.1f} s: "
        "the line before was still being said."
    ]


def test_music_gives_way_to_speech_by_its_measure(cued):
    _, _, film, lines = cued
    under = level_at(film, SR, MARK_HZ, 1.7, 1.5 + lines[0].size / SR - 0.1)
    beside = level_at(film, SR, MARK_HZ, 0.4, 1.2)
    assert 20 * np.log10(beside / under) == pytest.approx(DUCK_DB, abs=1.0)


def test_speech_over_music_is_as_loud_as_platforms_want_it(cued):
    reading = read_meter(cued[2])
    assert reading.integrated == pytest.approx(-14, abs=0.5)
    assert reading.true_peak <= -1.0


def test_every_voice_of_espeak_ng_speaks_and_none_is_another(tmp_path):
    heard = set()
    voices = [voice for voice in BUNDLED if voice.engine == "espeak-ng"]
    for voice in voices:
        said = engine_named(voice.engine).speak(voice.code, "Audio 12, [[taxi]].", tmp_path)
        assert 0.5 < said.samples.size / said.sample_rate < 6
        heard.add(said.samples.tobytes())
    assert len(heard) == len(voices)


def test_a_line_that_an_engine_passes_over_in_silence_fails_by_code(tmp_path, monkeypatch):
    """Better no film than one that lacks words."""
    program = tmp_path / "espeak-ng"
    program.write_text(f'#!/bin/sh\nexec {shutil.which("espeak-ng")} "$@" -a 0\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(TaskFailure) as caught:
        narrate(Voiceover.model_validate(said_by(WREN, "Hello.")), tmp_path / "out.wav", lambda: None)
    assert caught.value.public_code == "speech_failed"
