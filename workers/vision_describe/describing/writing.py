"""Reads what is written in a picture with RapidOCR (ONNX, Apache-2.0), whose models come with its package."""

from functools import cache

from rapidocr_onnxruntime import RapidOCR

from farm.catalog import read_catalog
from farm.settings import Settings
from tasks.describe_scenes.scenes import plain
from workers.media.rgb import Picture
from workers.vision_describe.describing.facts import Facts

_SURE = 0.8
_LEAST_LETTERS = 2
_MOST_LINES = 8


def read(picture: Picture, facts: Facts) -> Facts:
    """The facts with the lines that can be read for certain, from top to bottom."""
    found, _ = _reader()(picture[:, :, ::-1].copy())
    lines = [plain(text) for _, text, sure in found or () if float(sure) >= _SURE]
    kept = [line for line in lines if sum(map(str.isalnum, line)) >= _LEAST_LETTERS]
    return facts.model_copy(update={"lines": tuple(kept[:_MOST_LINES])})


@cache
def _reader() -> RapidOCR:
    """Loaded once per engine process: 16 MB."""
    return RapidOCR(intra_op_num_threads=read_catalog(Settings()).describe.threads)
