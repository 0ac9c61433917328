"""Rasterises SVG. The file may draw, and nothing else: no entities, no references to other files.

The size is taken from the file's own width, height and viewBox, and scaled so that the longer side has
RASTER_PX pixels: a vector picture is as sharp as the frame needs.
"""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from pathlib import Path
from xml.etree import ElementTree

import resvg_py

from farm.errors import AssetUnreadable
from farm.media_types import check_size, sniff

RASTER_PX = 2160
MAX_BYTES = 8 * 1024 * 1024
MAX_ASPECT = 20
MAX_DEPTH = 200

_UNITS_PX = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0}
_LENGTH = re.compile(r"\s*(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+)\s*(px|pt|pc|mm|cm|in)?\s*", re.IGNORECASE)
# A document type without a subset declares nothing and is only dropped; one with a subset is refused.
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*>", re.IGNORECASE)
_EMBEDDED = re.compile(r"\s*data:image/(?:png|jpe?g|gif|webp);base64,", re.IGNORECASE)


def size(path: Path, label: str) -> tuple[int, int]:
    """Width and height in pixels that `rasterise` gives. Raises AssetUnreadable."""
    return _raster_size(_parse(path, label), label)


def rasterise(path: Path, label: str) -> bytes:
    """Draw the file as an RGBA PNG. Raises AssetUnreadable for anything it may not hold."""
    root = _parse(path, label)
    _refuse_references(root, label)
    width, height = _raster_size(root, label)
    root.set("width", str(width))
    root.set("height", str(height))
    try:
        return resvg_py.svg_to_bytes(svg_string=ElementTree.tostring(root, encoding="unicode"))
    except ValueError as error:
        raise AssetUnreadable(f"{label} cannot be drawn as SVG: {error}") from error


def _parse(path: Path, label: str) -> ElementTree.Element:
    if path.stat().st_size > MAX_BYTES:
        raise AssetUnreadable(f"{label} is an SVG of more than {MAX_BYTES // 1024**2} MiB")
    try:
        text = _DOCTYPE.sub("", path.read_text(encoding="utf-8-sig"), count=1)
    except UnicodeDecodeError as error:
        raise AssetUnreadable(f"{label} is an SVG that is not in UTF-8") from error
    if re.search(r"<!DOCTYPE|<!ENTITY", text, re.IGNORECASE):
        raise AssetUnreadable(f"{label} is an SVG with a document type definition, which is not accepted")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise AssetUnreadable(f"{label} is not well-formed SVG: {error}") from error
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for element in level for child in element]
    if level:
        raise AssetUnreadable(f"{label} is an SVG nested more than {MAX_DEPTH} deep")
    return root


def _refuse_references(root: ElementTree.Element, label: str) -> None:
    """Links on `a` go nowhere and are dropped; every other reference must stay within the file."""
    for element in root.iter():
        tag = element.tag.rpartition("}")[2]
        for key in [key for key in element.attrib if key.rpartition("}")[2] == "href"]:
            target = element.attrib[key].strip()
            if tag in ("a", "script"):
                del element.attrib[key]
            elif not target.startswith("#"):
                _check_embedded(target, label)


def _check_embedded(target: str, label: str) -> None:
    """A picture inside the SVG must be a raster format whose header stays within the limits."""
    match = _EMBEDDED.match(target)
    if match is None:
        raise AssetUnreadable(f"{label} is an SVG that refers to {target[:60]!r} outside itself")
    try:
        head = b64decode("".join(target[match.end() : match.end() + 8192].split())[:4096])
    except Base64Error as error:
        raise AssetUnreadable(f"{label} is an SVG with a broken embedded picture") from error
    found = sniff(head)
    if found is None or found.container not in ("png", "jpeg", "gif", "webp"):
        raise AssetUnreadable(f"{label} is an SVG with an embedded picture in no known format")
    check_size(label, found.width, found.height)


def _raster_size(root: ElementTree.Element, label: str) -> tuple[int, int]:
    width, height = _own_size(root)
    if not 1 / MAX_ASPECT <= width / height <= MAX_ASPECT:
        raise AssetUnreadable(f"{label} is an SVG of {width:g} to {height:g}, longer than {MAX_ASPECT} to 1")
    scale = RASTER_PX / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _own_size(root: ElementTree.Element) -> tuple[float, float]:
    """Width and height in CSS pixels; from the viewBox where the attributes say none or a percentage."""
    box = [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e[+-]?\d+)?", root.get("viewBox", ""))]
    boxed = (box[2], box[3]) if len(box) == 4 and box[2] > 0 and box[3] > 0 else None
    width, height = _length(root.get("width")), _length(root.get("height"))
    if width and height:
        if boxed is None:
            root.set("viewBox", f"0 0 {width:g} {height:g}")
        return width, height
    return boxed or (100.0, 100.0)


def _length(text: str | None) -> float | None:
    match = _LENGTH.fullmatch(text or "")
    return float(match[1]) * _UNITS_PX[(match[2] or "").lower()] if match else None
