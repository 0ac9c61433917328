"""compose-otio's FCPXML and Final Cut Pro 7 XML: right by the documentation of their formats."""

from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import HealthCheck, given, settings

from tasks.compose_otio import compose
from tests.editors.fcpxml_reader import edges, of_fcpxml
from tests.editors.fcpxml_rules import broken_rules
from tests.editors.reading import EVERYTHING
from tests.editors.written import DISSOLVE, INTO_WALK, files, text
from tests.manifest_strategies import Json, manifests
from tests.manifests import example


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(manifests())
def test_any_fcpxml_is_as_apple_says_and_has_the_cuts_of_the_timeline(manifest: Json):
    wanted = manifest | {"output": manifest["output"] | {"formats": ["fcpxml"]}}
    made = compose(wanted)
    found = made.files()
    assert broken_rules(found[0].content) == []
    clips = made.timeline.video[0].clips
    assert of_fcpxml(found).kept["rate"] == made.timeline.rate.fps
    cuts = {edge for clip in clips for edge in (clip.start_frame, clip.end_frame_exclusive)}
    assert cuts <= edges(found[0].content)  # what is held begins with an edge of its own


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('version="1.12"', 'version="1.8"'),
        ("<!DOCTYPE fcpxml>", ""),
        ('<media-rep kind="original-media"', '<pathurl kind="original-media"'),
        ('ref="a2"', 'ref="a9"'),
        ('srcEnable="video"', 'srcEnable="picture"'),
        ('lane="-1"', 'lane="1"'),
        ('start="3600s" duration="1s"', 'start="3600s"'),
        ('offset="97/24s"', 'offset="99/24s"'),
        ('offset="85/24s"', 'offset="86/24s"'),
        ('start="2s" duration="3s" srcEnable="video"', 'start="6s" duration="3s" srcEnable="video"'),
        ('start="59/24s"', 'start="2459/1000s"'),
        ('start="59/24s"', 'start="159/24s"'),
        ('<timept time="4s" value="8s"', '<timept time="4s" value="80s"'),
        ('<filter-video ref="dissolve" name="Cross Dissolve" />', ""),
    ],
)
def test_the_rules_of_fcpxml_find_what_is_planted(before: str, after: str):
    right = text(EVERYTHING, "fcpxml")
    assert broken_rules(right.encode()) == []
    assert before in right
    assert broken_rules(right.replace(before, after).encode()) != []


@pytest.mark.parametrize(
    ("fps", "frame", "base"), [(23.976, "1001/24000s", 24), (29.97, "1001/30000s", 30), (25, "1/25s", 25)]
)
def test_a011_rates_are_exact(fps: float, frame: str, base: int):
    manifest = example(project__fps=fps, intent__videoSequence__1__transition=DISSOLVE)
    document = fromstring(text(manifest, "fcpxml"))
    assert [form.get("frameDuration") for form in document.iter("format")] == [
        frame,
        None,
        frame if fps == 24 else "1/24s",
    ]
    assert broken_rules(text(manifest, "fcpxml").encode()) == []
    rates = fromstring(text(manifest, "fcp7")).findall(".//rate")
    found = {(rate.findtext("timebase"), rate.findtext("ntsc")) for rate in rates}
    assert found == {(str(base), "FALSE" if fps == 25 else "TRUE")}


def test_resolve_and_its_files_have_dissolves_as_long_as_there_are_frames_for():
    early = example(
        intent__videoSequence__1__fromSec=0.25,
        intent__videoSequence__1__transition=DISSOLVE,
        output__targetConsumer="resolve",
    )
    assert " D    018 " in text(early, "edl", "v1")  # six frames ahead, twelve behind
    assert of_fcpxml(files(early, "fcpxml")).kept["dissolves"] == [(42, 55)]  # centred: six and seven
    told = [
        w
        for w in compose(early | {"output": {**early["output"], "formats": ["fcpxml"]}}).warnings
        if w.format
    ]
    assert ("insufficient_handles", INTO_WALK) in {(w.code, w.path) for w in told}
