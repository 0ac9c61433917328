"""compose-otio's AAF, by pyaaf2: what OpenTimelineIO's adapter writes, and what is added to it."""

import sys
from fractions import Fraction
from pathlib import Path

import pytest

from tasks.compose_otio import BrokenManifest, compose
from tests.editors.reading import EVERYTHING
from tests.editors.written import files
from tests.manifests import example

aaf2 = pytest.importorskip("aaf2")
pytest.importorskip("otio_aaf_adapter")


def test_an_aaf_has_a_master_clip_for_every_name_and_locators_for_dissolves(tmp_path: Path):
    (made,) = files(EVERYTHING, "aaf")
    path = tmp_path / made.name
    path.write_bytes(made.content)
    with aaf2.open(str(path)) as file:
        names = {mob.name for mob in file.content.mastermobs()}
        (composition,) = file.content.toplevel()
        (events,) = [slot for slot in composition.slots if slot.media_kind == "DescriptiveMetadata"]
        marks = [(mark["Position"].value, mark["Comment"].value) for mark in events.segment.components]
        date = file.header["LastModified"].value
    assert {"Opening", "Short", "Quick", "Walk"} <= names
    assert marks == [(24, "note: look here"), (97, "dissolve, 24 frames"), (120, "point")]
    assert date.year == 2000


def test_a_format_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "aaf2", None)
    made = compose(example(output__formats=["edl", "aaf"]))
    with pytest.raises(BrokenManifest) as broken:
        made.files()
    (fault,) = broken.value.faults
    assert (fault.code, fault.path) == ("format_unavailable", "/output/formats/1")
    assert "kinefarm[aaf]" in fault.message


@pytest.mark.parametrize(("fps", "rate"), [(23.976, Fraction(24000, 1001)), (25, Fraction(25))])
def test_a011_the_rate_is_exact_everywhere_in_an_aaf(fps: float, rate: Fraction, tmp_path: Path):
    (made,) = files(example(project__fps=fps), "aaf")
    path = tmp_path / made.name
    path.write_bytes(made.content)
    with aaf2.open(str(path)) as file:
        rates = {Fraction(slot.edit_rate) for mob in file.content.mobs for slot in mob.slots}
    assert rates == {rate}
