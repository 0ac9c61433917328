"""What the first bytes of a file say, and which uploads are refused because of them."""

import struct
import zlib

import pytest

from farm.errors import AssetUnreadable, BadRequest
from farm.media_types import CONTENT_TYPES, check_upload, content_type_of, extension_of, kind_of, sniff
from farm.timeline import MediaKind

MP4 = b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + bytes(64)
M4A = b"\0\0\0\x1cftypM4A \0\0\2\0M4A isomiso2" + bytes(64)
QUICKTIME = b"\0\0\0\x14ftypqt  \0\0\2\0qt  " + bytes(64)
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)
WEBM = b"\x1aE\xdf\xa3\x9fB\x86\x81\1B\xf7\x81\1B\xf2\x81\4B\xf3\x81\x08B\x82\x84webm" + bytes(64)
MATROSKA = WEBM.replace(b"\x84webm", b"\x88matroska")
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xc0\0\x11\x08\1\xab\2\x80\3" + bytes(32)
GIF = b"GIF89a\x40\1\xc8\0" + bytes(32)
WEBP = b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x3f\1\0\xc7\0\0" + bytes(32)
WAV = b"RIFF\x40\0\0\0WAVEfmt " + bytes(32)
AVI = b"RIFF\x40\0\0\0AVI LIST" + bytes(32)
MP3_FRAME = b"\xff\xfb\x90\x64" + bytes(413)
ID3 = b"ID3\4\0\0\0\0\1\0" + bytes(128)
AAC_FRAME = b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)
SVG = b'<?xml version="1.0"?>\n<!-- drawn by hand -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'


def png(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


GOOD = {
    "image/jpeg": JPEG,
    "image/png": png(640, 480),
    "image/gif": GIF,
    "image/webp": WEBP,
    "image/svg+xml": SVG,
    "image/heic": HEIC,
    "image/heif": HEIC,
    "video/mp4": MP4,
    "video/mpeg": b"\0\0\1\xba" + bytes(64),
    "video/quicktime": QUICKTIME,
    "video/x-msvideo": AVI,
    "video/webm": WEBM,
    "video/x-matroska": MATROSKA,
    "audio/mpeg": MP3_FRAME * 3,
    "audio/mp3": ID3 + MP3_FRAME * 3,
    "audio/mp4": M4A,
    "audio/m4a": M4A,
    "audio/x-m4a": M4A,
    "audio/wav": WAV,
    "audio/x-wav": WAV,
    "audio/webm": WEBM,
    "audio/ogg": b"OggS" + bytes(64),
    "audio/aac": AAC_FRAME * 4,
}


def test_the_table_is_the_promised_one():
    """D-016 … D-038."""
    assert set(CONTENT_TYPES) == set(GOOD)
    assert [list(CONTENT_TYPES.values()).count(kind) for kind in MediaKind] == [7, 6, 10]


def test_flac_has_no_type_of_its_own_and_is_a_sound():
    """As OpenAI's clients send it: read as what it is, under any type of sounds."""
    check_upload("a.flac", "audio/mpeg", b"fLaC\0\0\0\x22" + bytes(64))
    with pytest.raises(AssetUnreadable):
        check_upload("a.flac", "audio/mpeg", b"fLaC" + bytes(64))


@pytest.mark.parametrize("content_type", GOOD)
def test_every_promised_content_type_takes_its_own_format(content_type):
    check_upload("a.bin", content_type, GOOD[content_type])
    assert content_type.startswith(kind_of(content_type).value)
    assert kind_of(content_type_of("A" + extension_of(content_type).upper())) is kind_of(content_type)


@pytest.mark.parametrize(
    ("content_type", "head"),
    [
        ("video/mp4", QUICKTIME),
        ("video/quicktime", MP4),
        ("audio/mp4", MP4),
        ("audio/m4a", MP4),
        ("audio/webm", MATROSKA),
        ("video/x-matroska", WEBM),
        ("image/jpeg", png(2, 2)),
        ("image/jpeg", HEIC),
        ("audio/mpeg", M4A),
        ("video/mpeg", (b"G" + bytes(187)) * 6),
        ("video/mpeg", b"\0\0\1\xb3" + bytes(64)),
    ],
)
def test_within_a_family_the_bytes_decide_and_the_declared_format_does_not(content_type, head):
    check_upload("a.bin", content_type, head)


@pytest.mark.parametrize(
    ("name", "content_type", "head", "said"),
    [
        ("clip.mp4", "video/mp4", b"#EXTM3U\n#EXTINF:3,\nfile:///etc/passwd\n", "an HLS playlist (text)"),
        ("clip.mp4", "video/mp4", b"ffconcat version 1.0\nfile /etc/passwd\n", "an ffconcat list (text)"),
        ("clip.mp4", "video/mp4", b"v=0\r\no=- 0 0 IN IP4 10.0.0.1\r\n", "an SDP session description (text)"),
        ("clip.mp4", "video/mp4", b'<?xml version="1.0"?><MPD></MPD>', "a DASH manifest (text)"),
        ("clip.mp4", "video/mp4", b"just some words in a file\n" * 300, "plain text"),
        ("clip.mp4", "video/mp4", "\ufeffWörter\n".encode(), "plain text"),
        ("clip.mp4", "video/mp4", b"<!doctype html><body>not found", "an HTML page"),
        ("clip.mp4", "video/mp4", JPEG, "a JPEG picture"),
        ("clip.mp4", "video/mp4", M4A, "an M4A file"),
        ("clip.mp4", "video/mp4", bytes(range(256)) * 8, "in no known media format"),
        ("dot.png", "image/png", b"", "empty (0 bytes)"),
        ("dot.png", "image/png", b"\x1f\x8b\x08" + bytes(64), "gzip data"),
        ("dot.png", "image/png", MP4, "an MP4 file"),
        ("dot.heic", "image/heic", HEIC.replace(b"heic", b"avif"), "in no known media format"),
        ("song.mp3", "audio/mpeg", SVG, "an SVG picture"),
        ("song.mp3", "audio/mpeg", b"\xff\xfb\x90\x64" + bytes(2000), "in no known media format"),
    ],
)
def test_a_file_that_is_something_else_is_refused_by_what_it_is(name, content_type, head, said):
    with pytest.raises(AssetUnreadable) as refused:
        check_upload(name, content_type, head)
    assert refused.value.message == f"{name} is {said}, not {content_type}"
    assert refused.value.public_code == "asset_unreadable"


def test_an_unknown_content_type_is_refused_by_name():
    with pytest.raises(BadRequest) as refused:
        check_upload("movie.flv", "video/x-flv", b"FLV\1")
    assert (refused.value.public_code, refused.value.param) == ("invalid_request", "contentType")
    assert content_type_of("movie.flv") is None


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (16_385, 10), (11_000, 11_000), (0, 5)])
def test_a_picture_header_beyond_the_limits_is_refused_unopened(width, height):
    with pytest.raises(AssetUnreadable, match=f"big.png is a picture of {width} . {height} pixels"):
        check_upload("big.png", "image/png", png(width, height))


@pytest.mark.parametrize(
    ("head", "size"),
    [
        (png(640, 480), (640, 480)),
        (GIF, (320, 200)),
        (JPEG, (640, 427)),
        (WEBP, (320, 200)),
        (b"RIFF\x40\0\0\0WEBPVP8L\x0a\0\0\0\x2f\x3f\xc1\x31\0" + bytes(32), (320, 200)),
        (b"RIFF\x40\0\0\0WEBPVP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a\x40\1\xc8\0" + bytes(32), (320, 200)),
        (HEIC, (None, None)),
    ],
)
def test_sizes_are_read_where_the_head_holds_them(head, size):
    found = sniff(head)
    assert (found.width, found.height) == size


@pytest.mark.parametrize("head", list(GOOD.values()))
def test_a_head_cut_anywhere_never_raises(head):
    for length in range(len(head)):
        sniff(head[:length])


def test_a_head_of_a_thousand_comments_is_judged_at_once():
    assert sniff(b"<!-- --> " * 450 + b"<html") is None
    assert sniff(b"<!---->" * 500 + b"<svg ").container == "svg"
    assert sniff(b" " * 4000 + b"<nothing") is None
