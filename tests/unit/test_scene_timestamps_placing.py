"""Scenes found in what was heard: matched, fuzzy, interpolated; in order, each with an honest interval.

Rows A-069 to A-077 and A-005, from words to starts; no sound is read here.
"""

import random
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.errors import BadRequest
from tasks.scene_timestamps.heard import Heard, Method, SpeechSpan, Word
from tasks.scene_timestamps.params import SceneCue, SceneTimestamps
from tasks.scene_timestamps.placed import CutType, SceneTime, Status, Timed
from tests.narrations import Narration, cue_of, misheard, narration, spoken
from workers.asr_align.placing import placed
from workers.asr_align.placing.matching import Cue, match

# Word error rate of the recogniser: scenes right to a word at least, and wrong at most.
FLOORS = {0.0: (0.99, 0.005), 0.1: (0.96, 0.03), 0.2: (0.91, 0.04), 0.3: (0.82, 0.055)}


def starts(timed: Timed) -> list[int]:
    return [scene.start_ms for scene in timed.scenes]


def statuses(timed: Timed) -> list[str]:
    return [str(scene.status) for scene in timed.scenes]


def codes(timed: Timed) -> set[tuple[str, int | None]]:
    return {(remark.code, remark.scene) for remark in timed.warnings}


def holds(scene: SceneTime, at_ms: int) -> bool:
    return scene.interval.from_ms <= at_ms <= scene.interval.to_ms


def telling(words: str, *, pause_before: dict[int, float] | None = None, **changes: object) -> Heard:
    """Half a second a word, with more of a pause before those that are told."""
    found, at = [], 0.5
    for index, text in enumerate(words.split()):
        at += (pause_before or {}).get(index, 0.0)
        found.append(Word(text=text, start_s=at, end_s=at + 0.5, certainty=0.95, half_width_s=0.02))
        at += 0.5
    fields = {
        "words": tuple(found),
        "speech": tuple(SpeechSpan(start_s=word.start_s, end_s=word.end_s) for word in found),
        "duration_s": at + 0.5,
        "language": "en",
        "method": Method.ALIGNED,
        "is_known_text": True,
        "fit": 0.95,
    }
    return Heard.model_validate(fields | changes)


def asking(*cues: str, **changes: object) -> SceneTimestamps:
    """Scenes by `start` or `start|anchor`."""
    scenes = [
        {"start_cue_text": start, "anchor_text": anchor or start}
        for start, _, anchor in (cue.partition("|") for cue in cues)
    ]
    return SceneTimestamps.model_validate({"audio": "a", "scenes": scenes, **changes})


@pytest.mark.parametrize("share", FLOORS)
def test_a076_cues_are_found_in_what_a_recogniser_mishears(share: float) -> None:
    right = wrong = count = covered = found = 0
    for seed in range(40):
        told = narration(seed)
        words = misheard(told.words, share, random.Random(seed * 7 + int(share * 100)))
        timed = placed(told.heard(words), told.asked())
        for scene, first, truth in zip(timed.scenes, told.starts, told.starts_ms, strict=True):
            count += 1
            if scene.status is Status.INTERPOLATED:
                assert scene.confidence <= 0.3
                continue
            near = {round(word.start_s * 1000) for word in told.words[max(0, first - 1) : first + 2]}
            is_right = scene.start_ms in near
            right, wrong = right + is_right, wrong + (not is_right)
            found, covered = found + 1, covered + holds(scene, truth)
    least, most = FLOORS[share]
    assert right / count >= least and wrong / count <= most, (right / count, wrong / count)
    assert covered / found >= 0.94


def test_a005_a070_a071_a_verbatim_cue_is_matched_to_its_first_word() -> None:
    told = narration(3)
    timed = placed(told.heard(known=True), told.asked(narration_text=told.text))
    assert starts(timed) == told.starts_ms
    assert set(statuses(timed)) == {"matched"} and timed.warnings == ()
    assert all(scene.confidence > 0.85 and scene.interval.width_ms <= 160 for scene in timed.scenes)


def test_the_anchor_tells_which_of_two_like_beginnings_is_meant() -> None:
    heard = telling("and so the boats sleep quietly and so the lamps go out now and so the day ends here")
    asked = asking("the boats sleep", "and so|the day ends here")
    assert starts(placed(heard, asked))[1] == 500 + 13 * 500
    asked = asking("the boats sleep", "and so|the lamps go out")
    assert starts(placed(heard, asked))[1] == 500 + 6 * 500


@pytest.mark.parametrize("is_known", [False, True])
def test_what_nothing_tells_apart_says_how_far_it_may_be_meant(is_known: bool) -> None:
    text = "one two three and so we go four five six and so we go seven eight nine"
    asked = asking("one two three", "and so we go", narration_text=text if is_known else None)
    timed = placed(telling(text), asked)
    unsure = timed.scenes[1]
    assert holds(unsure, 2000) and holds(unsure, 5500) and unsure.confidence < 0.65


def test_a_cue_that_nobody_says_lies_between_its_neighbours() -> None:
    told = narration(8)
    asked = told.asked()
    cue = SceneCue(start_cue_text="quantum penguins orbit", anchor_text="orbiting jupiter slowly")
    scenes = (*asked.scenes[:4], cue, *asked.scenes[5:])
    timed = placed(told.heard(), asked.model_copy(update={"scenes": scenes}))
    guessed = timed.scenes[4]
    assert (guessed.status, codes(timed)) == (Status.INTERPOLATED, {("cue_not_heard", 4)})
    assert guessed.confidence <= 0.3 and guessed.transition.review
    assert (guessed.interval.from_ms, guessed.interval.to_ms) == (told.starts_ms[3], told.starts_ms[5])
    assert starts(timed)[:4] + starts(timed)[5:] == told.starts_ms[:4] + told.starts_ms[5:]


def test_a_cue_of_two_scenes_that_is_said_once_is_one_scenes() -> None:
    heard = telling("the bell rings once more and then the boats go out to sea at dawn")
    timed = placed(heard, asking("the bell rings", "the bell rings", "the boats go out"))
    assert statuses(timed) == ["matched", "interpolated", "matched"]
    assert codes(timed) == {("cue_not_heard", 1)}
    assert (starts(timed)[0], starts(timed)[2]) == (500, 4000)


def test_who_was_heard_does_not_give_way_to_a_guess() -> None:
    heard = telling("the bell rings once more and then the boats go out to sea at dawn")
    timed = placed(heard, asking("quantum penguins", "orbiting jupiter", "the bell rings"))
    assert starts(timed) == [498, 499, 500]
    assert (str(timed.scenes[2].status), timed.scenes[2].confidence) == ("matched", 0.975)


def test_an_anchor_alone_narrows_a_guess() -> None:
    heard = telling(
        "one two three four five six seven eight silver bells ring nine ten eleven twelve thirteen"
    )
    timed = placed(heard, asking("one two three", "quantum penguins|silver bells ring", "twelve thirteen"))
    assert timed.scenes[1].interval.to_ms == 500 + 8 * 500 < timed.scenes[2].start_ms


def test_scenes_in_another_order_than_told_are_said_to_be() -> None:
    told = narration(5, scenes=6)
    asked = told.asked()
    scenes = (*asked.scenes[:1], asked.scenes[4], *asked.scenes[1:4], asked.scenes[5])
    timed = placed(told.heard(known=True), asked.model_copy(update={"scenes": scenes}))
    assert ("cue_out_of_order", 1) in codes(timed)
    assert timed.scenes[1].status is Status.INTERPOLATED
    assert starts(timed)[2:5] == told.starts_ms[1:4]


def test_numbers_contractions_and_short_forms_are_heard_as_they_are_said() -> None:
    heard = telling("doctor marsh came in nineteen eighty four and it is not over we have sixty four sensors")
    timed = placed(heard, asking("Dr. Marsh came in 1984", "it isn't over", "We've 64 sensors"))
    assert starts(timed) == [500, 500 + 8 * 500, 500 + 12 * 500]
    assert set(statuses(timed)) == {"matched"}


def test_a_run_of_japanese_lends_each_letter_its_time() -> None:
    heard = telling("港は朝早く目を覚ます。 市場は七時に開く。", language="ja")
    timed = placed(heard, asking("港は朝早く", "市場は七時", language_code="ja"))
    assert starts(timed) == [500, 1000] and set(statuses(timed)) == {"matched"}
    within = placed(heard, asking("港は朝早く", "目を覚ます", language_code="ja"))
    assert 500 < starts(within)[1] < 1000 and within.scenes[1].interval.width_ms > 100


def test_the_wrong_text_is_not_sold_as_a_match() -> None:
    told = narration(2)
    strange = told.heard(known=True).model_copy(update={"fit": 0.1})
    timed = placed(strange, told.asked(narration_text=told.text))
    assert set(statuses(timed)) == {"interpolated"}
    assert max(scene.confidence for scene in timed.scenes) <= 0.3
    assert ("narration_differs", None) in codes(timed)


def test_where_another_text_is_recognised_only_whole_cues_are_believed() -> None:
    """A recogniser that is told the wrong language hears words like the cues' here and there."""
    words = "the old harbour wakes slowly and ships go past under the lantern"
    asked = asking("the old harbour wakes", "ships go under lantern light")
    heard = telling(words, method=Method.RECOGNISED, is_known_text=False)
    assert statuses(placed(heard.model_copy(update={"fit": 1.0}), asked)) == ["matched", "fuzzy"]
    timed = placed(heard.model_copy(update={"fit": 0.1}), asked)
    assert statuses(timed) == ["matched", "interpolated"] and timed.scenes[1].confidence <= 0.3
    assert codes(timed) == {("narration_differs", None), ("cue_not_heard", 1)}


@pytest.mark.parametrize(
    "speech", [(), (SpeechSpan(start_s=1.0, end_s=4.0), SpeechSpan(start_s=6.0, end_s=9.0))]
)
def test_without_words_all_starts_are_guesses(speech: tuple[SpeechSpan, ...]) -> None:
    heard = telling("x", duration_s=10.0, speech=speech, method=Method.PROPORTIONAL, is_known_text=False)
    heard = heard.model_copy(update={"words": ()})
    timed = placed(heard, asking("a b", "c d", "e f", "g h"))
    assert set(statuses(timed)) == {"interpolated"}
    assert all(scene.confidence <= 0.1 and scene.interval.width_ms == 10_000 for scene in timed.scenes)
    assert codes(timed) >= {("no_speech" if not speech else "words_not_heard", None)}
    if speech:  # by the share of speech, and where it begins again after the pause
        assert starts(timed)[0] == 1000 and 6000 in starts(timed)


def test_a074_who_has_sent_the_text_is_not_asked_for_it() -> None:
    guessed = telling("one two three four", method=Method.PROPORTIONAL, fit=0.0)
    nothing = telling("one two", method=Method.RECOGNISED, is_known_text=False).model_copy(
        update={"words": ()}
    )
    for heard, is_asked in (
        (guessed, False),
        (nothing.model_copy(update={"fit": 0.1}), False),
        (nothing.model_copy(update={"fit": 1.0}), True),
    ):
        (remark,) = placed(heard, asking("one two")).warnings
        assert remark.code == "words_not_heard" and ("narrationText" in remark.message) is is_asked


def test_a072_an_offset_moves_all_of_it() -> None:
    told = narration(4)
    plain, moved = (placed(told.heard(), told.asked(start_offset_ms=at)) for at in (0, 3000))
    assert [at + 3000 for at in starts(plain)] == starts(moved)
    for before, after in zip(plain.scenes, moved.scenes, strict=True):
        assert after.interval.from_ms - before.interval.from_ms == 3000
        assert after.transition.start_ms - before.transition.start_ms == 3000
    assert moved.scenes[0].transition.start_ms == 3000


@pytest.mark.parametrize(
    ("fps", "at_ms", "frame"),
    [
        (24, 1000, 24),
        (25, 1000, 25),
        (29.97, 3_600_000, 107_892),
        (23.976, 3_600_000, 86_314),
        (None, 1000, None),
    ],
)
def test_a076_frames_are_exact_at_ntsc_rates_too(fps: float | None, at_ms: int, frame: int | None) -> None:
    heard = telling("one two three", duration_s=3_600.0)
    asked = asking("one two", fps=fps)
    fixed = asked.scenes[0].model_copy(update={"fixed_start_ms": at_ms})
    timed = placed(heard, asked.model_copy(update={"scenes": (fixed,), "start_offset_ms": 1000}))
    assert timed.scenes[0].start_frame == frame and timed.scenes[0].status is Status.FIXED


def test_fixed_starts_stay_and_the_others_keep_to_their_sides() -> None:
    told = narration(6)
    asked = told.asked()
    late = told.starts_ms[6] + 1234
    scenes = [*asked.scenes]
    scenes[5] = scenes[5].model_copy(update={"fixed_start_ms": late})
    timed = placed(told.heard(), asked.model_copy(update={"scenes": tuple(scenes)}))
    assert (timed.scenes[5].start_ms, timed.scenes[5].status, timed.scenes[5].confidence) == (
        late,
        "fixed",
        1.0,
    )
    assert starts(timed)[:5] == told.starts_ms[:5]
    assert timed.scenes[6].status is Status.INTERPOLATED and timed.scenes[6].start_ms > late
    assert starts(timed)[8:] == told.starts_ms[8:]


def test_every_scene_lasts_as_long_as_asked() -> None:
    heard = telling("one two three four five six seven eight nine ten")
    timed = placed(heard, asking("one two", "two three", "three four", "nine ten", min_scene_ms=1200))
    assert starts(timed) == [500, 1700, 2900, 4500]
    assert codes(timed) == {("moved_for_length", 1), ("moved_for_length", 2)}
    assert holds(timed.scenes[1], 1000) and timed.scenes[1].confidence < timed.scenes[0].confidence
    tail = placed(heard, asking("one two", "nine ten", min_scene_ms=2000))
    assert starts(tail) == [500, 4000]


def test_what_cannot_fit_is_refused_by_name() -> None:
    heard = telling("one two three")
    with pytest.raises(BadRequest, match="do not fit") as refused:
        placed(heard, asking("one", "two", min_scene_ms=2000))
    assert refused.value.param == "min_scene_ms"
    late = asking("one", "two").scenes[1].model_copy(update={"fixed_start_ms": 60_000})
    with pytest.raises(BadRequest, match="fixed at 60000") as refused:
        placed(heard, asking("one", "two").model_copy(update={"scenes": (asking("one").scenes[0], late)}))
    assert refused.value.param == "scenes[1].fixed_start_ms"


@pytest.mark.parametrize(
    ("pause_s", "kind", "lead_ms", "lasts_ms"),
    [
        (0.0, CutType.CUT, 40, 0),
        (0.1, CutType.CUT, 40, 0),
        (0.2, CutType.CUT, 100, 0),
        (0.35, CutType.DISSOLVE, 200, 200),
        (0.9, CutType.DISSOLVE, 400, 400),
        (1.5, CutType.DISSOLVE, 700, 700),
        (2.5, CutType.DIP, 800, 800),
    ],
)
def test_a077_the_pause_decides_the_transition(
    pause_s: float, kind: CutType, lead_ms: int, lasts_ms: int
) -> None:
    heard = telling("a b c d e f g h i j k l m n o p", pause_before={8: pause_s})
    cut = placed(heard, asking("a b c", "i j k")).scenes[1]
    told = cut.transition
    assert (told.type, cut.start_ms - told.start_ms, told.duration_ms) == (kind, lead_ms, lasts_ms)
    assert not told.review


def test_a077_a_transition_takes_no_more_than_a_quarter_of_the_shorter_scene() -> None:
    heard = telling("a b c d e f g h i j k l", pause_before={10: 2.0})
    last = placed(heard, asking("a b c", "k l")).scenes[1]
    assert last.transition.duration_ms == (500 + 2 * 500) // 4


def test_a077_a_start_less_certain_than_the_pause_is_cut_and_reviewed() -> None:
    heard = telling("a b c d e f g h i j k l", pause_before={6: 0.5})
    words = [word.model_copy(update={"half_width_s": 0.4}) for word in heard.words]
    cut = (
        placed(heard.model_copy(update={"words": tuple(words)}), asking("a b c", "g h i"))
        .scenes[1]
        .transition
    )
    assert (cut.type, cut.review) == (CutType.CUT, True)


WORDS = ["boat", "lamp", "red", "seven", "hill", "and so", "1984", "Möwe", "港", "it's", "—", "market", "old"]
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)


@st.composite
def heards(draw: st.DrawFn) -> Heard:
    gaps = draw(st.lists(st.tuples(st.floats(0, 2), st.floats(0, 1)), max_size=40))
    words, at = [], 0.0
    for gap, length in gaps:
        at += gap
        words.append(
            Word(
                text=draw(texts),
                start_s=at,
                end_s=at + length,
                certainty=draw(st.floats(0, 1)),
                half_width_s=draw(st.floats(0, 2)),
            )
        )
        at += draw(st.sampled_from([0.0, length]))
    spans = draw(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 5)), max_size=4))
    speech = [SpeechSpan(start_s=start, end_s=start + length) for start, length in sorted(spans)]
    end = max([at + 1.0, *(word.end_s for word in words), *(span.end_s for span in speech)])
    return Heard(
        words=tuple(words),
        speech=tuple(speech),
        duration_s=end + draw(st.floats(0, 5)),
        language=draw(st.sampled_from(["en", "de", "ja"])),
        method=draw(st.sampled_from(list(Method))),
        is_known_text=draw(st.booleans()),
        fit=draw(st.floats(0, 1)),
    )


@settings(max_examples=150, deadline=None)
@given(heards(), st.lists(st.tuples(texts, texts), min_size=1, max_size=12), st.data())
def test_a005_a076_a077_whatever_is_heard_starts_are_ordered_inside_and_honest(
    heard: Heard, cues: list[tuple[str, str]], data: st.DataObject
) -> None:
    offset, length = data.draw(st.integers(0, 9000)), round(heard.duration_s * 1000)
    min_scene = data.draw(st.sampled_from([0, 0, 1, length // len(cues)]))
    asked = asking(
        *(f"{start}|{anchor}" for start, anchor in cues),
        start_offset_ms=offset,
        min_scene_ms=min(min_scene, 600_000),
        narration_text=data.draw(st.none() | texts),
        fps=data.draw(st.sampled_from([None, 24, 29.97])),
    )
    pinned = data.draw(st.none() | st.integers(0, len(cues) - 1))
    if pinned is not None:
        least = max(1, asked.min_scene_ms)
        at = offset + data.draw(st.integers(pinned * least, length - (len(cues) - pinned) * least))
        scene = asked.scenes[pinned].model_copy(update={"fixed_start_ms": at})
        scenes = (*asked.scenes[:pinned], scene, *asked.scenes[pinned + 1 :])
        asked = asked.model_copy(update={"scenes": scenes})
    timed = placed(heard, asked)
    found = starts(timed)
    assert len(found) == len(cues)
    assert all(b - a >= max(1, asked.min_scene_ms) for a, b in pairwise(found))
    assert offset <= found[0] and found[-1] < offset + max(length, 1)
    if pinned is not None:
        assert timed.scenes[pinned].start_ms == asked.scenes[pinned].fixed_start_ms
    for before, scene in zip([None, *timed.scenes], timed.scenes, strict=False):
        assert holds(scene, scene.start_ms)
        assert offset <= scene.interval.from_ms <= scene.interval.to_ms <= offset + length
        assert (scene.confidence <= 0.3) or scene.status is not Status.INTERPOLATED
        cut = scene.transition
        assert offset <= cut.start_ms and cut.start_ms + cut.duration_ms <= max(scene.start_ms, offset)
        assert before is None or cut.start_ms > before.start_ms
        assert (scene.start_frame is None) == (asked.fps is None)
    assert placed(heard, asked) == timed


def test_a071_a_long_cue_in_a_long_row_takes_little_memory() -> None:
    row = tuple(chr(0x4E00 + number % 3000) for number in range(50_000))
    cue = Cue(row[7000:7500], row[7500:8000], 0.14, 0, len(row))
    tracemalloc.start()
    (found,) = match([cue], row, 0.3)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.token == 7000 and peak_bytes < 60_000_000  # all at once they were 200 MB


def test_a069_a_hundred_scenes_in_an_hour_are_placed_at_once() -> None:
    rng = random.Random(1)
    told = narration(9, scenes=100)
    long = spoken([" ".join([scene] * 6) for scene in told.scenes], rng)
    assert isinstance(long, Narration) and len(long.words) > 8000
    asked = SceneTimestamps(audio="a", scenes=tuple(cue_of(scene) for scene in told.scenes))
    timed = placed(long.heard(known=True), asked)
    assert len(timed.scenes) == 100 and starts(timed) == sorted(starts(timed))
