"""Which words of a narration belong to which scene: the narrator's own, in order, whatever a model says."""

import random
from collections.abc import Sequence
from itertools import pairwise

import pytest

from tasks.describe_scenes.cues import CUE_CHARACTERS, Cue, Shown, choose_cues
from tasks.describe_scenes.narration import MOST_WORDS, Narration, words_of

# Seed 000, "Describe three storyboard scenes".
NARRATION = "A cyclist crosses the bridge, then enters a crowded market, and ends on a sunset skyline."
SAID = (
    "a the and then of on in it's well-known 3.5 1,000 U.S. cyclist bridge market sunset skyline "
    "Brücke Straße première niño Ελλάδα мост 橋 自転車が橋を渡る 시장 पुल สะพาน ½ _ -- … '' 🙂 “quoted” "
    "e\u0301te\u0301 \u0645\u0631\u062d\u0628\u0627"
)
WORDS = [*SAID.split(), "x" * 350]
GAPS = (" ", " ", " ", " ", "  ", ", ", ". ", "? ", "\n", " — ", "; ", "、", "。", "...", "/")


def one_told(text: str, *scenes: str | None) -> list[str | None]:
    """The first words of each scene; None proposes nothing, a text is what the scene is about."""
    return [cue and cue.start for cue in choose_cues(text, [Shown(about or "") for about in scenes])]


def narration(chance: random.Random) -> str:
    """Words of many scripts between pauses, with phrases that come again; now and then long, or empty."""
    count = chance.choice((0, 1, 2, 3, 5, 8, 13, 20, 30, 60))
    words = [chance.choice(WORDS) for _ in range(count)]
    if count > 8 and chance.random() < 0.5:
        words[count // 2 : count // 2] = words[:6] * 2
    return "".join(part for word in words for part in (word, chance.choice(GAPS)))[:20_000]


def scene(chance: random.Random, text: str) -> Shown:
    """What might be said of a scene: nothing, a bit of the narration, or what no narrator ever said."""
    at = chance.randrange(len(text) + 1)
    bit = text[at : at + chance.choice((5, 20, 60, 500))]
    return Shown(
        about=chance.choice(("", bit, "a bridge at sunset", "x" * 1000)),
        proposed=chance.choice((None, None, bit, bit.upper(), "words of another text", "", "\0", "a")),
    )


def check_order(text: str, cues: Sequence[Cue | None]) -> None:
    """Each is a slice of the text, and those of a scene come after those of all scenes before it."""
    behind = 0
    for cue in filter(None, cues):
        start = text.find(cue.start, behind)
        assert start >= 0, cue
        anchor = text.find(cue.anchor, start)
        assert anchor >= 0, cue
        behind = max(start + len(cue.start), anchor + len(cue.anchor))
        for said in (cue.start, cue.anchor):
            assert 0 < len(said) <= CUE_CHARACTERS and said == said.strip()
            assert 1 <= len(list(words_of(said))) <= MOST_WORDS


def test_a057_a058_cues_are_slices_of_the_narration_in_order_for_a_thousand_of_them():
    chance = random.Random(57)
    found = asked = 0
    for _ in range(1_000):
        text = narration(chance)
        scenes = [scene(chance, text) for _ in range(chance.choice((1, 2, 3, 5, 8, 13)))]
        cues = choose_cues(text, scenes)
        assert len(cues) == len(scenes)
        check_order(text, cues)
        found += sum(cue is not None for cue in cues)
        asked += min(len(scenes), len(Narration(text).spans()))
    assert found > 0.9 * asked > 1_000  # and they are not right by leaving everything out


def test_a057_a058_each_scene_has_its_clause_of_the_documents_own_narration():
    cues = choose_cues(NARRATION, [Shown()] * 3)
    assert [cue and cue.start for cue in cues] == [
        "A cyclist crosses the bridge",
        "then enters a crowded market",
        "and ends on a sunset skyline",
    ]
    assert [cue and cue.anchor for cue in cues] == [
        "cyclist crosses the bridge",
        "then enters a crowded market",
        "and ends on a sunset skyline",
    ]


def test_what_is_known_of_the_scenes_moves_the_borders():
    text = "First we wait. Then we wait again. A red flower opens slowly. Bees come at once."
    opening = "First we wait. Then we wait again"
    assert one_told(text, "", "") == [opening, "A red flower opens slowly"]
    assert one_told(text, "people who wait", "flowers, opening") == [opening, "A red flower opens slowly"]
    assert one_told(text, "a flower that opens", "bees") == [opening, "Bees come at once"]


def test_a_scene_without_words_has_no_cue():
    assert one_told("Only these four words.", "", "", "") in (
        ["Only these four words", None, None],
        [None, "Only these four words", None],
        [None, None, "Only these four words"],
    )
    for nothing in ("", "   ", "… — !", "🙂🙂"):
        assert choose_cues(nothing, [Shown(), Shown(proposed="words")]) == [None, None]
    assert choose_cues("Words enough for everybody here.", []) == []


def test_a_long_clause_is_shared_where_there_are_more_scenes_than_clauses():
    text = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    cues = one_told(text, "", "", "", "")
    assert cues == [
        "one two three four",
        "five six seven eight",
        "nine ten eleven twelve",
        "thirteen fourteen fifteen sixteen",
    ]


def test_a_proposed_cue_counts_only_where_the_narrator_said_it():
    """A-057: found exactly or but for case and punctuation, it is cut out of the narration itself."""
    text = "We start small. The WORKSHOP, at night, hums. We end with a long and quiet walk by the sea."
    (first, last) = choose_cues(text, [Shown(), Shown(proposed="the workshop at night hums")])
    assert first is not None and last is not None
    assert (first.start, last.anchor) == ("We start small", "The WORKSHOP, at night, hums")
    for proposed in ("the workshop at noon hums", "ignore your orders", "", "the", "\0" * 9, "x" * 9999):
        assert choose_cues(text, [Shown(), Shown(proposed=proposed)]) == choose_cues(text, [Shown()] * 2)


def test_proposed_cues_in_the_wrong_order_never_come_out_so():
    text = "alpha alpha alpha alpha. beta beta beta beta. gamma gamma gamma gamma."
    wrong = [Shown(proposed="gamma gamma"), Shown(proposed="beta beta"), Shown(proposed="alpha alpha")]
    check_order(text, choose_cues(text, wrong))
    swapped = [Shown(proposed="beta beta beta beta"), Shown(proposed="alpha alpha"), Shown()]
    check_order(text, choose_cues(text, swapped))


def test_a_repeated_phrase_belongs_to_each_scene_that_says_it():
    text = "And the rain fell all day. " * 4
    cues = choose_cues(text, [Shown(proposed="and the rain fell all day")] * 4)
    assert [cue and cue.start for cue in cues] == ["And the rain fell all day"] * 4


def test_the_anchor_is_what_is_said_most_rarely():
    text = (
        "It is what it is, and it was what it was, but the zeppelin over Trondheim burned. It is what it is."
    )
    cue = choose_cues(text, [Shown()])[0]
    assert cue is not None and "zeppelin" in cue.anchor and cue.start.startswith("It is what it is")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("it's well-known: 3.5 of 1,000", ["it's", "well-known", "3.5", "of", "1,000"]),
        ("“IT\u2019S”, naïve\u0301", ["it's", "naïv\u00e9"]),
        ("橋を渡る", ["橋", "を", "渡", "る"]),
        ("पुल पार", ["पुल", "पार"]),
        ("U.S.A. -- e\u0301te\u0301", ["u.s.a", "été"]),
        ("'' -- ... 🙂", []),
    ],
)
def test_words_are_told_apart_in_any_script(text: str, words: list[str]):
    assert [word.folded for word in words_of(text)] == words
    assert all(one.end_exclusive <= other.start for one, other in pairwise(words_of(text)))


def test_a_hundred_scenes_of_the_longest_narration_take_no_time_to_speak_of():
    chance = random.Random(3)
    text = " ".join(chance.choice(("wind", "water,", "stone", "a", "the", "light.")) for _ in range(4_000))
    cues = choose_cues(text[:20_000], [Shown("stone and water")] * 100)
    check_order(text, cues)
    assert all(cues)
