"""What compose-otio writes, played by melt (row A-036): every frame shows its own number.

Adapters that are not the farm's make an MLT of it. melt is from apt, otio-mlt-adapter from pip.
"""

import json
import shutil
import subprocess
import warnings
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from tasks.compose_otio import compose
from tests.editors.reading import EVERYTHING
from tests.editors.written import with_formats
from tests.media import coded, read_code, rgb, tone, write_clip, write_sound

otio = pytest.importorskip("opentimelineio")
pytest.importorskip("otio_mlt_adapter")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("melt") is None, reason="needs melt, from apt"),
]

# The adapter leaves the profile open, and melt would take PAL.
PROFILE = (
    '<profile width="320" height="192" progressive="1" sample_aspect_num="1" sample_aspect_den="1" '
    'display_aspect_num="5" display_aspect_den="3" frame_rate_num="24" frame_rate_den="1" colorspace="709"/>'
)
STILL, WALK = 500, 1000  # where the numbers of these two begin
# As in the timeline that has everything, but for spaces in paths, which an adapter does not decode.
MANIFEST = json.loads(json.dumps(EVERYTHING).replace("forest walk", "walk"))


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the manifest names."""
    folder = tmp_path_factory.mktemp("media")
    for name in ("photos", "rushes", "audio"):
        (folder / name).mkdir()
    Image.fromarray(coded(STILL)).save(folder / "photos/opening.png")
    write_clip(folder / "rushes/short.mp4", frames=48, rate=Fraction(24))
    write_clip(
        folder / "rushes/walk.mp4",
        frames=192,
        rate=Fraction(24),
        pictures=[coded(WALK + number) for number in range(192)],
    )
    for name in ("song", "voice"):
        write_sound(folder / f"audio/{name}.wav", tone(300, 6))
    return folder


def frames(timeline: Any, folder: Path) -> list[av.VideoFrame]:
    """What melt shows of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the adapter's own, of the language
        text = otio.adapters.write_to_string(timeline, adapter_name="mlt_xml")
    assert "<profile decsription" in text
    cut, shown = folder / "cut.mlt", folder / "cut.avi"
    cut.write_text(text.replace('<profile decsription="automatic"/>', PROFILE))
    consumer = (f"avformat:{shown}", "vcodec=ffv1", "an=1", "real_time=-1", "terminate_on_pause=1")
    subprocess.run(["melt", str(cut), "-consumer", *consumer], cwd=folder, capture_output=True, timeout=120)
    with av.open(str(shown)) as file:
        return list(file.decode(video=0))


def test_melt_shows_every_frame_of_an_otio_where_it_should_be(media: Path):
    timeline = otio.adapters.read_from_string(compose(MANIFEST).otio, "otio_json")
    shown = frames(timeline, media)
    assert len(shown) == 181
    codes = [read_code(frame) for frame in shown]
    assert codes[:24] == [STILL] * 24
    assert codes[24:73] == [*range(48), 47]  # its last frame is held
    assert all(rgb(frame).max() < 30 for frame in shown[73:85])
    quick = codes[85:97]  # at twice its speed; the adapter counts its in-point in the time after the warp
    assert [after - before for before, after in pairwise(quick)] == [2] * 11
    assert codes[121:181] == [WALK + 60 + number for number in range(60)]  # behind the dissolve


def test_melt_shows_every_frame_of_a_final_cut_7_xml_where_it_should_be(media: Path):
    (file,) = compose(with_formats(MANIFEST, "fcp7")).files()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        timeline = otio.adapters.read_from_string(file.content.decode(), "fcp_xml")
    shown = frames(timeline, media)
    assert len(shown) == 181
    codes = [read_code(frame) for frame in shown]
    assert codes[:24] == [STILL] * 24
    assert codes[24:73] == [*range(48), 47]
    assert all(rgb(frame).max() < 30 for frame in shown[73:85])
    assert codes[121:181] == [WALK + 60 + number for number in range(60)]
