"""Names the format of a file from its first bytes. Pure: nothing is decoded, sizes are what headers claim."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from farm.timeline import MediaKind

HEAD_BYTES = 4096

_IMAGE, _VIDEO, _AUDIO = MediaKind.IMAGE, MediaKind.VIDEO, MediaKind.AUDIO


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What a file is by its own bytes. `kinds` are the families its container can serve.

    `width` and `height` are in pixels as stored (before any rotation), None where the head does not tell.
    """

    container: str
    label: str
    kinds: frozenset[MediaKind]
    width: int | None = None
    height: int | None = None


def sniff(head: bytes) -> Sniffed | None:
    """Name the format of a file from its first `HEAD_BYTES` bytes; None when it is none of ours."""
    for look in _LOOKS:
        found = look(head)
        if found is not None:
            return found
    return None


def describe_foreign(head: bytes) -> str:
    """Say in words what a file that `sniff` does not know is, as "an HLS playlist (text)"."""
    if not head:
        return "empty (0 bytes)"
    for magic, label in _FOREIGN_MAGIC.items():
        if head.startswith(magic):
            return label
    text = _as_text(head)
    if text is None:
        return "in no known media format"
    return next((label for pattern, label in _FOREIGN_TEXT.items() if re.match(pattern, text)), "plain text")


_FOREIGN_MAGIC = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "gzip data",
    b"BM": "a BMP picture",
    b"II*\x00": "a TIFF picture",
    b"MM\x00*": "a TIFF picture",
    b"8BPS": "a Photoshop picture",
    b"FLV": "a Flash video",
    b"\x30\x26\xb2\x75": "a Windows Media file",
    b"SIMPLE": "a FITS file",
    b"\x7fELF": "a program",
    b"MZ": "a program",
}
_FOREIGN_TEXT = {
    r"#EXTM3U": "an HLS playlist (text)",
    r"ffconcat": "an ffconcat list (text)",
    r"v=0\s": "an SDP session description (text)",
    r"(?s)<\?xml.*<MPD|<MPD": "a DASH manifest (text)",
    r"(?i)<!doctype html|<html": "an HTML page",
    r"(?s)<": "an XML or HTML text",
}


def _as_text(head: bytes) -> str | None:
    """The head as text, without byte order mark and leading space; None for binary data."""
    try:
        text = head[: HEAD_BYTES - 4].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < min(len(head), HEAD_BYTES) - 8:
            return None
        text = head[: error.start].decode("utf-8-sig")
    return None if "\x00" in text else text.lstrip()


def _jpeg(head: bytes) -> Sniffed | None:
    if not head.startswith(b"\xff\xd8\xff"):
        return None
    width, height = _jpeg_size(head)
    return Sniffed("jpeg", "a JPEG picture", frozenset({_IMAGE}), width, height)


def _jpeg_size(head: bytes) -> tuple[int | None, int | None]:
    """Walk the segments to the frame header. (None, None) when it lies beyond the head."""
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return _big(head, at + 7, 2), _big(head, at + 5, 2)
        at += 1 if marker == 0xFF else 2 + _big(head, at + 2, 2)
    return None, None


def _png(head: bytes) -> Sniffed | None:
    if not head.startswith(b"\x89PNG\r\n\x1a\n"):
        return None
    size = (
        (_big(head, 16, 4), _big(head, 20, 4)) if head[12:16] == b"IHDR" and len(head) >= 24 else (None, None)
    )
    return Sniffed("png", "a PNG picture", frozenset({_IMAGE}), *size)


def _gif(head: bytes) -> Sniffed | None:
    if head[:6] not in (b"GIF87a", b"GIF89a") or len(head) < 10:
        return None
    return Sniffed("gif", "a GIF picture", frozenset({_IMAGE}), _little(head, 6, 2), _little(head, 8, 2))


def _riff(head: bytes) -> Sniffed | None:
    if head[:4] not in (b"RIFF", b"RF64", b"BW64"):
        return None
    if head[8:12] == b"WEBP":
        return Sniffed("webp", "a WebP picture", frozenset({_IMAGE}), *_webp_size(head))
    if head[8:12] == b"WAVE":
        return Sniffed("wav", "a WAV file", frozenset({_AUDIO}))
    if head[8:11] == b"AVI":
        return Sniffed("avi", "an AVI video", frozenset({_VIDEO}))
    return None


def _webp_size(head: bytes) -> tuple[int | None, int | None]:
    if len(head) < 30:
        return None, None
    if head[12:16] == b"VP8X":
        return _little(head, 24, 3) + 1, _little(head, 27, 3) + 1
    if head[12:16] == b"VP8L":
        bits = _little(head, 21, 4)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return _little(head, 26, 2) & 0x3FFF, _little(head, 28, 2) & 0x3FFF


_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_AUDIO_BRANDS = {b"M4A ", b"M4B ", b"M4P "}


def _iso(head: bytes) -> Sniffed | None:
    """MP4, QuickTime and HEIF: one box format, told apart by the brands in its first box."""
    box = head[4:8]
    if box in (b"moov", b"mdat", b"wide", b"pnot") or (box in (b"free", b"skip") and len(head) >= 16):
        return Sniffed("mov", "a QuickTime file", frozenset({_VIDEO, _AUDIO}))
    if box != b"ftyp":
        return None
    major, length = head[8:12], min(_big(head, 0, 4), len(head), 256)
    brands = {major, *(head[at : at + 4] for at in range(16, length - 3, 4))}
    if major in (b"avif", b"avis") or (major in (b"mif1", b"msf1") and b"avif" in brands):
        return None
    if major in _HEIF_BRANDS:
        return Sniffed("heif", "a HEIF picture", frozenset({_IMAGE}))
    if major == b"qt  ":
        return Sniffed("mov", "a QuickTime file", frozenset({_VIDEO, _AUDIO}))
    if major in _AUDIO_BRANDS:
        return Sniffed("mp4", "an M4A file", frozenset({_AUDIO}))
    return Sniffed("mp4", "an MP4 file", frozenset({_VIDEO, _AUDIO}))


def _matroska(head: bytes) -> Sniffed | None:
    if not head.startswith(b"\x1aE\xdf\xa3"):
        return None
    webm = b"webm" in head[:64]
    return Sniffed(
        "webm" if webm else "matroska",
        "a WebM file" if webm else "a Matroska file",
        frozenset({_VIDEO, _AUDIO}),
    )


def _mpeg(head: bytes) -> Sniffed | None:
    """MPEG program, transport and elementary streams."""
    if head.startswith(b"\x00\x00\x01\xba"):
        return Sniffed("mpeg-ps", "an MPEG program stream", frozenset({_VIDEO}))
    if head.startswith(b"\x00\x00\x01\xb3"):
        return Sniffed("mpeg-es", "an MPEG video stream", frozenset({_VIDEO}))
    for offset, step in ((0, 188), (4, 192)):
        if len(head) > offset + 4 * step and all(head[offset + i * step] == 0x47 for i in range(5)):
            return Sniffed("mpeg-ts", "an MPEG transport stream", frozenset({_VIDEO}))
    return None


def _ogg(head: bytes) -> Sniffed | None:
    return Sniffed("ogg", "an Ogg file", frozenset({_AUDIO})) if head.startswith(b"OggS") else None


def _flac(head: bytes) -> Sniffed | None:
    """A stream of its own, which begins with its STREAMINFO; within Ogg it is an Ogg file."""
    if not head.startswith(b"fLaC") or head[4:8] not in (b"\x00\x00\x00\x22", b"\x80\x00\x00\x22"):
        return None
    return Sniffed("flac", "a FLAC file", frozenset({_AUDIO}))


def _mpeg_audio(head: bytes) -> Sniffed | None:
    """MP3 and AAC streams, with or without an ID3 tag in front (which may be longer than the head)."""
    mp3 = Sniffed("mp3", "an MP3 file", frozenset({_AUDIO}))
    body = head
    if head.startswith(b"ID3") and len(head) >= 10:
        tag = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        body = head[10 + tag :]
        if len(body) < 4:
            return mp3
    if _frames_follow(body, _aac_frame_bytes):
        return Sniffed("aac", "an AAC file", frozenset({_AUDIO}))
    return mp3 if body is not head or _frames_follow(body, _mp3_frame_bytes) else None


def _frames_follow(data: bytes, frame_bytes: Callable[[bytes], int]) -> bool:
    """Whether `data` starts with a frame, and with a second one where that would lie within it."""
    first = frame_bytes(data[:8])
    if first == 0:
        return False
    return len(data) < first + 8 or frame_bytes(data[first : first + 8]) > 0


def _aac_frame_bytes(header: bytes) -> int:
    """Length of the ADTS frame that starts here; 0 when none does."""
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0 or (header[2] >> 2 & 15) > 12:
        return 0
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return length if length > 7 else 0


_KBPS_V1 = {
    3: (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    2: (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
}
_KBPS_V2 = {
    3: (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    1: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def _mp3_frame_bytes(header: bytes) -> int:
    """Length of the MPEG audio frame that starts here; 0 when none does. ISO 11172-3, 2.4.1.3."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version, layer, rate = header[1] >> 3 & 3, header[1] >> 1 & 3, header[2] >> 2 & 3
    if version == 1 or layer == 0 or rate == 3 or header[2] >> 4 in (0, 15):
        return 0
    kbps = (_KBPS_V1 if version == 3 else _KBPS_V2)[layer][header[2] >> 4]
    hz = (44_100, 48_000, 32_000)[rate] >> {3: 0, 2: 1, 0: 2}[version]
    padding = header[2] >> 1 & 1
    if layer == 3:
        return (12_000 * kbps // hz + padding) * 4
    return (144_000 if layer == 2 or version == 3 else 72_000) * kbps // hz + padding


def _svg(head: bytes) -> Sniffed | None:
    text = _as_text(head)
    if text is None:
        return None
    # Possessive and atomic, so that a head of a thousand comments cannot make the match explode.
    prolog = r"(?>\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*+(?>\[.*?\])?\s*+>)*+"
    if not re.match(rf"(?s){prolog}<(?:\w+:)?svg[\s>/]", text):
        return None
    return Sniffed("svg", "an SVG picture", frozenset({_IMAGE}))


def _big(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")


def _little(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")


_LOOKS = (_jpeg, _png, _gif, _riff, _iso, _matroska, _mpeg, _ogg, _flac, _mpeg_audio, _svg)
