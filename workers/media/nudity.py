"""Sees nudity in a picture with nudenet's detector (ONNX, MIT), which comes with its package."""

from functools import cache

from nudenet import NudeDetector

from workers.media.rgb import Picture

_BARE = frozenset(
    {
        "FEMALE_BREAST_EXPOSED",
        "FEMALE_GENITALIA_EXPOSED",
        "MALE_GENITALIA_EXPOSED",
        "ANUS_EXPOSED",
        "BUTTOCKS_EXPOSED",
    }
)


def bare(picture: Picture) -> float:
    """How surely an RGB picture shows somebody bare, 0 to 1."""
    found = _detector().detect(picture[:, :, ::-1].copy())  # it takes BGR, as OpenCV does
    return max((float(part["score"]) for part in found if part["class"] in _BARE), default=0.0)


@cache
def _detector() -> NudeDetector:
    """Loaded once per engine process: 12 MB."""
    return NudeDetector()
