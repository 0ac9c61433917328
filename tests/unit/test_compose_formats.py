"""compose-otio's files beside the `.otio` (rows A-036, A-040): asked for, named, the same every time."""

import copy
import io
import json
import os
import random
import subprocess
import sys
import zipfile
from hashlib import sha256
from math import ceil
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import HealthCheck, given, settings

from tasks.compose_otio import BrokenManifest, ComposeOtio, compose
from tasks.compose_otio.checks import checked
from tasks.compose_otio.files import format_named
from tasks.compose_otio.formats import NAMES
from tasks.compose_otio.manifest import Manifest
from tests.editors.fcpxml_rules import broken_rules
from tests.editors.otio_readers import of_edl, of_fcp7, opened
from tests.editors.reading import EVERYTHING
from tests.editors.written import DISSOLVE, INTO_WALK, files, with_formats
from tests.manifest_strategies import Json, manifests
from tests.manifests import example, shuffled
from tests.unit.test_compose_otio import Workdir, faults, warned
from workers.context import TaskInput
from workers.cpu_render.compose_otio import perform

otio = pytest.importorskip("opentimelineio")
ROOT = Path(__file__).parents[2]
WITH_AAF = pytest.mark.skipif(format_named("aaf").missing is not None, reason="needs the extra aaf")
TEXTS = [name for name in NAMES if name != "aaf"]


def test_a036_a_format_is_a_file_in_a_folder():
    assert NAMES == ("aaf", "edl", "fcp7", "fcpxml", "otioz")
    assert [format_named(name).name for name in NAMES] == list(NAMES)
    listed = Manifest.model_json_schema()["$defs"]["Output"]["properties"]["formats"]["items"]["enum"]
    assert listed == list(NAMES)


def test_a036_an_unknown_format_is_refused_and_the_known_ones_are_named():
    with pytest.raises(BrokenManifest) as broken:
        compose(example(output__formats=["fcpxml", "mov"]))
    (fault,) = broken.value.faults
    assert (fault.code, fault.path, fault.got) == ("unsupported_value", "/output/formats/1", "mov")
    assert fault.allowed == list(NAMES)


def test_a036_without_formats_there_are_no_files_and_the_otio_is_the_same():
    made = compose(example())
    assert made.files() == ()
    assert compose(example(output__formats=TEXTS)).otio == made.otio
    assert {warning.format for warning in made.warnings} == {None}


@pytest.mark.parametrize("name", [*TEXTS, pytest.param("aaf", marks=WITH_AAF)])
def test_a040_equal_manifests_give_equal_files(name: str):
    mixed = shuffled(EVERYTHING, random.Random(7))
    assert [file.content for file in files(EVERYTHING, name)] == [f.content for f in files(mixed, name)]
    twice = files(EVERYTHING, name, name)
    assert [file.format for file in twice] == [file.format for file in files(EVERYTHING, name)]


def test_a040_another_process_writes_the_same_bytes():
    """With another order of sets and dicts, where a format should depend on it."""
    asked = ("edl", "fcp7", "fcpxml", "otioz", *(["aaf"] if format_named("aaf").missing is None else []))
    program = (
        "from hashlib import sha256; from tests.editors.reading import EVERYTHING;"
        "from tests.editors.written import files;"
        f"print([sha256(file.content).hexdigest() for file in files(EVERYTHING, *{asked})])"
    )
    there = {**os.environ, "PYTHONHASHSEED": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=there, cwd=ROOT, check=True, capture_output=True, text=True
    )
    here = [sha256(file.content).hexdigest() for file in files(EVERYTHING, *asked)]
    assert done.stdout.strip() == str(here)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(manifests())
def test_the_cuts_of_any_manifest_are_those_that_other_readers_find(manifest: Json):
    manifest["intent"]["audioLayers"] = []
    made = compose(with_formats(manifest, "edl", "fcp7"))
    edl, fcp7 = ([f for f in made.files() if f.format == name] for name in ("edl", "fcp7"))
    clips = made.timeline.video[0].clips
    cuts = {edge for clip in clips for edge in (clip.start_frame, clip.end_frame_exclusive)}
    assert cuts <= of_fcp7(fcp7).edges
    assert made.plan is not None
    middles = {  # a list says where a dissolve begins and how long it is: its reader cuts in the middle
        piece.place.start: piece.place.start - piece.dissolve.before + piece.dissolve.frames // 2
        for piece in made.plan.picture.pieces
        if piece.dissolve
    }
    read = of_edl(edl, rate=ceil(made.timeline.rate.fps)).edges
    assert {middles.get(cut, cut) for cut in cuts} <= read


def test_a040_a_worker_writes_the_files_that_the_api_answers(tmp_path: Path):
    manifest = example(output__formats=TEXTS)
    params = ComposeOtio(manifest=manifest).model_dump(mode="json")
    done = perform(TaskInput("compose-otio", "compose", params), Workdir(tmp_path))  # type: ignore[arg-type]  # a context as far as it is needed
    assert [output.name for output in done.outputs] == ["otio", "edl-v1", "edl-a1", "fcp7", "fcpxml", "otioz"]
    made = compose(manifest)
    written = {output.file_name: output.path.read_bytes() for output in done.outputs}
    assert written == {made.file_name: made.otio.encode()} | {f.name: f.content for f in made.files()}
    assert {warning.get("format") for warning in done.result["warnings"]} == {None, *TEXTS}


def test_a032_sounds_start_over_no_more_often_than_a_file_may_have_clips():
    hour = [{"itemId": "img-opening", "fromSec": 0, "toSec": 3600}]
    tick = {"itemId": "aud-music", "fromSec": 0, "toSec": 0.5, "placement": "loop"}
    once = example(intent__videoSequence=hour, intent__audioLayers=[tick])
    assert checked(once).intent.audio_layers[0].placement == "loop"
    twice = example(intent__videoSequence=hour, intent__audioLayers=[tick, tick])
    assert faults(twice) == [("too_many_clips", "/intent/audioLayers/1/placement")]


def test_an_otioz_is_the_otio_in_a_zip_that_names_its_media():
    made = compose(example(output__formats=["otioz"]))
    (bundle,) = made.files()
    with zipfile.ZipFile(io.BytesIO(bundle.content)) as archive:
        entries = archive.infolist()
        assert [entry.filename for entry in entries] == ["content.otio", "version.txt"]
        assert archive.read("content.otio").decode() == made.otio
        assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
        assert {(entry.compress_type, entry.create_system) for entry in entries} == {(zipfile.ZIP_STORED, 3)}
    assert ("media_not_included", "/folder/items") in warned(made)


def test_a036_fcpx_has_an_fcpxml_without_being_asked():
    made = compose(example(output__targetConsumer="fcpx", output__formats=["otioz", "fcpxml"]))
    assert [file.format for file in made.files()] == ["fcpxml", "otioz"]
    assert made.otio == compose(example()).otio
    assert ("other_file", "/output/targetConsumer") in warned(made)


@WITH_AAF
def test_a036_avid_has_an_aaf_and_lists_that_begin_at_one_hour():
    made = compose(example(output__targetConsumer="avid", intent__videoSequence__1__transition=DISSOLVE))
    found = {(file.format, file.part): file for file in made.files()}
    assert set(found) == {("aaf", ""), ("edl", "v1"), ("edl", "a1")}
    assert found["edl", "v1"].content.decode().splitlines()[3].endswith("01:00:00:00 01:00:01:12")
    assert json.loads(made.otio)["global_start_time"]["value"] == 86_400
    assert {("experimental_target", "/output/targetConsumer"), ("dropped_by_format", INTO_WALK)} <= warned(
        made
    )


HOSTILE = "a]]><b>&amp;\"'\x00\x1b\n\r\t\u202e\ufffe 🎬 /../ " + "é" * 60


@pytest.mark.parametrize("name", [*TEXTS, pytest.param("aaf", marks=WITH_AAF)])
def test_whatever_a_name_is_the_file_can_be_read(name: str, tmp_path: Path):
    manifest = copy.deepcopy(EVERYTHING)
    manifest["project"]["name"] = HOSTILE
    manifest["folder"]["items"][1]["path"] = "rushes/ü #%& '.mp4"
    for marker in manifest["intent"]["markers"]:
        marker |= {"name": HOSTILE, "comment": HOSTILE}
    for clip in manifest["intent"]["videoSequence"]:
        clip["clipNameHint"] = HOSTILE
    for layer in manifest["intent"]["audioLayers"]:
        layer["role"] = HOSTILE[:50]
    for file in files(manifest, name):
        assert file.name.isascii() and "/" not in file.name
        if name == "fcpxml":
            assert broken_rules(file.content) == []
        elif name == "fcp7":
            assert fromstring(file.content).findtext("sequence/name", "").startswith("a]]><b>&amp;")
        elif name == "edl":
            assert len(list(opened(file.content.decode(), "cmx_3600", rate=24).find_clips())) > 0
        else:
            path = tmp_path / file.name
            path.write_bytes(file.content)
            assert otio.adapters.read_from_file(str(path)) is not None
