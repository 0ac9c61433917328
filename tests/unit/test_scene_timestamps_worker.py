"""The performer of scene-timestamps on real files: what it writes, what it costs, what it refuses."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from farm.errors import AssetUnreadable, BadRequest
from tasks.scene_timestamps.outputs import TimestampsFile
from tests.timed_jobs import wav
from workers.asr_align.timestamps import perform
from workers.context import Done, InputFile, TaskInput

pytestmark = pytest.mark.slow
CUES = [{"start_cue_text": "one two", "anchor_text": "two three"}] * 3


@dataclass
class Line:
    """The engine's line to its runner, as far as this performer uses it."""

    workdir: Path
    said: list[tuple[float, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def progress(self, fraction: float, stage: str = "") -> None:
        self.said.append((fraction, stage))

    def checkpoint(self) -> None: ...

    def log(self, message: str) -> None:
        self.lines.append(message)

    def preview(self, jpeg: bytes) -> None: ...

    def warm(self, *models: str) -> None: ...

    def accepted(self, ref: str) -> None: ...

    def dropped(self) -> None: ...


def performed(folder: Path, sound: bytes, **changes: Any) -> tuple[Done, Line]:
    path, listed = folder / "sound.wav", folder / "listed.json"
    path.write_bytes(sound)
    listed.write_text(json.dumps(changes.pop("listed", {})))
    line = Line(folder / "work")
    line.workdir.mkdir()
    inputs = {
        "sound": InputFile(path, "narration.wav", "audio/wav"),
        "seen.scenes": InputFile(listed, "scenes.json", "application/json"),
    }
    params = {"audio": "sound", "scenes": CUES, **changes}
    return perform(TaskInput("scene-timestamps", "align", params, inputs), line), line


def test_a_sound_in_which_nobody_speaks_is_answered_with_guesses_and_costs_its_length(tmp_path: Path) -> None:
    done, line = performed(
        tmp_path, wav(12), formats=["srt", "vtt", "words", "markers"], fps=25, start_offset_ms=500
    )
    result = done.result
    assert {scene["status"] for scene in result["scenes"]} == {"interpolated"}
    assert all(scene["confidence"] <= 0.3 and scene["transition"]["review"] for scene in result["scenes"][1:])
    assert result["cost_mc"] == 9_000
    assert result["warnings"][0]["code"] == "no_speech"
    files = {output.name: output.path.read_text() for output in done.outputs}
    assert set(files) == {"timestamps", "srt", "vtt", "words", "markers"}
    assert (files["srt"], files["vtt"], files["words"]) == ("", "WEBVTT\n", "[]")
    written = TimestampsFile.model_validate_json(files["timestamps"])
    assert [scene.start_ms for scene in written.scenes] == [scene["start_ms"] for scene in result["scenes"]]
    assert (written.start_offset_ms, written.duration_ms) == (500, 12_000)
    assert json.loads(files["markers"])[0]["color"] == "RED"
    fractions = [fraction for fraction, _ in line.said]
    assert fractions == sorted(fractions) and fractions[-1] == 0.95


def test_a_sound_longer_than_was_held_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="lasts 70 s; at most 60 s") as refused:
        performed(tmp_path, wav(70), max_duration_s=60)
    assert refused.value.public_code == "audio_too_long"
    (tmp_path / "again").mkdir()
    done, _ = performed(tmp_path / "again", wav(303), max_duration_s=300)  # its header told a little less
    assert done.result["cost_mc"] == 9_000


def test_scenes_come_from_a_file_too(tmp_path: Path) -> None:
    listed = {
        "scenes": [{"sceneId": "a", "startCueText": "x y", "anchorText": "z"}, {"description": "no cue"}]
    }
    done, _ = performed(tmp_path, wav(5), scenes=[], scenes_from="seen.scenes", listed=listed)
    assert [scene["scene_id"] for scene in done.result["scenes"]] == ["a", None]


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ({}, "no list of 1 to 500 scenes"),
        ([{}, {}, {}], "has 3 scenes; at most 2"),
        ([{"fixedStartMs": 900}, {"fixedStartMs": 100}], "scene 1: fixedStartMs 100 is too early"),
    ],
)
def test_a_file_of_scenes_that_cannot_be_kept_is_refused(tmp_path: Path, listed: Any, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        performed(tmp_path, wav(5), scenes=[], scenes_from="seen.scenes", max_scenes=2, listed=listed)


@pytest.mark.parametrize("sound", [wav(0), b"RIFF\x00\x00\x00\x00WAVE", b"not a sound at all"])
def test_what_is_no_sound_is_refused_by_its_name(tmp_path: Path, sound: bytes) -> None:
    with pytest.raises(AssetUnreadable, match=r"narration\.wav"):
        performed(tmp_path, sound)
