"""The size of a picture as it is to be seen, from its first bytes. Decodes nothing; a header may lie."""

import struct

from farm.sniffing import sniff

HEAD_BYTES = 1 << 19  # a camera's JPEG may begin with a large preview
_JPEG = b"\xff\xd8\xff"
_EXIF = b"Exif\0\0"
_ORIENTATION = 0x0112
_ON_ITS_SIDE = range(5, 9)


def picture_size(head: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, turned as its EXIF says; None where the first bytes do not tell."""
    found = sniff(head)
    if found is None or not found.width or not found.height:
        return None
    lies = found.container == "jpeg" and _orientation(head) in _ON_ITS_SIDE
    return (found.height, found.width) if lies else (found.width, found.height)


def _orientation(head: bytes) -> int:
    """EXIF's number, 1 where there is none. EXIF 2.32, 4.6.4: an APP1 segment with a TIFF directory."""
    at = 2
    while at + 4 <= len(head) and head[at] == 0xFF and 0xE0 <= head[at + 1] <= 0xEF:
        length = int.from_bytes(head[at + 2 : at + 4], "big")
        if head[at + 1] == 0xE1 and head[at + 4 : at + 10] == _EXIF:
            return _from_tiff(head[at + 10 : at + 2 + length])
        at += 2 + length
    return 1


def _from_tiff(tiff: bytes) -> int:
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return 1
    (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
    if directory + 2 > len(tiff):
        return 1
    (entries,) = struct.unpack_from(f"{order}H", tiff, directory)
    for entry in range(directory + 2, min(directory + 2 + 12 * entries, len(tiff) - 11), 12):
        tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, entry)
        if tag == _ORIENTATION:
            return int(value)
    return 1
