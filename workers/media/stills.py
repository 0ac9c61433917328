"""Opens pictures: every accepted format becomes one upright frame, ready for one swscale pass.

JPEG is decoded to its own planes and goes through RGB only for a colour profile that is not sRGB. All
other formats go through Pillow with the format forced. Sizes are held against the limits before
anything is decoded.
"""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pi_heif
from av.video.reformatter import ColorRange
from PIL import Image, ImageStat

from farm.errors import AssetUnreadable
from farm.media_types import MAX_PIXELS, Sniffed, check_size, sniff
from workers.media import svg
from workers.media.open import sniff_file
from workers.media.profile import needs_conversion, to_srgb
from workers.media.upright import Orientation, Upright, from_exif

# A still is never shown larger than a 4K frame with room to zoom; what is larger is halved while it is
# decoded (JPEG) or right after, so that a 100-megapixel picture costs no gigabyte.
ENOUGH_PX = 4320

LIGHT_GROUND = (244, 244, 242)
DARK_GROUND = (24, 24, 27)

_PILLOW_FORMATS = {
    "jpeg": ("JPEG",),  # MPO, a JPEG with more behind it, included
    "png": ("PNG",),
    "webp": ("WEBP",),
    "gif": ("GIF",),
    "heif": ("HEIF",),
}
_EXIF_ORIENTATION = 0x0112
_TURNS = {
    Orientation.FLIP_HORIZONTAL: Image.Transpose.FLIP_LEFT_RIGHT,
    Orientation.TURN_180: Image.Transpose.ROTATE_180,
    Orientation.FLIP_VERTICAL: Image.Transpose.FLIP_TOP_BOTTOM,
    Orientation.TRANSPOSE: Image.Transpose.TRANSPOSE,
    Orientation.TURN_CLOCKWISE: Image.Transpose.ROTATE_270,
    Orientation.TRANSVERSE: Image.Transpose.TRANSVERSE,
    Orientation.TURN_COUNTERCLOCKWISE: Image.Transpose.ROTATE_90,
}
_RGB_MATRIX = 0  # AVCOL_SPC_RGB
_BT601_MATRIX = 5  # AVCOL_SPC_BT470BG, what JFIF means by YCbCr

pi_heif.register_heif_opener()
Image.MAX_IMAGE_PIXELS = MAX_PIXELS


@dataclass(frozen=True, slots=True)
class StillInfo:
    """What a picture's header says. Sizes are upright, in pixels."""

    width: int
    height: int
    orientation: Orientation


def probe_still(path: Path, name: str | None = None) -> StillInfo:
    """Read a picture's header. Raises AssetUnreadable, naming the file, when it has none or lies badly."""
    label = name or path.name
    found = sniff_file(path, label)
    if found.container == "svg":
        width, height = svg.size(path, label)
        return StillInfo(width, height, Orientation.NONE)
    with _picture(path, found, label) as image:
        orientation = _orientation(image, found)
        width, height = Upright(orientation).size(*image.size)
        return StillInfo(width, height, orientation)


def open_still(path: Path, name: str | None = None) -> av.VideoFrame:
    """Decode a picture to an upright frame: planar YCbCr or gray for most JPEG, rgb24 for all else.

    Colour profiles are brought to sRGB; matrix and range are set on the frame. Transparency is laid on
    a plain light or dark ground, whichever the picture stands out from. An animation gives its first
    frame. Pictures beyond ENOUGH_PX come at a half, a quarter … of their size. Raises AssetUnreadable,
    naming the file (`name`, else the file's own), when it is no picture, broken, or beyond the limits
    of farm.media_types.
    """
    label = name or path.name
    found = sniff_file(path, label)
    if found.container == "svg":
        return _frame_of(_flattened(_svg_image(path, label)))
    with _picture(path, found, label) as image:
        orientation = _orientation(image, found)
        if found.container == "jpeg" and image.mode != "CMYK" and not needs_conversion(image):
            frame = _decode_jpeg(path, image.size)
            if frame is not None:
                return Upright(orientation)(frame)
        return Upright(orientation)(_frame_of(_flattened(image)))


def open_transparent(path: Path, name: str | None = None, *, is_whole: bool = False) -> Image.Image:
    """As `open_still`, upright and in sRGB, with its transparency: a picture of mode RGBA.

    One that `is_whole` is not made smaller, whatever its size.
    """
    label = name or path.name
    found = sniff_file(path, label)
    if found.container == "svg":
        return _svg_image(path, label).convert("RGBA")
    with _picture(path, found, label) as image:
        turn = _TURNS.get(_orientation(image, found))
        whole = _eight_bit(image)
        if not is_whole and (halvings := _halvings(whole.size)):
            whole = whole.reduce(2**halvings)
        whole = to_srgb(whole).convert("RGBA")
        return whole if turn is None else whole.transpose(turn)


@contextmanager
def _picture(path: Path, found: Sniffed, label: str) -> Iterator[Image.Image]:
    """A Pillow image with its header read and its size checked; its errors name the file."""
    if found.container not in _PILLOW_FORMATS:
        raise AssetUnreadable(f"{label} is {found.label}, not a picture")
    check_size(label, found.width, found.height)
    broken = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, RuntimeError)
    try:
        with _strict_warnings(), Image.open(path, formats=_PILLOW_FORMATS[found.container]) as image:
            check_size(label, *image.size)
            yield image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise AssetUnreadable(f"{label} has more pixels than are accepted") from error
    except broken as error:
        raise AssetUnreadable(f"{label} cannot be read as {found.label}: {error}") from error


@contextmanager
def _strict_warnings() -> Iterator[None]:
    """Too many pixels are an error; broken EXIF data and the like are not worth a word."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _orientation(image: Image.Image, found: Sniffed) -> Orientation:
    """The EXIF orientation. HEIF keeps its own rotation, which its decoder has applied already."""
    if found.container == "heif" or (found.container == "png" and "exif" not in image.info):
        return Orientation.NONE  # asking a PNG without the chunk would decode it whole, in search of one
    value = image.getexif().get(_EXIF_ORIENTATION, 1)
    return from_exif(value) if isinstance(value, int) else Orientation.NONE


def _decode_jpeg(path: Path, size: tuple[int, int]) -> av.VideoFrame | None:
    """The picture's own planes; None when FFmpeg's decoder refuses, and Pillow reads or explains it."""
    context = av.CodecContext.create("mjpeg", "r")
    context.thread_count = 1
    # Without "explode" a file cut short is no error: the rest of the picture would be gray.
    context.options = {"lowres": str(min(_halvings(size), 3)), "err_detect": "explode"}
    try:
        frames = context.decode(av.Packet(path.read_bytes())) or context.decode(None)
    except av.error.FFmpegError:
        return None
    if not frames:
        return None
    frame = frames[0]
    frame.color_range = ColorRange.JPEG
    frame.colorspace = _RGB_MATRIX if frame.format.name.startswith("gbr") else _BT601_MATRIX
    frame.pict_type = 0
    return frame


def _halvings(size: tuple[int, int]) -> int:
    """How often a picture can be halved and still has ENOUGH_PX on its longer side."""
    return max(0, (max(size) // ENOUGH_PX).bit_length() - 1)


def _svg_image(path: Path, label: str) -> Image.Image:
    png = svg.rasterise(path, label)
    found = sniff(png[:64])
    assert found is not None and found.container == "png"  # resvg writes nothing else
    return Image.open(BytesIO(png), formats=("PNG",))


def _flattened(image: Image.Image) -> Image.Image:
    """The first frame as 8-bit RGB on an opaque ground, halved while larger than enough."""
    image = _eight_bit(image)
    if halvings := _halvings(image.size):
        image = image.reduce(2**halvings)
    image = to_srgb(image)
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    ground = Image.new("RGB", image.size, _ground_for(image))
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def _eight_bit(image: Image.Image) -> Image.Image:
    """Pillow's own conversion clips 16-bit gray instead of scaling it."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode == "I":
        return Image.fromarray((np.asarray(image).clip(0, 65_535) >> 8).astype(np.uint8))
    return image.convert("RGBA" if image.has_transparency_data else "RGB") if image.mode == "P" else image


def _ground_for(image: Image.Image) -> tuple[int, int, int]:
    """Light behind a dark picture, dark behind a light one, judged by what is visible of it."""
    small = image.reduce(max(1, max(image.size) // 256))
    alpha = small.getchannel("A")
    visible = ImageStat.Stat(small.convert("L"), alpha.point(lambda value: 255 if value > 64 else 0))
    luma = visible.mean[0] if visible.count[0] else 0
    return DARK_GROUND if luma > 140 else LIGHT_GROUND


def _frame_of(image: Image.Image) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
    frame.color_range = ColorRange.JPEG
    frame.colorspace = _RGB_MATRIX
    return frame
