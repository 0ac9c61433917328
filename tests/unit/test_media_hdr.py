"""HDR and wide-gamut clips become BT.709: against plain numpy, against the standards, and in real files.

Issue 4 item 8: HDR and 10-bit input tone-mapped, VFR to CFR, colour tags right.
"""

from fractions import Fraction

import av
import numpy as np
import pytest

from farm.timeline import Rate
from tests.golden.render_scenes import decoded, montage, paths_of
from tests.media import read_code, real_photo, rgb, write_clip
from workers.cpu_render.render import render
from workers.media.colour import Converter
from workers.media.hdr import Source, ToneMapper, Transfer, mapped, pq_decoded, pq_encoded, source_of
from workers.media.probe import probe
from workers.media.stills import open_still
from workers.media.tags import ColourTags
from workers.media.video import VideoReader

PQ, HLG = Source(Transfer.PQ, "bt2020", 1000.0), Source(Transfer.HLG, "bt2020", 1000.0)
TO_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
SCREEN = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(40000000,50)"  # of 4000 nits
LUMA_2020 = np.array([0.2627, 0.6780, 0.0593])


def grey(levels, source):
    """Luma, 0 … 1, of greys."""
    out = mapped(np.repeat(np.asarray(levels, float)[:, None], 3, axis=1), source)
    assert np.ptp(out, axis=1).max() < 0.002  # grey stays grey
    return out[:, 0]


def hlg_signal(nits):
    """BT.2100: what a camera writes so that a screen of 1000 nits shows this."""
    luma = np.maximum(nits @ LUMA_2020, 1e-9)[..., None]
    scene = nits / 1000 * (luma / 1000) ** (-1 / 6)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c)


def write_hdr(
    path, signal, transfer, *, frames=2, options="", rotation=0, pix_fmt="yuv420p10le", primaries=9, matrix=9
):
    """A clip of R'G'B' (0 … 1) of BT.2020 in HEVC of 10 bits, tagged as phones do."""
    luma = signal @ LUMA_2020
    blue, red = (signal[..., 2] - luma) / 1.8814, (signal[..., 0] - luma) / 1.4746
    planes = [64 + 876 * luma, *(512 + 896 * halved(chroma) for chroma in (blue, red))]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx265", rate=30)
        stream.height, stream.width, stream.pix_fmt = *luma.shape, pix_fmt
        context = stream.codec_context
        context.colorspace, context.color_primaries = matrix, primaries
        context.color_trc, context.color_range = transfer, 1
        stream.options = {
            "crf": "4",
            "preset": "ultrafast",
            "x265-params": f"log-level=none:bframes=0:frame-threads=1{options}",
        }
        if rotation:
            stream.set_display_rotation(rotation)
        for number in range(frames):
            frame = av.VideoFrame(stream.width, stream.height, pix_fmt)
            for plane, values in zip(frame.planes, planes, strict=True):
                rows = np.frombuffer(memoryview(plane), np.uint16).reshape(plane.height, -1)
                rows[:, : plane.width] = np.rint(values)
            frame.pts, frame.time_base = number, Fraction(1, 30)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def halved(plane):
    return (plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2] + plane[1::2, 1::2]) / 4


@pytest.fixture(scope="module")
def sunny():
    """The light of a photo in nits of BT.2020, white at 203, with a sun of 1000 nits in a corner."""
    photo = rgb(Converter().convert(open_still(real_photo("coffee")), 320, 192)) / 255
    light = 203 * photo**2.4
    y, x = np.mgrid[:192, :320]
    light += 900 * np.exp(-((x - 285) ** 2 + (y - 30) ** 2) / 300)[..., None]
    return photo, np.minimum(light @ TO_2020.T, 1000)


def test_pq_is_its_own_inverse_and_has_the_levels_of_the_standard():
    nits = np.array([0.0, 0.005, 1, 100, 203, 1000, 10_000])
    assert pq_decoded(pq_encoded(nits)) == pytest.approx(nits, rel=1e-6, abs=1e-6)
    assert pq_encoded(np.array([100.0, 203, 1000])) == pytest.approx([0.5081, 0.5807, 0.7518], abs=1e-4)


@pytest.mark.parametrize("peak", [500.0, 1000.0, 4000.0, 10_000.0])
def test_shadows_and_skin_stay_white_is_bright_and_highlights_still_differ(peak):
    source = Source(Transfer.PQ, "bt2020", peak)
    low = np.array([0.1, 1, 5, 10, 26, 50])
    assert grey(pq_encoded(low), source) == pytest.approx((low / 203) ** (1 / 2.4), abs=0.02)
    white, half, top = grey(pq_encoded(np.array([203.0, peak / 2, peak])), source)
    assert 0.75 < white < 1 and white < half + 0.1 < top + 0.1 and top == pytest.approx(1, abs=0.005)
    ramp = grey(np.linspace(0, 1, 500), source)
    assert (np.diff(ramp) >= -1e-9).all() and ramp[0] == 0


def test_hlg_and_pq_of_the_same_light_look_the_same(sunny):
    _, light = sunny
    seen = mapped(pq_encoded(light), PQ), mapped(hlg_signal(light), HLG)
    assert np.abs(seen[0] - seen[1]).max() < 0.02


@pytest.mark.parametrize(("primaries", "corner"), [("bt2020", 1.0), ("p3", 1.0)])
def test_colours_beyond_bt_709_keep_their_hue(primaries, corner):
    pure = mapped(corner * np.eye(3), Source(Transfer.SDR, primaries))
    assert (pure.argmax(axis=1) == [0, 1, 2]).all()
    assert (np.diag(pure) > 0.95).all()
    assert (pure - np.diag(np.diag(pure)) < 0.05).all()
    soft = np.array([[0.5, 0.4, 0.4], [0.4, 0.5, 0.4], [0.4, 0.4, 0.5]])
    assert (mapped(soft, Source(Transfer.SDR, primaries)).argmax(axis=1) == [0, 1, 2]).all()


@pytest.mark.parametrize("source", [PQ, HLG, Source(Transfer.SDR, "bt2020"), Source(Transfer.SDR, "p3")])
def test_the_table_gives_what_numpy_gives(sunny, source):
    photo, light = sunny
    signal = {Transfer.PQ: pq_encoded(light), Transfer.HLG: hlg_signal(light), Transfer.SDR: photo}[
        source.transfer
    ]
    frame = av.VideoFrame(320, 192, "gbrp10le")
    codes = np.rint(signal * 1023).astype(np.uint16)
    for plane, channel in zip(frame.planes, (1, 2, 0), strict=True):
        rows = np.frombuffer(memoryview(plane), np.uint16).reshape(192, -1)
        rows[:, :320] = codes[..., channel]
    got = ToneMapper(source)(frame)
    values = [np.frombuffer(memoryview(plane), np.uint16).reshape(192, -1)[:, :320] for plane in got.planes]
    seen = np.stack([values[2], values[0], values[1]], axis=-1) / 1023
    error = 255 * (seen - mapped(codes / 1023, source))
    assert 10 * np.log10(255**2 / (error**2).mean()) > 48


def test_plain_video_of_8_or_10_bits_is_left_alone():
    for pix_fmt in ("yuv420p", "yuv420p10le"):
        frame = av.VideoFrame(64, 64, pix_fmt)
        frame.colorspace = frame.color_primaries = frame.color_trc = frame.color_range = 1
        assert source_of(frame) is None
        frame.color_primaries = frame.color_trc = 2  # says nothing
        assert source_of(frame) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("transfer", "options", "peak"),
    [
        (16, "", 1000),  # says nothing: what most is graded for
        (16, f":master-display={SCREEN}", 4000),
        (16, f":master-display={SCREEN}:max-cll=612,90", 600),
        (18, "", 1000),
    ],
)
def test_a_file_is_mapped_as_it_says_of_itself(tmp_path, sunny, transfer, options, peak):
    signal = pq_encoded(sunny[1]) if transfer == 16 else hlg_signal(sunny[1])
    with VideoReader(
        write_hdr(tmp_path / "a.mp4", signal, transfer, options=options), rate=Rate(num=30)
    ) as clip:
        frame = clip.frame(1)
        source = source_of(frame)
        assert source == Source(Transfer.PQ if transfer == 16 else Transfer.HLG, "bt2020", peak)
        picture = Converter().convert(frame, 320, 192)
    tags = picture.colorspace, picture.color_primaries, picture.color_trc, picture.color_range
    assert (picture.format.name, tags) == ("yuv420p", (1, 1, 1, 1))
    assert np.abs(rgb(picture) / 255 - mapped(signal, source)).mean() < 0.012


@pytest.mark.slow
def test_what_only_the_container_says_of_colours_counts_too_from_any_start(tmp_path, sunny):
    """A decoder that reads nothing of it says nothing of it; players ask the file. Such films were pale."""
    coded = write_hdr(tmp_path / "coded.mp4", hlg_signal(sunny[1]), 2, frames=60, primaries=2, matrix=2)
    path = tmp_path / "told.mp4"
    with av.open(str(coded)) as given, av.open(str(path), "w") as out:
        copied = out.add_stream_from_template(given.streams.video[0])
        told = copied.codec_context
        told.colorspace = told.color_primaries = 9
        told.color_trc = 18
        for packet in given.demux(video=0):
            if packet.dts is not None:
                packet.stream = copied
                out.mux(packet)
    assert {frame.color_trc for frame in decoded(path)} == {2}
    assert probe(path).colour == ColourTags(9, 1, 9, 18)
    for start in (Fraction(0), Fraction(3, 2)):  # the second is looked for, with what was decoded thrown away
        with VideoReader(path, rate=Rate(num=30), source_start=start) as clip:
            frames = [clip.frame(n) for n in (0, 5)]
        assert [source_of(frame) for frame in frames] == [HLG, HLG]
        assert {frame.colorspace for frame in frames} == {9}


@pytest.mark.slow
def test_an_hdr_clip_from_a_phone_looks_in_the_film_as_the_photo_does(tmp_path, sunny):
    """Upright, in its colours, with a sun that is no flat patch; and the film says bt709."""
    photo, light = sunny
    clip = write_hdr(tmp_path / "phone.mp4", hlg_signal(np.rot90(light)), 18, frames=6, rotation=-90)
    timeline = montage((clip, 6, {}), width=320, height=192)
    render(
        timeline,
        paths_of(clip),
        tmp_path / "out.mp4",
        progress=lambda fraction, stage: None,
        checkpoint=lambda: None,
    )
    frame = decoded(tmp_path / "out.mp4")[3]
    assert (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range) == (1, 1, 1, 1)
    seen = rgb(frame) / 255
    assert np.abs(seen - photo)[60:].mean() < 0.03
    sun = seen[30, 258:286:6].mean(axis=1)
    assert (np.diff(sun) > 0).all() and sun[-1] > 0.95


@pytest.mark.slow
def test_a_clip_of_variable_rate_becomes_a_film_of_constant_rate(tmp_path):
    """A phone's clip: 30 fps with jitter, a pause of half a second, then 15 fps."""
    times = [Fraction(n, 30) + Fraction(n % 3, 400) for n in range(15)]
    times += [Fraction(1) + Fraction(n, 15) for n in range(8)]
    clip = write_clip(tmp_path / "vfr.mp4", frames=len(times), times=times)
    timeline = montage((clip, 45, {}), width=320, height=192)
    render(
        timeline,
        paths_of(clip),
        tmp_path / "out.mp4",
        progress=lambda fraction, stage: None,
        checkpoint=lambda: None,
    )
    frames = decoded(tmp_path / "out.mp4")
    assert [frame.pts * frame.time_base * 30 for frame in frames] == list(range(45))
    shown = [read_code(frame) for frame in frames]
    assert shown == [*range(15), *[14] * 15, *(15 + n // 2 for n in range(15))]
