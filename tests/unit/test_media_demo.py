"""The demo's own pictures and tune: large, different from each other, loud enough, never clipped."""

import av
import numpy as np
import pytest
from PIL import Image

from farm.timeline import MediaKind
from workers.cpu_render.demo import PICTURES, draw
from workers.media.probe import probe

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("demo") / "input")


def test_pictures_are_large_upright_and_varied(drawn):
    pictures = [path for path in drawn if path.suffix == ".jpg"]
    assert len(pictures) == len(PICTURES) >= 5
    infos = [probe(path) for path in pictures]
    assert {(info.kind, info.width, info.height) for info in infos} == {(MediaKind.IMAGE, 1620, 2160)}
    means = [np.asarray(Image.open(path).resize((6, 8))).astype(int) for path in pictures]
    for index, mean in enumerate(means):
        assert all(np.abs(mean - other).mean() > 20 for other in means[:index])


def test_gradients_carry_grain_so_that_they_do_not_band(drawn):
    for path in drawn[:-1]:
        sky = np.asarray(Image.open(path).convert("L"))[40:200, 200:1400].astype(float)
        rough = (
            sky - (np.roll(sky, 1, 0) + np.roll(sky, -1, 0) + np.roll(sky, 1, 1) + np.roll(sky, -1, 1)) / 4
        )
        assert rough[2:-2, 2:-2].std() > 1


def test_the_tune_is_half_a_minute_at_streaming_loudness(drawn):
    info = probe(drawn[-1])
    assert (info.kind, info.duration) == (MediaKind.AUDIO, 30)
    metadata = _loudness(drawn[-1])
    assert float(metadata["lavfi.r128.I"]) == pytest.approx(-14, abs=0.7)
    assert 0.5 < float(metadata["lavfi.r128.true_peak"]) < 0.891


def _loudness(path):
    """EBU R128 figures of a whole file."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        graph = av.filter.Graph()
        source = graph.add_abuffer(template=stream)
        meter = graph.add("ebur128", "peak=true:metadata=1")
        sink = graph.add("abuffersink")
        source.link_to(meter)
        meter.link_to(sink)
        graph.configure()
        metadata = {}
        for frame in container.decode(stream):
            graph.push(frame)
            while True:
                try:
                    metadata = graph.pull().metadata or metadata
                except (av.error.BlockingIOError, av.error.EOFError):
                    break
    return metadata
