"""The surfaces' own words for tiers (A-007), as configs/tiers.toml has them."""

from pathlib import Path

import pytest

from farm.catalog import read_catalog
from farm.errors import BadRequest, FarmUnavailable
from farm.settings import Settings

CATALOG = read_catalog(Settings())


@pytest.mark.parametrize(
    ("tier", "word"),
    [
        ("free", "free"),
        ("starter", "premium"),
        ("creator", "premium"),
        ("pro", "premium"),
        ("studio", "enterprise"),
        ("enterprise", "enterprise"),
        ("local", "enterprise"),
        ("one of the operator's own", "free"),
    ],
)
def test_every_tier_has_a_word_of_the_surface(tier: str, word: str) -> None:
    assert CATALOG.surface_tier("postproduction", tier) == word


def test_a_surface_without_words_has_the_farms() -> None:
    assert CATALOG.surface_tier("native", "creator") == "creator"


def test_a_word_means_a_tier() -> None:
    words = ("free", "premium", "enterprise")
    assert [CATALOG.farm_tier("postproduction", word) for word in words] == ["free", "pro", "enterprise"]
    with pytest.raises(BadRequest, match="free, premium, enterprise"):
        CATALOG.farm_tier("postproduction", "gold")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('premium = ["gold"]', "premium names the tier 'gold', which is not there"),
        ('premium = ["free"]', "premium has the tier 'free', which 'free' has as well"),
        ("premium = []", "premium names no tier"),
        ('premium = "pro"', "surface_tiers.postproduction.premium"),
    ],
)
def test_a_word_that_leads_nowhere_is_said_at_the_start(tmp_path: Path, line: str, what: str) -> None:
    (tmp_path / "tiers.toml").write_text(f"[surface_tiers.postproduction]\n{line}\n")
    with pytest.raises(FarmUnavailable, match=what):
        read_catalog(Settings(config_dir=tmp_path))
