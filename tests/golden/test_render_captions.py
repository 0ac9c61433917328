"""Captions in composed frames: every look at every position, coming and going, over a real photo."""

import numpy as np
import pytest

from farm.timeline import Position
from tasks.media_render import MediaRender, timeline_of
from tasks.media_render.params import SIZES, TEXT_TEMPLATES
from tests.golden.render_scenes import paths_of, planes_of
from tests.golden.text_sheet import PREVIEW
from tests.media import real_photo
from workers.cpu_render.compose import compose
from workers.cpu_render.plan import plan
from workers.cpu_render.text.layer import TextLayer
from workers.media.planes import Planes

pytestmark = pytest.mark.slow

FLOWER = real_photo("flower")


def film(seconds, texts, aspect="9:16", **params):
    """The luma of every frame of a photo that stands still, with these overlays."""
    asset = {"asset_id": FLOWER.name, "file_name": FLOWER.name, "media_kind": "image"}
    durations = [{"asset_id": FLOWER.name, "duration_s": seconds}]
    wanted = {"assets": [asset], "durations": durations, "aspect_ratio": aspect, "fps": 10, **params}
    timeline = timeline_of(MediaRender.model_validate({**wanted, "text_overlays": texts}))
    frames = []
    for composed in compose(plan(timeline), timeline, paths_of(FLOWER), buffers=2):
        frames += [planes_of(composed.planes.frame)[0]] * composed.frames
    return frames


def changed_rows(frame, bare):
    """The rows that a caption clearly changed, as shares of the height."""
    rows = np.flatnonzero((np.abs(frame - bare) > 12).any(axis=1))
    return rows[0] / len(frame), rows[-1] / len(frame)


@pytest.fixture(scope="module", params=list(SIZES))
def bare(request):
    return request.param, film(0.1, [], request.param)[0]


@pytest.mark.parametrize("template", TEXT_TEMPLATES.values())
def test_d091_to_d097_d090_every_look_is_drawn_where_it_was_asked_for(bare, template):
    aspect, picture = bare
    texts = [
        {"text": "Makes sense", "start_s": n, "duration_s": 1, "template": template, "position": position}
        for n, position in enumerate(Position)
    ]
    frames = film(3, texts, aspect)
    top, middle, bottom = (changed_rows(frames[n], picture) for n in (5, 15, 25))
    assert top[0] > 0.02 and top[1] < 0.45
    assert middle[0] > 0.25 and middle[1] < 0.75
    assert bottom[0] > 0.5 and bottom[1] < 0.98
    assert top[0] < middle[0] < bottom[0]


def test_d088_d134_an_overlay_is_seen_in_its_frames_only_and_fades_at_both_ends():
    text = {"text": "Exactly here", "start_s": 1, "duration_s": 2, "template": "Simple"}
    frames = film(4, [text])
    strength = [float(np.abs(frame - frames[0]).mean()) for frame in frames]
    assert len(frames) == 40
    assert {n for n, value in enumerate(strength) if value > 0} == set(range(10, 30))
    full = strength[20]
    quarters = [full / 4, full / 2, full * 3 / 4]  # a quarter of a second: three frames at 10 fps
    assert strength[10:13] == pytest.approx(quarters, rel=0.02)
    assert strength[13:27] == [full] * 14
    assert strength[10:13] == strength[29:26:-1]


def test_a_later_text_lies_over_an_earlier_one():
    here = {"start_s": 0, "duration_s": 3, "position": "middle"}
    bar = {"text": "A long headline in a bar", "template": "Headline Bar", **here}
    strip = {"text": "Strip", "template": "Midnight Strip", **here}
    both, alone = film(3, [bar, strip])[15], film(3, [strip])[15]
    edge = both[:, both.shape[1] // 2 - 200]  # beside the short word of the strip
    assert np.abs(edge - alone[:, both.shape[1] // 2 - 200]).max() < 60  # a glimpse of white under dark blue
    assert film(3, [strip, bar])[15].max() > both[:, 300:400].max()


def test_a_thousand_texts_twenty_at_once_are_drawn_each_in_its_frames_the_later_on_top():
    looks, places = list(TEXT_TEMPLATES), list(Position)
    texts = [
        {
            "text": f"No {n} 第{n}",
            "start_s": n / 100,
            "duration_s": 0.2,
            "template": looks[n % len(looks)],
            "position": places[n % 3],
        }
        for n in range(1000)
    ]
    asset = {"asset_id": FLOWER.name, "file_name": FLOWER.name, "media_kind": "image"}
    durations = [{"asset_id": FLOWER.name, "duration_s": 10.1}]
    asked = {"assets": [asset], "durations": durations, "aspect_ratio": "16:9", "fps": 10}
    small = {"width": 320, "height": 180}
    bare = timeline_of(MediaRender.model_validate(asked)).model_copy(update=small)
    timeline = timeline_of(MediaRender.model_validate({**asked, "text_overlays": texts})).model_copy(
        update=small
    )
    planned = plan(timeline)
    assert planned.frames == 101 and max(len(span.captions) for span in planned.spans) == 20
    (photo,) = compose(plan(bare), bare, paths_of(FLOWER), buffers=2)
    expected = Planes.blank(320, 180)
    expected.copy_from(photo.planes)
    (track,) = timeline.text
    for clip in track.clips:
        if clip.start_frame <= 50 < clip.end_frame_exclusive:
            fade = next(c for span in planned.spans for c in span.captions if c.clip == clip)
            TextLayer.of(clip, 320, 180).lay_on(expected, fade.opacity(50))
    pictures = []
    for composed in compose(planned, timeline, paths_of(FLOWER), buffers=2):
        pictures += [planes_of(composed.planes.frame)] * composed.frames
    assert [np.abs(a - b).max() for a, b in zip(pictures[50], planes_of(expected.frame), strict=True)] == [
        0,
        0,
        0,
    ]
    assert len({picture[0].tobytes() for picture in pictures}) == 101  # no frame like another


def test_the_preview_is_small_enough_for_the_docs():
    assert PREVIEW.stat().st_size <= 200_000
