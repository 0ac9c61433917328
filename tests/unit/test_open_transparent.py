"""Pictures opened with their transparency: upright, in sRGB, and no more trusting than without it."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from farm.errors import AssetUnreadable
from tests import media
from tests.media import BLUE, GREEN, RED, YELLOW, quadrants
from tests.unit.test_media_stills import HOSTILE_SVG
from workers.media.stills import open_transparent


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    """Colours near the four corners, clockwise from the top left."""
    pixels = np.asarray(image.convert("RGB")).astype(int)
    return [tuple(pixels[y, x]) for y, x in ((8, 8), (8, -9), (-9, -9), (-9, 8))]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_stands_upright_whatever_its_exif_says(tmp_path: Path, orientation: int) -> None:
    stored = media.stored_for(quadrants(322, 190), orientation)
    image = open_transparent(media.write_jpeg(tmp_path / "p.jpg", stored, orientation=orientation))
    assert (image.mode, image.size) == ("RGBA", (322, 190))
    for seen, meant in zip(corners(image), (RED, GREEN, BLUE, YELLOW), strict=True):
        assert np.abs(np.subtract(seen, meant)).max() < 8


@pytest.mark.parametrize("kind", ["rgba", "palette", "gray alpha", "webp", "gif"])
def test_transparency_comes_with_the_picture(tmp_path: Path, kind: str) -> None:
    cut = Image.new("RGBA", (60, 40), (200, 30, 30, 255))
    cut.paste((0, 0, 0, 0), (0, 0, 30, 40))
    path = tmp_path / f"p.{kind if kind in ('webp', 'gif') else 'png'}"
    mode = {"palette": "P", "gray alpha": "LA"}.get(kind, "RGBA")
    cut.convert(mode).save(path, lossless=kind == "webp")
    alpha = np.asarray(open_transparent(path).getchannel("A"))
    assert (alpha[:, 32:] == 255).all() and (alpha[:, :28] == 0).all()


def test_a_drawing_keeps_its_empty_ground(tmp_path: Path) -> None:
    text = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><circle cx="20" cy="20" r="9"/></svg>'
    )
    (tmp_path / "s.svg").write_text(text)
    image = open_transparent(tmp_path / "s.svg")
    alpha = np.asarray(image.getchannel("A"))
    assert alpha[image.height // 2, image.width // 2] == 255 and alpha[2, 2] == 0


def test_phone_colours_are_brought_to_srgb(tmp_path: Path) -> None:
    wide = Image.new("RGB", (32, 32), (220, 60, 60))
    wide.save(tmp_path / "p.png", icc_profile=media.display_p3_profile())
    red, green, _ = open_transparent(tmp_path / "p.png").convert("RGB").getpixel((5, 5))  # type: ignore[misc]  # of an RGB picture
    assert red > 230 and green < 60


@pytest.mark.parametrize("name", HOSTILE_SVG)
def test_an_svg_may_draw_and_nothing_else(tmp_path: Path, name: str) -> None:
    text, said = HOSTILE_SVG[name]
    (tmp_path / "s.svg").write_text(text)
    with pytest.raises(AssetUnreadable, match=said):
        open_transparent(tmp_path / "s.svg", "logo.svg")


def bomb(width: int, height: int) -> bytes:
    """A small PNG that unpacks to very much."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(1_000_000))
    chunks = b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in (header, data, b"IEND")
    )
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="zero byte"),
        pytest.param(bomb(50_000, 50_000), id="50k x 50k"),
        pytest.param(bomb(16_000, 16_000), id="256 megapixels"),
        pytest.param(bomb(4_000, 4_000), id="cut short"),
        pytest.param(b"\x89PNG\r\n\x1a\n<html>", id="polyglot"),
        pytest.param(b"#EXTM3U\nhttp://127.0.0.1/", id="playlist"),
    ],
)
def test_what_is_no_good_picture_is_refused_by_its_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p.png").write_bytes(content)
    with pytest.raises(AssetUnreadable, match=r"hand\.png"):
        open_transparent(tmp_path / "p.png", "hand.png")


def test_a_huge_picture_is_halved(tmp_path: Path) -> None:
    Image.fromarray(quadrants(9000, 600)).save(tmp_path / "p.png", compress_level=1)
    assert open_transparent(tmp_path / "p.png").size == (4500, 300)
