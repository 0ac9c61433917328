"""Makes previews (farm.preview) of pictures: small JPEGs that show what is being drawn."""

from io import BytesIO

from PIL import Image

SIDE_PX = 256
ENOUGH_BYTES = 32 << 10
_QUALITIES = (80, 60, 40, 20)
_MOST_PIXELS = 4096 * 4096
_FORMATS = ("JPEG", "PNG")


def shrunk(picture: Image.Image) -> Image.Image:
    """RGB, at most SIDE_PX pixels a side."""
    small = picture.convert("RGB")
    small.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR)
    return small


def jpeg_of(picture: Image.Image) -> bytes:
    """As good as ENOUGH_BYTES let it be; noise may take a little more."""
    for quality in _QUALITIES:
        file = BytesIO()
        picture.save(file, "JPEG", quality=quality)
        if file.tell() <= ENOUGH_BYTES:
            break
    return file.getvalue()


def opened(data: bytes) -> Image.Image:
    """The JPEG or PNG that a service sent. Raises OSError and ValueError for anything else."""
    try:
        picture = Image.open(BytesIO(data), formats=_FORMATS)
        if picture.width * picture.height > _MOST_PIXELS:
            raise ValueError(f"a preview of {picture.width}x{picture.height}")
        picture.load()
    except (SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(str(error)) from error
    return picture
