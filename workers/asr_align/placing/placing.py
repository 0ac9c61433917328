"""From words with times to a start for every scene: matched, fuzzy, or honestly interpolated."""

from collections.abc import Sequence
from math import hypot

import numpy as np

from farm.errors import BadRequest
from tasks.scene_timestamps.heard import Heard
from tasks.scene_timestamps.params import SceneTimestamps
from tasks.scene_timestamps.placed import Status, Timed
from tasks.scene_timestamps.spoken import tokens
from workers.asr_align.placing.between import MOST_CONFIDENCE, Between
from workers.asr_align.placing.guess import Guess
from workers.asr_align.placing.matching import Cue, Match, match
from workers.asr_align.placing.remarks import LEAST_FIT, remarks_of
from workers.asr_align.placing.spacing import spaced
from workers.asr_align.placing.stream import Stream, stream_of
from workers.asr_align.placing.transitions import timeline_of

_VERBATIM = 0.88  # of a cue's score; below it is fuzzy
_CLEAR = 0.15  # a margin by which no rival is meant
_BY_TEXT, _BY_ORDER = 0.3, 0.12  # what a place far from the expected one costs
_LITTLE_S = 0.01


def placed(heard: Heard, params: SceneTimestamps) -> Timed:
    """Every scene's start, in order. Raises BadRequest where the sound is too short for what was asked."""
    _check_room(heard, params)
    stream = stream_of(heard)
    expected = _expected(params, heard)
    cues = _cues(params, heard, stream, expected)
    matches = match(cues, stream.tokens, _BY_TEXT if expected else _BY_ORDER)
    known = _known(params, heard, stream, matches)
    anchors = {
        index: float(stream.start_s[found.anchor])
        for index, found in enumerate(matches)
        if found.anchor is not None and index not in known
    }
    guesses = Between(heard, len(cues), expected).fill(known, anchors)
    guesses, moved = spaced(guesses, heard.duration_s, params.min_scene_ms)
    return Timed(
        scenes=timeline_of(guesses, heard, params),
        duration_ms=round(heard.duration_s * 1000),
        method=heard.method,
        language=heard.language,
        warnings=tuple(remarks_of(heard, stream, matches, set(known), moved)),
    )


def _check_room(heard: Heard, params: SceneTimestamps) -> None:
    length_ms, least_ms = round(heard.duration_s * 1000), max(1, params.min_scene_ms)
    if len(params.scenes) * least_ms > length_ms:
        raise BadRequest(
            f"{len(params.scenes)} scenes of {least_ms} ms do not fit into {length_ms} ms of sound.",
            param="min_scene_ms",
            code="scenes_too_long",
        )
    for index, at in params.fixed.items():
        end_ms = length_ms + params.start_offset_ms
        if at + (len(params.scenes) - index) * least_ms > end_ms:
            raise BadRequest(
                f"Scene {index} is fixed at {at} ms; the sound ends at {end_ms} ms.",
                param=f"scenes[{index}].fixed_start_ms",
                code="fixed_start_too_late",
            )


def _expected(params: SceneTimestamps, heard: Heard) -> list[float] | None:
    """Each scene's place in the narration's text, 0 to 1, as far as its cues are found there."""
    if not params.narration_text:
        return None
    row = tokens(params.narration_text, heard.language)
    cues = [
        Cue(*_texts(scene.start_cue_text, scene.anchor_text, heard), index / len(params.scenes), 0, len(row))
        for index, scene in enumerate(params.scenes)
    ]
    places = [found.token for found in match(cues, row, _BY_ORDER)]
    found = [(index, place / len(row)) for index, place in enumerate(places) if place is not None]
    if not found:
        return None
    indices, shares = [-1, *(i for i, _ in found), len(cues)], [0.0, *(at for _, at in found), 1.0]
    if found[0][0] > 0:  # what is before the first that was found begins with the text
        indices[0] = 0
    return [float(at) for at in np.interp(range(len(cues)), indices, shares)]


def _texts(start: str | None, anchor: str | None, heard: Heard) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tokens(start or "", heard.language), tokens(anchor or "", heard.language)


def _cues(
    params: SceneTimestamps, heard: Heard, stream: Stream, expected: Sequence[float] | None
) -> list[Cue]:
    """Each scene's cue, between the fixed starts around it. One that is fixed itself is not looked for."""
    count, cues = len(params.scenes), []
    fixed = {index: (at - params.start_offset_ms) / 1000 for index, at in params.fixed.items()}
    for index, scene in enumerate(params.scenes):
        low = max((at for other, at in fixed.items() if other < index), default=-1.0)
        high = min((at for other, at in fixed.items() if other > index), default=heard.duration_s)
        first = int(np.searchsorted(stream.start_s, low + 1e-3)) if low >= 0 else 0
        last = 0 if index in fixed else int(np.searchsorted(stream.start_s, high - 1e-3))
        likely = expected[index] if expected else index / count
        start, anchor = _texts(scene.start_cue_text, scene.anchor_text, heard)
        cues.append(Cue(start, anchor, likely, first, last))
    return cues


def _known(
    params: SceneTimestamps, heard: Heard, stream: Stream, matches: Sequence[Match]
) -> dict[int, Guess]:
    """The scenes whose start was heard, or is the caller's."""
    known = {}
    for index, found in enumerate(matches):
        if (at := params.fixed.get(index)) is not None:
            at_s = (at - params.start_offset_ms) / 1000
            known[index] = Guess(at_s, at_s, at_s, Status.FIXED, 1.0)
        elif found.token is not None:
            guess = _heard_at(found, found.token, heard, stream)
            if guess.confidence > MOST_CONFIDENCE:
                known[index] = guess
    return known


def _heard_at(found: Match, token: int, heard: Heard, stream: Stream) -> Guess:
    at_s = float(stream.start_s[token])
    certainty = float(stream.certainty[token])
    half_s = hypot(
        float(stream.half_s[token]),
        _ambiguity_s(found, token, stream),
        _LITTLE_S,
    )
    clearness = min(1.0, max(0.0, found.margin) / _CLEAR)
    confidence = found.score * (0.5 + 0.5 * certainty) * (0.6 + 0.4 * clearness)
    status = Status.MATCHED if found.score >= _VERBATIM else Status.FUZZY
    if heard.fit < LEAST_FIT and (heard.is_known_text or status is Status.FUZZY):
        confidence *= MOST_CONFIDENCE
    low, high = max(0.0, at_s - half_s), min(heard.duration_s, at_s + half_s)
    return Guess(at_s, low, high, status, round(min(1.0, confidence), 3), int(stream.word[token]))


def _ambiguity_s(found: Match, token: int, stream: Stream) -> float:
    """How far away it may be meant: a rival as good, or the next word where the cue's first was not heard."""
    far = 0.0
    if found.rival is not None and found.margin < _CLEAR:
        distance = abs(float(stream.start_s[found.rival] - stream.start_s[token]))
        far = distance * (1 - max(0.0, found.margin) / _CLEAR)
    if not found.is_first_heard:
        around = stream.start_s[max(0, token - 1) : token + 2]
        far = hypot(far, float(np.max(np.abs(around - stream.start_s[token]))))
    return far
