"""The picture of all transitions in the docs is what they look like today."""

import numpy as np
import pytest
from PIL import Image

from tests.golden.transition_sheet import SHEET, sheet

pytestmark = pytest.mark.slow


def test_the_preview_of_the_docs_shows_todays_transitions():
    drawn = np.asarray(sheet(), np.float64)
    with Image.open(SHEET) as kept:
        stored = np.asarray(kept.convert("RGB"), np.float64)
    assert stored.shape == drawn.shape
    assert 10 * np.log10(255**2 / ((stored - drawn) ** 2).mean()) > 28
    assert SHEET.stat().st_size <= 200_000
