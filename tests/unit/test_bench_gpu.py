"""`farm bench gpu`: what it measures, with tiny models, and what it says where there is no card."""

from pathlib import Path

import pytest

from tests.command import farm, farm_json
from tests.extras import need

need("diffusers", "the extra diffusers is not installed")
pytestmark = pytest.mark.slow


def test_it_measures_what_a_card_is_good_for(tmp_path: Path) -> None:
    rows = farm_json(tmp_path, "bench", "gpu", "--tiny", "--only", "flux", CUDA_VISIBLE_DEVICES="")
    told = {row["name"].partition(": ")[2]: row for row in rows}
    assert all(row["name"].startswith("tiny-flux2: ") and row["value"] >= 0 for row in rows)
    assert told["weights in float8"]["value"] < told["weights"]["value"]
    assert told["steps a second, 1 together"]["better"] == "higher"
    assert {
        "gain of 2 together",
        "a preview",
        "cancel heard, by raising",
        "cancel heard, by _interrupt",
        "drawn after running out of memory",
        "loaded from a file",
        "steps a second, float8",
        "first step after loading",
    } <= told.keys()


def test_without_a_card_it_says_what_it_can_do(tmp_path: Path) -> None:
    done = farm(tmp_path, "bench", "gpu", CUDA_VISIBLE_DEVICES="")
    assert done.returncode == 1
    assert "no CUDA device" in done.stderr and "--tiny" in done.stderr
