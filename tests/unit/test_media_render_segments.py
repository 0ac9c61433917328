"""Which films become segments, and how their tasks hang together. Issue 4 item 6."""

from pathlib import Path

import pytest

from farm.catalog import read_catalog
from farm.kinds import GROWS, kind_named
from farm.settings import Settings
from tasks.media_render import MediaRender
from tests.unit.test_media_render_kind import render

PLAN = kind_named("media-render").plan


def film(minutes: float, **params: object) -> MediaRender:
    """One photo for so long."""
    return render("a.png", durations=[{"asset_id": "a.png", "duration_s": minutes * 60.0}], **params)


def test_a_short_film_is_one_task_as_ever() -> None:
    (task,) = PLAN(film(1))
    assert (task.name, task.step, task.cached) == ("render", "render", None)


def test_a_long_film_is_laid_out_first_and_says_how_much_is_to_come() -> None:
    (whole,), (first,) = PLAN(film(1)), PLAN(film(10))
    assert (first.name, first.step, first.inputs) == ("timeline", "timeline", whole.inputs)
    assert first.estimated_s < 5
    to_come = first.params[GROWS]
    assert isinstance(to_come, float) and 450 < to_come < 550


def test_the_encoders_cost_counts() -> None:
    names = {profile: PLAN(film(2, profile=profile))[0].name for profile in ("standard", "preview")}
    assert names == {"standard": "timeline", "preview": "render"}


def test_what_needs_an_encoder_needs_it_from_the_start() -> None:
    assert PLAN(film(10, profile="nvenc"))[0].requires == {"encoder": "nvenc"}


def test_a_film_that_will_be_rendered_again_is_cut_sooner() -> None:
    assert [task.name for task in PLAN(film(0.5, incremental=True))] == ["timeline"]
    assert [task.name for task in PLAN(film(0.1, incremental=True))] == ["render"]


def test_the_operator_says_what_long_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "encode.toml").write_text("[segments]\nfilm_s = 1e9\n")
    monkeypatch.setenv("FARM_CONFIG_DIR", str(tmp_path))
    assert [task.name for task in PLAN(film(10))] == ["render"]


def test_segments_cost_the_customer_nothing() -> None:
    kind, catalog = kind_named("media-render"), read_catalog(Settings())
    assert kind.price_mc(film(10), catalog) == 10 * kind.price_mc(film(1), catalog)
    assert kind.price_mc(film(10, incremental=True), catalog) == kind.price_mc(film(10), catalog)
