"""`farm compose manifest.json -o cut.otio`, as its users run it: no farm, no key, nothing charged."""

import json
from pathlib import Path

import pytest

from tasks.compose_otio import compose
from tests.command import farm, farm_json
from tests.manifests import EXAMPLE, example

pytestmark = pytest.mark.slow


def test_a_manifest_becomes_an_otio_and_a_table(tmp_path: Path) -> None:
    manifest, cut = tmp_path / "manifest.json", tmp_path / "cut.otio"
    manifest.write_text(json.dumps(EXAMPLE))
    done = farm(tmp_path, "compose", str(manifest), "-o", str(cut))
    assert done.returncode == 0, done.stderr
    assert cut.read_text(encoding="utf-8") == compose(EXAMPLE).otio
    walk = next(line.split() for line in done.stdout.splitlines() if "Forest Walk" in line)
    assert walk[:3] == ["V1", "0:02.000", "0:04.000"] and walk[5:] == ["0:01.000", "rushes/stream-walk.mp4"]
    assert "/intent/audioLayers/0: It ends 1 s before the picture" in done.stderr
    said = farm_json(tmp_path, "compose", str(manifest))
    assert (said["output"], said["duration_s"], len(said["clips"])) == (None, 6.0, 3)


def test_files_for_other_editors_are_written_beside_it(tmp_path: Path) -> None:
    manifest, cut = tmp_path / "manifest.json", tmp_path / "cut.otio"
    manifest.write_text(json.dumps(example(output__formats=["otioz"])))
    wanted = ("--format", "edl", "--format", "fcp7")
    said = farm_json(tmp_path, "compose", str(manifest), "-o", str(cut), *wanted)
    names = ["cut.otioz", "cut-v1.edl", "cut-a1.edl", "cut.xml"]
    assert [Path(path).name for path in said["files"]] == names
    made = compose(example(output__formats=["otioz", "edl", "fcp7"]))
    assert [(tmp_path / name).read_bytes() for name in names] == [file.content for file in made.files()]
    assert {warning["format"] for warning in said["warnings"]} == {None, "otioz", "edl", "fcp7"}
    done = farm(tmp_path, "compose", str(manifest), "--format", "mov")
    assert done.returncode == 2 and "/output/formats/1" in done.stderr


def test_all_that_is_wrong_is_shown_and_nothing_is_written(tmp_path: Path) -> None:
    manifest, cut = tmp_path / "manifest.json", tmp_path / "cut.otio"
    manifest.write_text(json.dumps(example(project__fps=0, intent__videoSequence__1__toSec=9)))
    done = farm(tmp_path, "compose", str(manifest), "-o", str(cut))
    assert done.returncode == 2 and not cut.exists()
    assert "/project/fps" in done.stderr and "trim_past_media" in done.stderr
    manifest.write_text("{")
    assert "is not JSON" in farm(tmp_path, "compose", str(manifest)).stderr
