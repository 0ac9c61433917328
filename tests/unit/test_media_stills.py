"""Every accepted picture format, through the decoder, to upright pixels of the right colour."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from farm.errors import AssetUnreadable
from tests import media
from tests.media import BLUE, GREEN, RED, YELLOW, quadrants
from workers.media.probe import probe
from workers.media.stills import ENOUGH_PX, open_still

pytestmark = pytest.mark.slow

UPRIGHT = [RED, GREEN, BLUE, YELLOW]


def assert_looks_like(frame, picture, tolerance=6.0):
    """Mean difference of RGB values; the frame is converted as a renderer would."""
    seen = media.rgb(frame).astype(int)
    assert seen.shape == picture.shape
    assert np.abs(seen - picture.astype(int)).mean() < tolerance


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_a_jpeg_stands_upright_whatever_its_exif_says(tmp_path, orientation, subsampling):
    picture = quadrants(322, 190)
    stored = media.stored_for(picture, orientation)
    path = media.write_jpeg(tmp_path / "p.jpg", stored, orientation=orientation, subsampling=subsampling)
    frame = open_still(path)
    assert (frame.width, frame.height) == (322, 190)
    assert media.corners(frame) == UPRIGHT
    assert_looks_like(frame, picture)
    info = probe(path)
    assert (info.width, info.height, info.duration) == (322, 190, None)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_odd_sizes_turn_as_well(tmp_path, orientation):
    stored = media.stored_for(quadrants(323, 191), orientation)
    frame = open_still(media.write_jpeg(tmp_path / "p.jpg", stored, orientation=orientation))
    assert (frame.width, frame.height) == (323, 191)
    assert media.corners(frame) == UPRIGHT


def test_a_jpeg_never_goes_through_rgb(tmp_path):
    frame = open_still(media.write_jpeg(tmp_path / "p.jpg", quadrants(320, 192)))
    assert frame.format.name == "yuvj420p"
    assert (frame.color_range, frame.colorspace) == (2, 5)


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB progressive", "RGB stored"])
def test_rare_jpegs_have_their_right_colours(tmp_path, mode):
    picture = quadrants(320, 192)
    image = Image.fromarray(picture)
    path = tmp_path / "p.jpg"
    if mode == "L":
        image.convert("L").save(path, quality=95)
        picture = np.asarray(image.convert("L").convert("RGB"))
    elif mode == "CMYK":
        image.convert("CMYK").save(path, quality=95)
    elif mode == "RGB stored":
        image.save(path, quality=95, keep_rgb=True)
    else:
        image.save(path, quality=95, progressive=True)
    assert_looks_like(open_still(path), picture)


P3_TO_SRGB = np.array([[1.2249, -0.2247, 0], [-0.0420, 1.0419, 0], [-0.0197, -0.0786, 1.0979]])


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_phone_colours_are_brought_from_display_p3_to_srgb(tmp_path, suffix):
    """Both with a gamma of about 2.2, so that the difference is the primaries."""
    inside = (190, 120, 90)
    picture = np.full((64, 64, 3), inside, np.uint8)
    path = tmp_path / f"p.{suffix}"
    Image.fromarray(picture).save(path, quality=95, icc_profile=media.display_p3_profile())
    wanted = 255 * (P3_TO_SRGB @ (np.array(inside) / 255) ** 2.2) ** (1 / 2.2)
    seen = media.rgb(open_still(path)).reshape(-1, 3).mean(axis=0)
    assert np.abs(seen - wanted).max() < 4
    assert np.abs(seen - inside).max() > 8


def test_a_profile_that_is_broken_or_does_not_fit_is_ignored(tmp_path):
    picture = quadrants(64, 64)
    for number, profile in enumerate((b"nonsense", media.display_p3_profile()[:200], bytes(500))):
        path = tmp_path / f"{number}.png"
        Image.fromarray(picture).save(path, icc_profile=profile)
        assert_looks_like(open_still(path), picture, tolerance=2)


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "china", "flower"])
def test_real_photos_keep_their_colours(name):
    path = media.real_photo(name)
    assert_looks_like(open_still(path), np.asarray(Image.open(path).convert("RGB")), tolerance=3)


@pytest.mark.parametrize("suffix", ["png", "webp", "gif"])
@pytest.mark.parametrize(("ink", "ground"), [((20, 20, 20), 244), ((250, 250, 250), 24)])
def test_a_transparent_picture_lies_on_a_ground_it_stands_out_from(tmp_path, suffix, ink, ground):
    pixels = np.zeros((200, 200, 4), np.uint8)
    pixels[60:140, 60:140] = (*ink, 255)
    path = tmp_path / f"logo.{suffix}"
    Image.fromarray(pixels).save(path, **({"lossless": True} if suffix == "webp" else {}))
    seen = media.rgb(open_still(path))
    assert abs(int(seen[10, 10].mean()) - ground) < 6
    assert abs(int(seen[100, 100].mean()) - ink[0]) < 6


@pytest.mark.parametrize("kind", ["palette", "gray", "gray alpha", "one bit", "16-bit gray", "16-bit rgb"])
def test_png_in_every_depth(tmp_path, kind):
    picture = quadrants(64, 48)
    image = Image.fromarray(picture)
    path = tmp_path / "p.png"
    if kind == "palette":
        image.quantize(16).save(path)
    elif kind == "16-bit rgb":
        path.write_bytes(_png16(picture))
    elif kind == "16-bit gray":
        gray = np.asarray(image.convert("L"))
        Image.fromarray(gray.astype(np.uint16) * 257).save(path)
        picture = np.repeat(gray[:, :, None], 3, axis=2)
    else:
        mode = {"gray": "L", "gray alpha": "LA", "one bit": "1"}[kind]
        image.convert(mode).save(path)
        picture = np.asarray(image.convert(mode).convert("RGB"))
    assert_looks_like(open_still(path), picture, tolerance=2)


def _png16(picture):
    height, width = picture.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").__mul__(257).astype(">u2").tobytes() for row in picture)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0))]
    chunks += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def test_a_rotated_png_and_webp_stand_upright_too(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.fromarray(media.stored_for(quadrants(322, 190), 6))
    for suffix in ("png", "webp"):
        stored.save(tmp_path / f"p.{suffix}", exif=exif)
        assert media.corners(open_still(tmp_path / f"p.{suffix}")) == UPRIGHT
        assert probe(tmp_path / f"p.{suffix}").width == 322


def test_an_animated_gif_gives_its_first_frame(tmp_path):
    first, second = Image.fromarray(quadrants(64, 48)), Image.new("RGB", (64, 48), (0, 0, 0))
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second])
    assert media.corners(open_still(tmp_path / "a.gif")) == UPRIGHT


@pytest.mark.parametrize("quarter_turns", range(4))
def test_heic_comes_rotated_as_the_phone_meant_it(tmp_path, quarter_turns):
    stored = np.rot90(quadrants(320, 192), -quarter_turns)
    path = media.write_heic(tmp_path / "p.heic", np.ascontiguousarray(stored), quarter_turns)
    frame = open_still(path)
    assert (frame.width, frame.height) == (320, 192)
    assert_looks_like(frame, quadrants(320, 192))
    assert (probe(path).width, probe(path).height) == (320, 192)


@pytest.mark.parametrize(
    "attributes",
    [
        'width="40" height="30"',
        'viewBox="0 0 40 30"',
        'width="100%" viewBox="0 0 40 30"',
        'width="4cm" height="3cm" viewBox="0 0 40 30"',
    ],
)
def test_svg_is_drawn_sharp_at_the_frame_size(tmp_path, attributes):
    svg = f"""<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "svg11.dtd">
    <svg xmlns="http://www.w3.org/2000/svg" {attributes}><a href="https://example.org">
    <rect width="100%" height="100%" fill="#fff"/><rect width="50%" height="50%" fill="#dc2828"/></a></svg>"""
    (tmp_path / "s.svg").write_text(svg)
    frame = open_still(tmp_path / "s.svg")
    assert (frame.width, frame.height) == (2160, 1620)
    seen = media.rgb(frame)
    assert np.abs(seen[800, 1070].astype(int) - RED).max() < 6
    assert seen[820, 1090].min() > 250
    assert probe(tmp_path / "s.svg").width == 2160


EXTERNAL = "outside itself"
HOSTILE_SVG = {
    "entities": ('<!DOCTYPE svg [<!ENTITY a "b">]><svg/>', "document type"),
    "file": ('<svg><image href="/etc/hostname.png"/></svg>', EXTERNAL),
    "xlink": ('<svg xmlns:x="http://www.w3.org/1999/xlink"><image x:href="file:///a"/></svg>', EXTERNAL),
    "use": ('<svg><use href="other.svg#a"/></svg>', EXTERNAL),
    "nested": ('<svg><image href="data:image/svg+xml;base64,AA"/></svg>', EXTERNAL),
    "broken": ("<svg><rect></svg>", "not well-formed"),
    "long": ('<svg width="1" height="9000"/>', "longer than"),
    "deep": ("<svg>" + "<g>" * 9000 + "</g>" * 9000 + "</svg>", "deep"),
}


@pytest.mark.parametrize("name", HOSTILE_SVG)
def test_an_svg_may_draw_and_nothing_else(tmp_path, name):
    text, said = HOSTILE_SVG[name]
    (tmp_path / "s.svg").write_text(text)
    with pytest.raises(AssetUnreadable, match=said) as refused:
        open_still(tmp_path / "s.svg", "logo.svg")
    assert refused.value.message.startswith("logo.svg ")


def test_an_embedded_picture_beyond_the_limits_is_refused(tmp_path):
    import base64

    header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 50_000, 50_000) + bytes(32)
    data = base64.b64encode(header).decode()
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><image href="data:image/png;base64,{data}"/></svg>'
    (tmp_path / "s.svg").write_text(svg)
    with pytest.raises(AssetUnreadable, match="50000"):
        open_still(tmp_path / "s.svg")


def test_a_huge_photo_is_halved_while_it_is_decoded(tmp_path):
    path = media.write_jpeg(tmp_path / "p.jpg", quadrants(9000, 600))
    Image.fromarray(quadrants(9000, 600)).save(tmp_path / "p.png", compress_level=1)
    for name in ("p.jpg", "p.png"):
        frame = open_still(tmp_path / name)
        assert (frame.width, frame.height) == (4500, 300)
        assert media.corners(frame) == UPRIGHT
    assert ENOUGH_PX <= 4500
    assert probe(path).width == 9000


def _zero_bytes(good):
    return b""


def _truncated(good):
    return good[: len(good) // 2]


def _huge_header(good):
    return good[:16] + struct.pack(">II", 50_000, 50_000) + good[24:]


def _text_bomb(good):
    text = zlib.compress(b"a" * 200_000_000, 9)
    chunk = b"zTXt" + b"key\0\0" + text
    return (
        good[:33]
        + struct.pack(">I", len(chunk) - 4)
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
        + good[33:]
    )


def _playlist(good):
    return b"#EXTM3U\nfile:///etc/passwd\n"


@pytest.mark.parametrize("spoil", [_zero_bytes, _truncated, _huge_header, _text_bomb, _playlist])
def test_a_broken_png_is_refused_in_words(tmp_path, spoil):
    good = io.BytesIO()
    rng = np.random.default_rng(1)
    Image.fromarray(rng.integers(0, 255, (200, 200, 3), np.uint8)).save(good, "PNG")
    path = tmp_path / "in-17"
    path.write_bytes(spoil(good.getvalue()))
    for look in (open_still, probe) if spoil is not _truncated else (open_still,):
        with pytest.raises(AssetUnreadable) as refused:
            look(path, "holiday.png")
        assert refused.value.message.startswith("holiday.png ")
        assert str(path) not in refused.value.message


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_cut_short_is_refused_and_one_that_only_lacks_its_end_mark_is_not(tmp_path, progressive):
    """FFmpeg by itself would show the missing part in gray."""
    noise = np.random.default_rng(1).integers(0, 255, (200, 300, 3), np.uint8)
    path = tmp_path / "cut.jpg"
    Image.fromarray(noise).save(path, quality=90, progressive=progressive)
    whole = path.read_bytes()
    path.write_bytes(whole[:-2])
    assert open_still(path).width == 300
    for part in (0.99, 0.5, 0.1):
        path.write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(AssetUnreadable, match=r"cut\.jpg .*truncated"):
            open_still(path)
