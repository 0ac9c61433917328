"""Brings pictures with a colour profile (Display P3 of phones, Adobe RGB, print CMYK) to sRGB."""

from io import BytesIO

from PIL import Image, ImageCms

_SRGB = ImageCms.createProfile("sRGB")
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION


def needs_conversion(image: Image.Image) -> bool:
    """Whether the picture's embedded profile says something else than sRGB."""
    profile = _embedded(image)
    if profile is None:
        return False
    try:
        return "srgb" not in ImageCms.getProfileDescription(profile).lower()
    except ImageCms.PyCMSError:
        return False


def to_srgb(image: Image.Image) -> Image.Image:
    """The picture in sRGB, as RGB or RGBA; itself when it has no profile, or one that does not fit it."""
    profile = _embedded(image)
    if profile is None or not needs_conversion(image):
        return image
    try:
        converted = ImageCms.profileToProfile(
            image, profile, _SRGB, outputMode="RGBA" if image.mode == "RGBA" else "RGB", flags=_FLAGS
        )
    except ImageCms.PyCMSError:  # a gray profile on a colour picture, and worse: players ignore it too
        return image
    return image if converted is None else converted


def _embedded(image: Image.Image) -> ImageCms.ImageCmsProfile | None:
    data = image.info.get("icc_profile")
    try:
        return ImageCms.ImageCmsProfile(BytesIO(data)) if data else None
    except (OSError, TypeError):
        return None
