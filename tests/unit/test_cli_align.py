"""What `farm align` asks a farm for, and what it refuses before it does."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from farm.cli.align import _order, app
from farm.errors import BadRequest
from tests.timed_jobs import metadata, wav


def test_a_file_may_say_what_the_metadata_of_the_api_says_and_options_go_before_it(tmp_path: Path) -> None:
    scenes = tmp_path / "scenes.json"
    scenes.write_text(json.dumps(metadata(narrationText="What is said.", fps=24, startOffsetMs=700)))
    asked = _order(scenes, {"fps": 25.0, "narration_text": None}, ["srt"])
    assert (asked.narration_text, asked.fps, asked.start_offset_ms) == ("What is said.", 25.0, 700)
    assert asked.formats == ("srt",) and [scene.scene_id for scene in asked.scenes][:2] == [
        "scene-1",
        "scene-2",
    ]
    with pytest.raises(BadRequest, match=r"23\.5 is not supported"):
        _order(scenes, {"fps": 23.5}, [])


@pytest.mark.parametrize(
    ("sound", "text", "said"),
    [
        (wav(1), "{", "is not JSON"),
        (wav(1), "[]", "no list of 1 to 500 scenes"),
        (b"plain text", "[]", "narration.wav"),
        (wav(4000, rate=10), "[]", "lasts 4000 s; at most 3600 s are taken"),
    ],
)
def test_what_is_wrong_is_told_before_any_farm_is_asked(
    tmp_path: Path, sound: bytes, text: str, said: str
) -> None:
    audio, scenes = tmp_path / "narration.wav", tmp_path / "scenes.json"
    audio.write_bytes(sound)
    scenes.write_text(text)
    done = CliRunner().invoke(app, [str(audio), str(scenes)])
    assert isinstance(done.exception, BadRequest) and said in done.exception.message
