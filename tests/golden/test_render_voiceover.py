"""Films that somebody speaks in: real speech, decoded from a real MP4. Skipped where espeak-ng is missing."""

import shutil
import tracemalloc
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
from tests.unit.test_media_beats import clicks
from workers.context import Cancelled, InputFile, TaskInput
from workers.cpu_render.media_render import perform
from workers.cpu_render.narration import narrate
from workers.cpu_render.voice import engine_named
from workers.media.beats import SAMPLE_RATE as BEATS_RATE
from workers.media.ducking import DUCK_DB
from workers.media.sound import resampled

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
        rate, data = file.getframerate(), file.readframes(file.getnframes())
    whole = np.frombuffer(data, "<i2").astype(np.float32)[None] / 32_768
    whole = resampled(np.repeat(whole, 2, axis=0), rate, SR)[0]
    edges = np.cumsum([0, *(float(length * SR) for length in speech.lengths)]).round().astype(int)
    return [whole[start:end] for start, end in pairwise(edges)]


def rms(sound, start_s, end_s):
    return float(np.sqrt(np.square(sound[:, round(start_s * SR) : round(end_s * SR)]).mean()))


@pytest.fixture(scope="module")
def narrated(tmp_path_factory):
    """A text of three lines and no other sound."""
    folder = tmp_path_factory.mktemp("narrated")
    voiceover = said_by(WREN, *SENTENCES)
    params = {"voiceover": voiceover, "hook_text": "Hi", "otio": True, "subtitles": True}
    return *performed(folder, **params), spoken(folder, voiceover)


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
    assert done.result["notes"] == [note]
    assert note == (
        f"The voiceover ends at {length - 0.5:.1f} s: the picture stays until then, instead of 6.0 s."
    )


def test_the_timeline_for_editors_has_the_lines_and_comes_with_the_voice(narrated):
    outputs = {output.name: output for output in narrated[0].outputs}
    text = outputs["otio"].path.read_text()
    assert all(line in text for line in SENTENCES)
    assert outputs["voiceover"].file_name in text
    with wave.open(str(outputs["voiceover"].path)) as file:
        length_s = file.getnframes() / file.getframerate()
    assert length_s == pytest.approx(sum(line.size for line in narrated[3]) / SR, abs=0.001)


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


def test_a_voice_is_heard_over_music_that_is_listened_to_first(tmp_path):
    knocks = clicks(np.arange(0.3, 12, 60 / 93)).astype(np.float32)
    music = write_sound(tmp_path / "music.wav", knocks, BEATS_RATE)
    voiceover = said_by(WREN, SENTENCES[0])
    params = {"voiceover": voiceover, "beat_sync": True, "bgm_volume": 0.0}
    _, attempt, film = performed(tmp_path, music, **params)
    (line,) = spoken(tmp_path, voiceover)
    start = round(0.3 * SR)
    assert np.corrcoef(film[0, start : start + line.size], line)[0, 1] > 0.97
    assert [line for line in attempt.lines if "The cuts follow the beats of music.wav" in line]


def test_every_voice_of_espeak_ng_speaks_and_none_is_another(tmp_path):
    heard = set()
    voices = [voice for voice in BUNDLED if voice.engine == "espeak-ng"]
    for voice in voices:
        said = engine_named(voice.engine).speak(voice.code, "Audio 12, [[[taxi]]].", tmp_path, 1.0)
        assert 10_000 < said.size < 100_000
        heard.add(said.tobytes())
    assert len(heard) == len(voices)


def test_words_in_brackets_are_words_and_no_phonemes(tmp_path):
    plain, *bracketed = (
        engine_named("espeak-ng").speak("en-us+f3", text, tmp_path, 1.0).size
        for text in ("[taxi", "[[taxi", "[[[[taxi")
    )
    assert all(size > 0.9 * plain for size in bracketed)


def test_every_voice_of_ttspico_speaks_where_it_is_installed(tmp_path):
    pytest.importorskip("ttspico")
    for voice in (voice for voice in BUNDLED if voice.engine == "ttspico"):
        said = engine_named(voice.engine).speak(voice.code, "Audio <12> \\\\ taxi.", tmp_path, 1.0)
        assert 10_000 < said.size < 100_000
        assert np.abs(said.astype(int)).max() > 3_000


def test_a_short_script_and_a_long_one_are_brought_to_one_loudness(tmp_path):
    for lines in (SENTENCES[:1], SENTENCES * 2):
        voiceover = Voiceover.model_validate(said_by(WREN, *lines))
        speech = narrate(voiceover, tmp_path / "out.wav", lambda: None)
        sound = sound_of(tmp_path / "out.wav").astype(np.float32) / 32_768 * np.float32(speech.gain)
        assert read_meter(resampled(np.repeat(sound, 2, axis=0), 22_050, SR)).integrated == pytest.approx(
            -18, abs=0.3
        )


@pytest.mark.parametrize("voice", [WREN, "svoice_pico_en-us_female"])
def test_speed_is_heard(tmp_path, monkeypatch, voice):
    engine = voice_among(BUNDLED, voice).engine
    if not engine_named(engine).is_installed():
        pytest.skip(f"{engine} is not installed")
    monkeypatch.setattr("workers.cpu_render.narration.voice_of", lambda found: voice_among(BUNDLED, found))
    slow, plain, quick = (
        float(sum(narrate(asked, tmp_path / "out.wav", lambda: None).lengths))
        for speed in (0.75, 1.0, 1.5)
        for asked in [Voiceover.model_validate({**said_by(voice, *SENTENCES), "speed": speed})]
    )
    assert slow / plain == pytest.approx(1 / 0.75, rel=0.1)
    assert quick / plain == pytest.approx(1 / 1.5, rel=0.1)


def voice_among(voices, voice_id):
    return next(voice for voice in voices if voice.id == voice_id)


def test_ten_minutes_are_spoken_in_the_memory_of_a_line_with_progress_and_no_click(tmp_path):
    """What is measured: the peak of what Python holds, and the steps between samples where lines meet."""
    voiceover = Voiceover.model_validate(said_by(ROOK, *SENTENCES * 96))
    heard = []
    tracemalloc.start()
    speech = narrate(voiceover, tmp_path / "out.wav", lambda: None, progress=heard.append)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(speech.lengths) > 600
    assert peak < 8 << 20  # the ten minutes are 26 MB, and 52 MB as the numbers that are measured
    assert len(heard) == 288 and heard == sorted(heard) and heard[0] == 0 and heard[-1] > 0.99
    sound = sound_of(tmp_path / "out.wav")[0].astype(np.int32)
    joins = np.cumsum([round(length * 22_050) for length in speech.lengths])[:-1]
    assert np.abs(sound[joins] - sound[joins - 1]).max() < 0.001 * np.abs(sound).max()
    loudness = read_meter(
        resampled(np.repeat(sound[None].astype(np.float32) / 32_768 * speech.gain, 2, axis=0), 22_050, SR)
    )
    assert loudness.integrated == pytest.approx(-18, abs=0.3)


def test_a_render_that_is_called_off_says_no_more(tmp_path):
    asked = []

    def checkpoint():
        asked.append(1)
        if len(asked) == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        narrate(Voiceover.model_validate(said_by(WREN, *SENTENCES)), tmp_path / "out.wav", checkpoint)
    assert len(asked) == 2


def test_a_line_that_an_engine_passes_over_in_silence_fails_by_code(tmp_path, monkeypatch):
    """Better no film than one that lacks words."""
    program = tmp_path / "espeak-ng"
    program.write_text(f'#!/bin/sh\nexec {shutil.which("espeak-ng")} "$@" -a 0\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(TaskFailure) as caught:
        narrate(Voiceover.model_validate(said_by(WREN, "Hello.")), tmp_path / "out.wav", lambda: None)
    assert caught.value.public_code == "speech_failed"
