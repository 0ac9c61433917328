"""Two hundred clips of one frame each, pictures and films in turn: every frame shows its own."""

import av
import pytest
from PIL import Image

from farm.encoders import EncoderProfile
from tasks.media_render import MediaRender, timeline_of
from tests.golden.render_scenes import decoded
from tests.media import coded, read_code, write_clip
from workers.cpu_render.render import render

pytestmark = pytest.mark.slow

CLIPS = 200
SHARP = EncoderProfile(options={"preset": "veryfast", "crf": "12"})


def written(path, number):
    """A picture or, every tenth time, a film that has one frame only."""
    if path.suffix == ".mp4":
        return write_clip(path, frames=1, pictures=[coded(number)])
    Image.fromarray(coded(number)).save(path, compress_level=1)
    return path


def test_d085_two_hundred_clips_of_one_frame_are_seen_each_in_its_frame(tmp_path):
    names = [f"{number:03}.{'mp4' if number % 10 == 7 else 'png'}" for number in range(CLIPS)]
    files = {name: written(tmp_path / name, number) for number, name in enumerate(names)}
    asked = MediaRender.model_validate(
        {
            "assets": [
                {"asset_id": n, "file_name": n, "media_kind": "video" if n.endswith("mp4") else "image"}
                for n in names
            ],
            "durations": [{"asset_id": name, "duration_s": 1 / 30} for name in names],
            "sfx": True,
        }
    )
    small = timeline_of(asked).model_copy(update={"width": 320, "height": 192})
    out = tmp_path / "out.mp4"
    report = render(
        small,
        files,
        out,
        progress=lambda fraction, stage: None,
        checkpoint=lambda: None,
        profile=SHARP,
    )
    assert report.frames == CLIPS and not report.notes
    assert [read_code(frame) for frame in decoded(out)] == list(range(CLIPS))
    with av.open(str(out)) as container:
        heard = sum(frame.samples for frame in container.decode(audio=0))
    assert 0 <= heard - CLIPS * 1600 < 2048
