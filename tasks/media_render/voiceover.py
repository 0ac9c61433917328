"""Lays a voiceover out on a render's timeline: which line is heard when, how long the picture stays for it.

Pure. How long a line is, is known once it was spoken; before that it is estimated, for prices and limits. No
word is ever cut: a line that is longer than its place runs on and the next one waits, and the picture stays
until the last word was said.
"""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import accumulate
from math import ceil
from typing import NamedTuple

from farm.errors import BadRequest
from farm.noun import Noun
from farm.timeline import AudioClip, AudioTrack, Media, MediaKind, Timeline
from tasks.media_render.by_hand import needed_s
from tasks.media_render.params import MAX_TOTAL_S, MediaRender, SpokenLine, Voiceover, exact
from tasks.media_render.phrasing import columns
from tasks.media_render.script import ScriptLine
from tasks.media_render.voices import check_language, voice_of

VOICE_MEDIUM = "voiceover"  # the one file in which all lines follow each other
VOICE_FILE = "voiceover.wav"
ROLE = "voiceover"
LEAD_S = Fraction(3, 10)  # before the first word
PAUSE_S = Fraction(7, 20)  # between lines without times of their own
PARAGRAPH_S = Fraction(4, 5)  # before one that begins a paragraph
GAP_S = Fraction(1, 20)  # at least, between any two
TAIL_S = Fraction(1, 2)  # the picture stays after the last word
_CHARACTERS_PER_S = 12  # slower than the bundled voices speak: 13 to 16
_BREATH_S = Fraction(3, 10)


class Speech(Noun):
    """How long each line of the script is when spoken, in seconds, and the gain that all of it needs."""

    lengths: tuple[Fraction, ...]
    gain: float = 1.0


class Said(NamedTuple):
    """A line in its place, in seconds."""

    line: SpokenLine
    start: Fraction
    end: Fraction


def spoken_by(voice_id: str, lines: Iterable[ScriptLine], language: str | None = None) -> Voiceover:
    """A script and who speaks it. Raises pydantic's ValidationError naming the line that cannot be said."""
    told = [
        {
            "text": line.text,
            "start_s": None if line.start is None else float(line.start),
            "paragraph": line.paragraph,
        }
        for line in lines
    ]
    return Voiceover.model_validate({"voice_id": voice_id, "language": language, "lines": told})


def check_voiceover(params: MediaRender) -> None:
    """Raise BadRequest naming what cannot be met: the voice, its language, a GIF, an hour."""
    if params.voiceover is None:
        return
    if params.profile == "gif":
        raise BadRequest("A GIF has no sound, and so no voiceover.", param="voiceover")
    check_language(voice_of(params.voiceover.voice_id), params.voiceover.language)
    if until(params.voiceover, estimated(params.voiceover)) > MAX_TOTAL_S:
        minutes = MAX_TOTAL_S // 60
        raise BadRequest(f"The voiceover would be heard after {minutes} minutes.", param="voiceover.lines")


def estimated(voiceover: Voiceover) -> Speech:
    """How long the lines are likely to be, rather too long than too short; wide letters count twice."""
    per_s = _CHARACTERS_PER_S * exact(voiceover.speed)
    widths = (max(len(line.text), columns(line.text)) for line in voiceover.lines)
    return Speech(lengths=tuple(width / per_s + _BREATH_S for width in widths))


def said(voiceover: Voiceover, speech: Speech) -> Iterator[Said]:
    """Every line in its place. One with a time waits for it, and then for the line before to end."""
    at = LEAD_S
    for index, (line, length) in enumerate(zip(voiceover.lines, speech.lengths, strict=True)):
        if line.start_s is not None:
            free = at + GAP_S if index else Fraction(0)
            start = max(exact(line.start_s), free)
        else:
            start = at + (PARAGRAPH_S if line.paragraph else PAUSE_S) if index else at
        at = start + length
        yield Said(line, start, at)


def until(voiceover: Voiceover, speech: Speech) -> Fraction:
    """When the picture may end, in seconds."""
    return max(item.end for item in said(voiceover, speech)) + TAIL_S


def notes(params: MediaRender, speech: Speech, shown_s: Fraction) -> Iterator[str]:
    """What a person should know: which lines did not find their place free, and a picture that stays longer.

    `shown_s` is how long the picture is without the voice.
    """
    voiceover = params.voiceover
    if voiceover is None:
        return
    late = [
        item.start - exact(item.line.start_s)
        for item in said(voiceover, speech)
        if item.line.start_s is not None and item.start > exact(item.line.start_s)
    ]
    if late:
        yield (
            f"{len(late)} of {len(voiceover.lines)} lines of the voiceover start later than asked, by up to "
            f"{float(max(late)):.1f} s: the line before was still being said."
        )
    if (end := until(voiceover, speech)) > shown_s:
        yield (
            f"The voiceover ends at {float(end - TAIL_S):.1f} s: the picture stays until then, instead of "
            f"{float(shown_s):.1f} s."
        )
    if (placed := _placed_until(params, voiceover)) > max(end, shown_s):
        yield f"The picture stays until {float(placed):.1f} s for what was placed there by hand."


def stretched(
    lengths: Sequence[Fraction], free: Sequence[bool], voiceover: Voiceover | None, speech: Speech | None
) -> list[Fraction]:
    """The visuals' lengths, those that nobody set drawn out alike until the last word was said.

    As they are where nothing is said, where lines have times of their own, and where all were set by hand.
    """
    if voiceover is None or speech is None or any(line.start_s is not None for line in voiceover.lines):
        return list(lengths)
    missing = until(voiceover, speech) - sum(lengths)
    if missing <= 0 or not any(free):
        return list(lengths)
    share = missing / sum(length for length, is_free in zip(lengths, free, strict=True) if is_free)
    return [
        length * (1 + share) if is_free else length for length, is_free in zip(lengths, free, strict=True)
    ]


def last_frame(end_frame: int, params: MediaRender, fps: Fraction, speech: Speech | None) -> int:
    """Where the last visual ends: not before the last word was said. Frames, exclusive.

    Nor before what was placed by hand has begun, as far as the voice was likely to speak until then.
    """
    voiceover = params.voiceover
    if voiceover is None or speech is None:
        return end_frame
    return max(end_frame, ceil(max(until(voiceover, speech), _placed_until(params, voiceover)) * fps))


def _placed_until(params: MediaRender, voiceover: Voiceover) -> Fraction:
    """How long texts and sounds that were placed by hand keep the picture, in seconds."""
    return min(needed_s(params), until(voiceover, estimated(voiceover)))


def voice_media(params: MediaRender, speech: Speech | None) -> tuple[Media, ...]:
    """The file that the worker makes, once it is made."""
    if params.voiceover is None or speech is None:
        return ()
    whole = sum(speech.lengths, Fraction(0))
    return (Media(id=VOICE_MEDIUM, kind=MediaKind.AUDIO, name=VOICE_FILE, duration=whole),)


def voice_tracks(params: MediaRender, timeline: Timeline, speech: Speech | None) -> Iterator[AudioTrack]:
    """The voice on its timeline; clips are named by what is said in them."""
    if params.voiceover is None or speech is None:
        return
    rate = timeline.sample_rate
    starts = accumulate(speech.lengths, initial=Fraction(0))
    clips = tuple(
        AudioClip(
            media=VOICE_MEDIUM,
            start_sample=round(item.start * rate),
            end_sample_exclusive=round(item.end * rate),
            source_start=source,
            source_end=source + item.end - item.start,
            gain=speech.gain,
            name=item.line.text,
        )
        for item, source in zip(said(params.voiceover, speech), starts, strict=False)
    )
    yield AudioTrack(clips=clips, name="voiceover", role=ROLE)
