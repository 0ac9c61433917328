"""The nouns: states, time, secrets, settings, configs, money."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from farm.catalog import read_catalog
from farm.errors import FarmUnavailable, NotFound
from farm.ids import RandomIds
from farm.kinds import kind_named, registry
from farm.money import credits, milli
from farm.secrets import Secrets, key_prefix
from farm.settings import Settings
from farm.states import (
    JOB_CHANGES,
    TASK_CHANGES,
    TERMINAL_JOBS,
    TERMINAL_TASKS,
    JobState,
    TaskState,
    may_become,
)
from farm.timeline import Media, MediaKind, Rate, Timeline, VideoClip, VideoTrack

SECRET = "a secret key of more than 32 characters"


def test_terminal_states_never_change() -> None:
    assert all(not JOB_CHANGES[state] for state in TERMINAL_JOBS)
    assert all(not TASK_CHANGES[state] for state in TERMINAL_TASKS)
    assert set(JOB_CHANGES) == set(JobState) and set(TASK_CHANGES) == set(TaskState)
    assert may_become(TaskState.DISPATCHED, TaskState.READY)
    assert not may_become(JobState.COMPLETED, JobState.FAILED)


@pytest.mark.parametrize(
    ("said", "meant"),
    [(23.976, (24000, 1001)), (29.97, (30000, 1001)), (59.94, (60000, 1001)), (24, (24, 1)), (12.5, (25, 2))],
)
def test_a_decimal_rate_means_the_exact_one(said: float, meant: tuple[int, int]) -> None:
    rate = Rate.of(said)
    assert (rate.num, rate.den) == meant


@given(st.lists(st.fractions(min_value=Fraction(1, 50), max_value=20), min_size=1, max_size=60))
def test_snapped_edges_never_drift(durations: list[Fraction]) -> None:
    """Edges snap one by one, so the total is within half a frame however many clips there are."""
    rate = Rate.of(29.97)
    at, edges = Fraction(0), [0]
    for duration in durations:
        at += duration
        edges.append(rate.nearest_frame(at))
    assert edges == sorted(edges)
    assert abs(rate.seconds(edges[-1]) - at) <= rate.seconds(1) / 2


def test_a_timeline_refuses_overlaps_and_unknown_media() -> None:
    media = (Media(id="a", kind=MediaKind.IMAGE, name="a.png"),)
    base = {"name": "t", "rate": Rate(num=30), "width": 64, "height": 64, "media": media}
    clip = VideoClip(media="a", start_frame=0, end_frame_exclusive=10)
    later = clip.model_copy(update={"start_frame": 9, "end_frame_exclusive": 20})
    with pytest.raises(ValidationError, match="overlaps"):
        Timeline(**base, video=(VideoTrack(clips=(clip, later)),))
    with pytest.raises(ValidationError, match="does not list"):
        Timeline(**base, video=(VideoTrack(clips=(clip.model_copy(update={"media": "b"}),)),))


def test_a_timeline_travels_as_json_unchanged() -> None:
    clip = VideoClip(media="a", start_frame=0, end_frame_exclusive=10, source_start=Fraction(1, 3))
    before = Timeline(
        name="t",
        rate=Rate.of(23.976),
        width=64,
        height=64,
        media=(Media(id="a", kind=MediaKind.VIDEO, name="a.mp4", duration=Fraction(10, 3)),),
        video=(VideoTrack(clips=(clip,)),),
    )
    assert Timeline.model_validate_json(before.model_dump_json()) == before


def test_a_key_is_recognised_and_its_text_never_stored() -> None:
    secrets = Secrets(SECRET)
    key = secrets.new_key()
    assert key_prefix(key.text) == key.prefix
    assert secrets.mac(key.text) == key.mac
    assert key.text not in (key.mac, key.sealed) and key.text not in repr(key)
    assert secrets.unseal(key.sealed) == key.text
    with pytest.raises(FarmUnavailable, match="FARM_SECRET_KEY"):
        Secrets("another secret key, also longer than 32").unseal(key.sealed)


def test_a_signature_is_good_for_one_purpose_only() -> None:
    secrets = Secrets(SECRET)
    signature = secrets.sign("download", "key")
    assert secrets.signed("download", "key", signature)
    assert not secrets.signed("upload", "key", signature)
    assert not secrets.signed("download", "other", signature)


def test_a_short_secret_key_is_refused() -> None:
    with pytest.raises(FarmUnavailable, match="FARM_SECRET_KEY"):
        Secrets("short")


def test_starters_at_once_agree_on_the_secret_key(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with ThreadPoolExecutor(8) as threads:
        signatures = set(threads.map(lambda _n: Secrets.of(settings).sign("x", "y"), range(16)))
    assert len(signatures) == 1
    mode = stat.S_IMODE((tmp_path / "secret.key").stat().st_mode)
    assert mode == 0o600
    assert os.listdir(tmp_path) == ["secret.key"]  # noqa: PTH208  # names are what matters


def test_an_operators_file_overrides_single_keys(tmp_path: Path) -> None:
    (tmp_path / "farm.toml").write_text("[scheduling]\nlease_s = 99.0\n")
    catalog = read_catalog(Settings(config_dir=tmp_path))
    assert catalog.scheduling.lease_s == 99.0
    assert catalog.scheduling.beat_s == read_catalog(Settings()).scheduling.beat_s


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[scheduling]\nlease_s = -1\n", "scheduling.lease_s"),
        ("[scheduling]\nleese_s = 1\n", "leese_s"),
        ("[", "TOML"),
    ],
)
def test_a_wrong_config_names_what_is_wrong(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "farm.toml").write_text(text)
    with pytest.raises(FarmUnavailable, match=named):
        read_catalog(Settings(config_dir=tmp_path))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_a_plain_postgresql_url_is_enough(scheme: str) -> None:
    settings = Settings(database_url=f"{scheme}://u@h/d")
    assert settings.store_url == "postgresql+psycopg://u@h/d"


def test_money_is_exact() -> None:
    assert milli("4.5") == 4500
    assert milli("0.0005") == 1
    assert credits(4500) == 4.5


def test_ids_are_unlike_and_say_what_they_are() -> None:
    made = {RandomIds().public("job") for _ in range(1000)}
    assert len(made) == 1000
    assert all(name.startswith("job_") and len(name) == 26 for name in made)


def test_kinds_are_found_by_their_files() -> None:
    assert {"probe", "media-render"} <= set(registry())
    with pytest.raises(NotFound, match="media-render"):
        kind_named("nothing")
