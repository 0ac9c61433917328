"""compose-otio: what each target and format keeps of a timeline that has everything, measured by reading it.

Readers are not the farm's: OpenTimelineIO and its adapters, and for FCPXML Apple's documentation. What is not
kept must be in the warnings, and what is warned of must not be kept. README.md has the table that comes out.
"""

import copy
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tasks.compose_otio import Composed, Finding, compose
from tests.editors.fcpxml_reader import of_fcpxml
from tests.editors.otio_readers import of_aaf, of_edl, of_fcp7, of_otio, of_otioz, opened
from tests.editors.reading import EVERYTHING, EXPECTED, Reading

pytest.importorskip("otio_aaf_adapter")

TARGETS = ("generic", "resolve", "premiere", "kdenlive")
FORMATS = ("otioz", "fcpxml", "fcp7", "edl", "aaf")
README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- formats: begin -->", "<!-- formats: end -->"
KEPT, NOTED, DROPPED = "yes", "note", "no"

_SAID = {
    "names": "clip names",
    "files": "media paths",
    "speed": "speeds",
    "held": "held frames",
    "music": "sounds cut to fit",
    "voice": "sounds placed",
    "loop": "sounds that start over",
    "own sound": "clips' own sound",
    "sound speed": "speeds of sounds",
}
# Where the manifest asks for each construct: warnings of its loss point there.
_AT = {
    "rate": "/project/fps",
    "size": "/project/resolution",
    "sample rate": "/project/audioSampleRate",
    "cuts": "/intent/videoSequence/[0-9]+",
    "trims": "/intent/videoSequence/[0-9]+/fromSec",
    "names": "/intent/videoSequence(/[0-9]+/clipNameHint)?",
    "files": "/folder/items/[0-9]+/path",
    "gaps": "/intent/videoSequence/[0-9]+/gapBeforeSec",
    "dissolves": "/intent/videoSequence/[0-9]+/transition",
    "speed": "/intent/videoSequence/[0-9]+/speed",
    "held": "/intent/videoSequence/[0-9]+/toSec",
    "music": "/intent/audioLayers/0/itemId",
    "voice": "/intent/audioLayers/1/itemId",
    "loop": "/intent/audioLayers/2/placement",
    "own sound": "/intent/videoSequence/[0-9]+/useAudio",
    "sound speed": "/intent/audioLayers/1/speed",
    "gain": "/intent/audioLayers/0(/gain)?",
    "fades": "/intent/audioLayers/0(/fade(In|Out)Sec)?",
    "roles": "/intent/audioLayers/[0-9]+/role",
    "markers": "/intent/markers/[0-9]+",
    "marker lengths": "/intent/markers/[0-9]+/durationSec",
    "marker comments": "/intent/markers/[0-9]+/comment",
    "marker colours": "/intent/markers/[0-9]+/color",
}


@cache
def made_for(target: str) -> Composed:
    manifest = copy.deepcopy(EVERYTHING)
    manifest["output"] = {"targetConsumer": target}
    if target == "generic":
        manifest["output"]["formats"] = list(FORMATS)
    return compose(manifest)


@pytest.fixture(scope="module")
def readings(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Reading]:
    folder = tmp_path_factory.mktemp("editors")
    files: dict[str, list[Any]] = {}
    for file in made_for("generic").files():
        files.setdefault(file.format, []).append(file)
    return {target: of_otio(made_for(target).otio) for target in TARGETS} | {
        "otioz": of_otioz(files["otioz"], folder),
        "fcpxml": of_fcpxml(files["fcpxml"]),
        "fcp7": of_fcp7(files["fcp7"]),
        "edl": of_edl(files["edl"]),
        "aaf": of_aaf(files["aaf"], folder),
    }


def kept(reading: Reading, construct: str) -> str:
    """How the file has a construct: as it should be, as a remark, or not at all."""
    if reading.kept.get(construct) == EXPECTED[construct]:
        return KEPT
    return NOTED if reading.noted.get(construct) == EXPECTED[construct] else DROPPED


def losses(column: str, construct: str) -> list[Finding]:
    """The warnings that tell of that loss."""
    made = made_for(column if column in TARGETS else "generic")
    wanted = None if column in TARGETS else column
    told = [w for w in made.warnings if w.format == wanted and re.fullmatch(_AT[construct], w.path)]
    return [w for w in told if w.code in ("dropped_by_target", "dropped_by_format", "metadata_only")]


@pytest.mark.parametrize("column", [*TARGETS, *FORMATS])
def test_a036_a040_nothing_is_lost_that_is_not_in_the_warnings(column: str, readings: Mapping[str, Reading]):
    is_otio = column in (*TARGETS, "otioz")  # whose notes are in the farm's metadata, which reads them back
    for construct in EXPECTED:
        how = kept(readings[column], construct)
        told = losses(column, construct)
        if how == KEPT:
            assert not told, (construct, told)
        elif how == DROPPED or not is_otio:
            assert told, (construct, how, readings[column].kept.get(construct))


def test_a036_the_table_of_the_readme_is_what_is_measured(readings: Mapping[str, Reading]):
    told = README.read_text(encoding="utf-8")
    assert told.partition(BEGIN)[2].partition(END)[0].strip() == table(readings)


def table(readings: Mapping[str, Reading]) -> str:
    """Every construct against every file, as Markdown."""
    columns = [*TARGETS, *FORMATS]
    rows = [["kept in", *columns], ["---", *("---" for _ in columns)]]
    rows += [
        [_SAID.get(name, name), *(kept(readings[column], name) for column in columns)] for name in EXPECTED
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def test_a036_another_reader_of_fcpxml_sees_the_same_cuts_and_sounds():
    """otio-fcpx-xml-adapter knows clips in lanes, and stops at stills: so a clip stands for the still."""
    manifest = copy.deepcopy(EVERYTHING)
    manifest["folder"]["items"][0] |= {"kind": "video", "meta": {"durationSec": 4}}
    manifest["output"] = {"formats": ["fcpxml"]}
    files = compose(manifest).files()
    ours = of_fcpxml(files)
    timeline = opened(files[0].content.decode(), "fcpx_xml")
    by_lane = {track.name: track for track in timeline.tracks}
    assert sorted(by_lane, key=int, reverse=True) == ["0", "-1", "-2", "-3", "-4"]
    seen = [(item.name, *_place(item)) for item in by_lane["0"].find_clips()]
    held = ("Short", 72, 73)  # a piece of its own to that reader
    assert held in seen
    cuts = ours.kept["cuts"]
    wanted = [(name, *cut) for name, cut in zip(ours.kept["names"], cuts, strict=True)]
    assert [piece for piece in seen if piece != held] == [
        (name, start, 72 if name == "Short" else end) for name, start, end in wanted
    ]
    for lane, name in (("-1", "music"), ("-2", "voice"), ("-3", "loop"), ("-4", "own sound")):
        heard = [_place(item) for item in by_lane[lane].find_clips()]
        assert heard == [(start, end) for start, end, _ in ours.kept[name]], name


def _place(item: Any) -> tuple[int, int]:
    at = item.range_in_parent()
    return round(at.start_time.value), round(at.end_time_exclusive().value)
