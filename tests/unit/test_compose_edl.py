"""compose-otio's edit decision lists: what every machine reads."""

from tasks.compose_otio import compose
from tests.editors.written import DISSOLVE, INTO_WALK, text
from tests.manifests import example
from tests.unit.test_compose_otio import faults, warned

LIST = """\
TITLE: Forest Morning Cut - V1
FCM: NON-DROP FRAME

001  FORESTOP V     C        00:00:00:00 00:00:01:12 00:00:00:00 00:00:01:12
* FROM CLIP NAME:  Opening Still
* SOURCE FILE: storyboards/forest-opening.png
002  FORESTOP V     C        00:00:01:12 00:00:01:12 00:00:01:12 00:00:01:12
002  STREAMWA V     D    024 00:00:00:12 00:00:05:00 00:00:01:12 00:00:06:00
* FROM CLIP NAME:  Opening Still
* TO CLIP NAME:  Forest Walk
* SOURCE FILE: rushes/stream-walk.mp4
* LOC: 00:00:03:00 GREEN   here
"""


def test_an_edl_of_the_documents_example_with_a_dissolve_and_a_marker():
    manifest = example(
        intent__videoSequence__1__transition=DISSOLVE, intent__markers=[{"atSec": 3, "name": "here"}]
    )
    assert text(manifest, "edl", "v1") == LIST
    heard = text(manifest, "edl", "a1").splitlines()
    assert heard[0] == "TITLE: Forest Morning Cut - A1 music"
    assert heard[3] == "001  FORESTPI AA    C        00:00:00:00 00:00:05:00 00:00:00:00 00:00:05:00"


def test_reels_have_eight_letters_and_every_file_its_own():
    items = [{"id": f"s{n}", "kind": "image", "path": f"{n}/a forest of names.png"} for n in range(12)]
    items += [
        {"id": "odd", "kind": "image", "path": "日本.png"},
        {"id": "ax", "kind": "image", "path": "ax.png"},
    ]
    clips = [{"itemId": item["id"], "fromSec": 0, "toSec": 1} for item in items]
    manifest = example(folder__items=items, intent__videoSequence=clips, intent__audioLayers=[])
    events = [line.split() for line in text(manifest, "edl", "v1").splitlines() if line[:3].isdigit()]
    reels = [event[1] for event in events]
    assert len(set(reels)) == len(items) and all(len(reel) <= 8 for reel in reels)
    assert reels[:3] == ["AFORESTO", "AFOREST2", "AFOREST3"] and "AX" not in reels


def test_what_an_edl_has_no_digits_for_is_refused_or_told():
    assert faults(example(project__fps=120, output__formats=["otioz", "edl"])) == [
        ("format_unavailable", "/output/formats/1")
    ]
    stills = [{"itemId": "img-opening", "fromSec": 0, "toSec": 50} for _ in range(2)]
    stills[1]["transition"] = {"type": "dissolve", "durationSec": 50}
    long = example(intent__videoSequence=stills, output__formats=["edl"])
    assert ("dropped_by_format", INTO_WALK) in warned(compose(long))
    assert " D " not in text(long, "edl", "v1")
    quick = example(intent__videoSequence__1__speed=1.003, output__formats=["edl"])
    assert ("dropped_by_format", "/intent/videoSequence/1/speed") in warned(compose(quick))
