"""What a request to describe scenes may ask for, what it costs, and that all faults are told at once."""

import json
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from farm.catalog import Catalog, read_catalog
from farm.errors import BadRequest, FarmUnavailable
from farm.moderation import ModerationRules
from farm.rules.senses import VisionModel
from farm.rules.tiers import DescribeTier
from farm.settings import Settings
from tasks.describe_scenes import KIND, BrokenScenes, DescribeLimits, DescribeScenes, Metadata, SceneImage
from tasks.describe_scenes.checks import checked, notes
from tasks.describe_scenes.policy import has_forbidden_words
from tasks.describe_scenes.scenes import TextUnusable, shortened, usable
from tests.provider_farm import with_providers
from tests.unit.test_describe_cues import NARRATION

MIB = 1_048_576
EXAMPLE: dict[str, Any] = {
    "narrationText": NARRATION,
    "sceneIds": ["scene-1", "scene-2", "scene-3"],
    "hints": {"languageCode": "en", "style": "normal"},
}
FREE = DescribeLimits(
    max_images=5,
    max_image_bytes=2 * MIB,
    max_total_bytes=5 * MIB,
    max_narration=2_000,
    max_description=200,
    max_extra_detail=0,
    styles=("short", "normal"),
)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return read_catalog(Settings())


def faults(raw: object, images: int = 3, limits: DescribeLimits | None = None) -> set[tuple[str, str]]:
    """What is wrong, as (code, pointer)."""
    with pytest.raises(BrokenScenes) as caught:
        checked(raw, [None] * images, limits or DescribeLimits())
    return {(fault.code, fault.path) for fault in caught.value.faults}


def scenes(count: int, **metadata: Any) -> DescribeScenes:
    images = tuple(SceneImage(asset_id=f"asset_{number}") for number in range(count))
    return DescribeScenes(images=images, metadata=Metadata.model_validate(metadata))


def test_a048_to_a052_the_documents_own_metadata_is_good():
    found = checked(EXAMPLE, [None] * 3, FREE)
    assert found.narration_text == NARRATION
    assert found.scene_ids == ("scene-1", "scene-2", "scene-3")
    assert (found.hints.language_code, found.hints.style) == ("en", "normal")
    assert checked({}, [None]) == Metadata()  # all of it is optional


def test_a062_to_a066_tiers_have_the_documents_limits(catalog: Catalog):
    assert catalog.describe_limits == {
        "free": DescribeTier(
            max_images=5,
            max_image_mib=2,
            max_total_mib=5,
            max_narration=2_000,
            max_description=200,
            max_extra_detail=0,
            styles=("short", "normal"),
        ),
        "premium": DescribeTier(
            max_images=50,
            max_image_mib=5,
            max_total_mib=50,
            max_narration=20_000,
            max_description=500,
            max_extra_detail=5,
            styles=("short", "normal", "detailed"),
        ),
        "enterprise": DescribeTier(
            max_images=100,  # A-064; X-37: its size of a picture is premium's
            max_image_mib=5,
            max_total_mib=100,
            max_narration=20_000,
            max_description=500,
            max_extra_detail=5,
            styles=("short", "normal", "detailed"),
        ),
    }


def test_a_word_for_a_tier_needs_its_limits(catalog: Catalog):
    words = {"postproduction": {**catalog.surface_tiers["postproduction"], "gold": ("studio",)}}
    limits = {**catalog.compose_limits, "gold": catalog.compose_limits["free"]}
    broken = catalog.model_copy(update={"surface_tiers": words, "compose_limits": limits})
    with pytest.raises(FarmUnavailable):
        broken.check_surface_tiers()


@pytest.mark.parametrize(
    ("images", "detailed", "credits"),
    [(1, 0, 5), (5, 0, 5), (6, 0, 6), (50, 0, 50), (100, 0, 100), (1, 1, 6), (7, 5, 12)],
)
def test_a059_to_a061_the_price(catalog: Catalog, images: int, detailed: int, credits: int):
    """Five with five pictures (A-059), one for each more (A-060), one for each extra detail (A-061)."""
    asked = scenes(images, sceneOptions=[{"extraDetail": True}] * detailed)
    assert KIND.price_mc(asked, catalog) == credits * 1000
    assert KIND.breakdown is not None
    assert sum(line.amount_mc for line in KIND.breakdown(asked, catalog)) == credits * 1000


def test_what_a_models_provider_asks_comes_on_top(catalog: Catalog):
    dear = with_providers(
        catalog,
        """
        [providers.eyes]
        pool = "vision-describe"
        [routes.scene-description.dear]
        offers = [{ provider = "eyes", price = "0.25", estimated_s = 1.0 }]
        """,
    )
    assert KIND.price_mc(scenes(6), dear) == 6_000 + 6 * 250
    assert KIND.plan(scenes(6))[0].route == scenes(6).route
    assert scenes(6).route.units == Decimal(6)


def test_a050_a052_a053_everything_that_is_wrong_is_told_at_once():
    raw = {
        "narrationText": "n" * 2_001,
        "sceneIds": ["one", "two"],
        "hints": {"languageCode": "klingon!", "style": "detailed", "tone": "warm"},
        "sceneOptions": [{"extraDetail": True}, {"sceneId": "nine"}, {"extraDetail": "yes"}, {}],
        "story": 1,
    }
    assert faults(raw, limits=FREE) == {
        ("text_too_long", "/metadata/narrationText"),
        ("scene_ids_mismatch", "/metadata/sceneIds"),
        ("unsupported_language", "/metadata/hints/languageCode"),
        ("not_in_tier", "/metadata/hints/style"),
        ("unknown_field", "/metadata/hints/tone"),
        ("not_in_tier", "/metadata/sceneOptions/0/extraDetail"),
        ("unknown_scene", "/metadata/sceneOptions/1/sceneId"),
        ("wrong_type", "/metadata/sceneOptions/2/extraDetail"),
        ("unknown_scene", "/metadata/sceneOptions/3"),
        ("unknown_field", "/metadata/story"),
    }


def test_a_fault_says_what_was_sent_and_what_is_allowed():
    with pytest.raises(BrokenScenes) as caught:
        checked({"hints": {"style": "detailed"}, "sceneIds": ["a"]}, [3 * MIB] * 2, FREE)
    told = {fault.code: (fault.got, fault.allowed) for fault in caught.value.faults}
    assert told == {
        "file_too_large": (3 * MIB, 2 * MIB),
        "files_too_large": (6 * MIB, 5 * MIB),
        "not_in_tier": ("detailed", ["short", "normal"]),
        "scene_ids_mismatch": (1, 2),
    }
    assert "/metadata/sceneIds: Has 1 ids for 2 pictures." in caught.value.message


@pytest.mark.parametrize(
    "raw", [None, [], "text", 7, {"hints": []}, {"sceneIds": "one"}, {"sceneOptions": {}}]
)
def test_another_shape_is_refused_and_never_breaks_the_checks(raw: object):
    assert faults(raw)


def test_a047_a066_so_many_pictures_and_no_more():
    assert faults({}, images=0) == {("missing_field", "/images")}
    assert faults({}, images=6, limits=FREE) == {("too_many_files", "/images")}
    assert faults({}, images=101) == {("too_many_files", "/images")}
    assert checked({}, [None] * 100)


def test_a053_extra_detail_is_for_five_scenes_by_place_or_by_id():
    five = {"sceneOptions": [{"extraDetail": True}] * 5}
    assert checked(five, [None] * 6).in_detail(6) == {0, 1, 2, 3, 4}
    six = {"sceneOptions": [{"extraDetail": True}] * 6}
    assert faults(six, images=6) == {("too_many_extra_details", "/metadata/sceneOptions")}
    named = {"sceneIds": ["a", "b", "c"], "sceneOptions": [{"sceneId": "c", "extraDetail": True}]}
    assert checked(named, [None] * 3).in_detail(3) == {2}
    twice = {**named, "sceneOptions": [{"sceneId": "c", "extraDetail": True}] * 2}
    assert faults(twice) == {("ambiguous_scene", "/metadata/sceneOptions/1/sceneId")}


def test_the_same_id_twice_is_no_fault_but_is_told():
    found = checked({"sceneIds": ["a", "b", "a"]}, [None] * 3)
    assert [note.path for note in notes(found)] == ["/metadata/sceneIds/0", "/metadata/sceneIds/2"]


def test_a_job_of_the_native_api_is_held_to_what_any_tier_may():
    with pytest.raises(BadRequest, match=r"Has 1 ids for 2 pictures"):
        KIND.plan(scenes(2, sceneIds=["a"]))
    with pytest.raises(ValidationError):
        scenes(101)
    (task,) = KIND.plan(scenes(2))
    assert task.inputs == ("asset_0", "asset_1")
    again = DescribeScenes.model_validate(task.params)
    assert again == scenes(2)


@pytest.mark.parametrize(
    ("text", "is_refused"),
    [
        ("A BAD  Word is here", True),
        ("a bad\u200b word", True),
        ("a bad wordsmith", False),
        ("not-so-bad", False),
        ("full \uff22\uff21\uff24 word", True),
        ("", False),
    ],
)
def test_an_operators_words_are_found_as_words(text: str, is_refused: bool):
    said = Metadata.model_validate({"narrationText": text})
    assert has_forbidden_words(said, ModerationRules(words=("bad word", "zzz", " "))) is is_refused
    assert not has_forbidden_words(said, ModerationRules())


def test_a055_a_text_is_brought_to_its_length_between_sentences_or_words():
    text = "A man walks. A dog runs after him through the wet grass."
    assert shortened(text, 500) == text
    assert shortened(text, 20) == "A man walks."
    assert shortened(text, 40) == "A man walks. A dog runs after him…"
    assert shortened("x" * 50, 10) == "x" * 9 + "…"
    for most in range(5, 60):
        assert len(shortened(text, most)) <= most


def test_a_text_that_is_no_description_is_refused():
    for nothing in (None, 7, "", "  ", "…!", "\u202e\u200b\x00", "12"):
        with pytest.raises(TextUnusable):
            usable(nothing, 200, None)
    with pytest.raises(TextUnusable, match="another language"):
        usable("一个男人在街上走着", 200, "en-GB")
    assert usable("一个男人在街上走着", 200, "zh") == "一个男人在街上走着"
    assert usable("A man\n\twalks\x1b[31m by\u202e.", 200, "en") == "A man walks [31m by ."


def test_a_model_of_the_workers_own_is_pinned():
    commit = "0123456789abcdef0123456789abcdef01234567"
    assert VisionModel(repository="who/what", revision=commit)
    assert VisionModel(folder="/models/what")
    for wrong in (
        {"repository": "who/what"},
        {"repository": "who/what", "revision": "main"},
        {"repository": "who/what", "revision": commit, "folder": "/models"},
        {},
    ):
        with pytest.raises(ValidationError):
            VisionModel.model_validate(wrong)


def test_a_hostile_list_of_options_is_not_looked_at_to_its_end():
    """Each option among so many ids would be a minute of the API's time."""
    raw = {"sceneIds": ["a"] * 5_000, "sceneOptions": [{"sceneId": "b", "extraDetail": True}] * 5_000}
    found = faults(raw, limits=FREE)
    assert {("out_of_range", "/metadata/sceneOptions"), ("scene_ids_mismatch", "/metadata/sceneIds")} <= found
    assert ("unknown_scene", "/metadata/sceneOptions/99/sceneId") in found
    assert len(found) == 2 + 2 * 100


def test_an_answer_repeats_no_long_id():
    with pytest.raises(BrokenScenes) as caught:
        checked({"sceneIds": ["x" * 100_000], "sceneOptions": [{"sceneId": "y" * 100_000}]}, [None])
    told = json.dumps([fault.model_dump(mode="json") for fault in caught.value.faults])
    assert len(told) < 2_000
