"""x264 uses what suits the processor, unless an operator said otherwise."""

import av
import numpy as np
import pytest

from farm.encoders import STANDARD, EncoderProfile
from farm.timeline import Rate
from workers.media import x264
from workers.media.shape import Shape
from workers.media.streams import encoder_options, piece_encoder
from workers.processors import facts

ZEN_4 = {"vendor_id": "AuthenticAMD", "cpu family": "25", "flags": "sse2 avx2 avx512f avx512bw"}


def on(monkeypatch: pytest.MonkeyPatch, **differing: str) -> None:
    """What Linux says of the processor."""
    said = ZEN_4 | {name.replace("_family", " family"): value for name, value in differing.items()}
    monkeypatch.setattr(x264, "facts", lambda: said)


def test_zen_4_encodes_without_avx_512(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch)
    assert encoder_options(STANDARD) == {**STANDARD.options, "x264-params": "asm=AVX2"}
    numbered = STANDARD.model_copy(update={"options": {"x264-params": "sps-id=1:bframes=0"}})
    assert encoder_options(numbered) == {"x264-params": "sps-id=1:bframes=0:asm=AVX2"}


@pytest.mark.parametrize(
    "differing",
    [{"vendor_id": "GenuineIntel"}, {"cpu_family": "26"}, {"flags": "sse2 avx2"}],
    ids=["Intel", "Zen 5", "Zen 3"],
)
def test_other_processors_are_left_to_x264(
    monkeypatch: pytest.MonkeyPatch, differing: dict[str, str]
) -> None:
    on(monkeypatch, **differing)
    assert encoder_options(STANDARD) == dict(STANDARD.options)


def test_where_nothing_is_said_of_the_processor_x264_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(x264, "facts", dict)
    assert encoder_options(STANDARD) == dict(STANDARD.options)


def test_an_operator_and_other_encoders_keep_their_options(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch)
    told = {"preset": "medium", "x264-params": "ref=2:asm=AVX512"}
    assert encoder_options(EncoderProfile(options=told)) == told
    assert encoder_options(EncoderProfile(encoder="libx265", options={"crf": "28"})) == {"crf": "28"}


def test_x264_takes_what_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It passes over parameters that it does not know with no more than a warning."""
    assert "avx2" in facts()["flags"].split()
    on(monkeypatch)
    shape = Shape(width=64, height=64, rate=Rate(num=30), frames=1, sample_rate=48_000, samples=0)
    av.logging.set_level(av.logging.INFO)
    try:
        with av.logging.Capture(local=False) as said:
            encoder = piece_encoder(shape, STANDARD)
    finally:
        av.logging.set_level(None)
    capabilities = next(text for _, _, text in said if "cpu capabilities" in text)
    assert "AVX2" in capabilities and "AVX512" not in capabilities
    picture = av.VideoFrame.from_ndarray(np.zeros((96, 64), np.uint8), format="yuv420p")
    assert [*encoder.encode(picture), *encoder.encode(None)]
