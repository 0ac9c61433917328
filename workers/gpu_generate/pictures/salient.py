"""Finds what a picture is about by a model of U²-Net's family (ONNX), where generate.toml names one.

Such a model (Qin et al. 2020) takes a picture of 320 x 320 pixels and gives a map of how much each place
belongs to the subject. It is loaded once per engine process and let go when memory runs short.
"""

from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from farm.catalog import read_catalog
from farm.errors import FailureClass, TaskFailure
from farm.settings import Settings
from workers.gpu_generate.pictures.filling import Floats, Pixels
from workers.media.models import KEEPER

_SIDE = 320
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)  # of the photos that such models learned from
_SPREAD = np.array([0.229, 0.224, 0.225], np.float32)
_GB = 1 << 30


def model_file() -> Path | None:
    """The model that the configs name."""
    named = read_catalog(Settings()).generate.cutout_model
    return Path(named).expanduser() if named else None


def subject_by(model: Path, picture: Pixels) -> Pixels:
    """255 where the subject is, in the picture's size. Raises TaskFailure for a model that is of no use."""
    rows, columns = picture.shape[:2]
    small = cv2.resize(picture, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    given = (small / max(1.0, float(small.max())) - _MEAN) / _SPREAD
    free = int(read_catalog(Settings()).generate.keep_free_gb * _GB)
    with KEEPER.used(f"cutout:{model}", partial(_loaded, model), free) as session:
        found = _run(session, model, np.ascontiguousarray(given.transpose(2, 0, 1)[None], np.float32))
    share = (found - found.min()) / max(1e-6, float(found.max() - found.min()))
    whole = cv2.resize(share, (columns, rows), interpolation=cv2.INTER_CUBIC)
    return np.where(whole > 0.5, 255, 0).astype(np.uint8)


def _loaded(model: Path) -> Any:
    try:
        import onnxruntime  # the only part of the pool that needs it, and only where a model is named
    except ImportError as error:
        raise _of_no_use(model, "onnxruntime is not installed") from error
    if not model.is_file():
        raise _of_no_use(model, "there is no such file")
    try:
        return onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    except Exception as error:  # the library's own errors have no common base
        raise _of_no_use(model, str(error)) from error


def _run(session: Any, model: Path, given: Floats) -> Floats:
    try:
        found = session.run(None, {session.get_inputs()[0].name: given})[0]
        return np.asarray(found, np.float32).reshape(_SIDE, _SIDE)
    except Exception as error:  # as above; another model's shape is a ValueError
        raise _of_no_use(model, f"it is not of U²-Net's family: {error}") from error


def _of_no_use(model: Path, why: str) -> TaskFailure:
    said = f"The cutout_model of generate.toml, {model.name}, cannot be used: {why[:300]}."
    return TaskFailure(said, FailureClass.INTERNAL, code="model_unreadable")
