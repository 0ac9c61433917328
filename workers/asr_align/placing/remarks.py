"""What a person should know of how scenes were found."""

from collections.abc import Collection, Iterator, Sequence

from tasks.scene_timestamps.heard import Heard, Method
from tasks.scene_timestamps.placed import Remark
from workers.asr_align.placing.matching import Match
from workers.asr_align.placing.stream import Stream

LEAST_FIT = 0.35  # below, the sound is not of the narration's text


def remarks_of(
    heard: Heard, stream: Stream, matches: Sequence[Match], known: Collection[int], moved: Sequence[int]
) -> Iterator[Remark]:
    """What is about all scenes, else about each. `known`: those whose start was heard; `moved` had to be."""
    whole = list(_of_sound(heard))
    yield from whole
    if heard.words and not heard.is_known_text and heard.fit < LEAST_FIT:
        message = "What is heard is not narrationText, or in another language; only the cues were looked for."
        yield Remark(code="narration_differs", message=message)
    for index, found in enumerate(matches):
        if index not in known and not whole:
            yield from _of_scene(index, found, stream)
    for index in moved:
        message = "The start was moved, so that every scene lasts as long as minSceneMs says."
        yield Remark(code="moved_for_length", message=message, scene=index)


def _of_sound(heard: Heard) -> Iterator[Remark]:
    is_borne_out = heard.fit >= LEAST_FIT or not heard.is_known_text
    if not heard.speech and not (heard.words and is_borne_out):
        yield Remark(code="no_speech", message="Nobody is heard to speak; the starts are guesses.")
    elif heard.method is Method.PROPORTIONAL or not heard.words:
        is_told = heard.is_known_text or heard.fit < LEAST_FIT
        helps = "" if is_told else "; narrationText may help"
        message = f"Words could not be told apart, so the starts are guesses{helps}."
        yield Remark(code="words_not_heard", message=message)
    elif not is_borne_out:
        message = "What is heard is not narrationText, or in another language; the starts are guesses."
        yield Remark(code="narration_differs", message=message)


def _of_scene(index: int, found: Match, stream: Stream) -> Iterator[Remark]:
    message = "The cue was not heard; the start is a guess between its neighbours'."
    yield Remark(code="cue_not_heard", message=message, scene=index)
    if found.elsewhere is not None:
        at_s = float(stream.start_s[found.elsewhere])
        message = f"The cue is heard at {at_s:.2f} s of the sound, out of the scenes' order."
        yield Remark(code="cue_out_of_order", message=message, scene=index)
