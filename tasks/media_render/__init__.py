"""media-render: one MP4 from pictures, clips, music and texts.

Says what may be asked, what it costs and which timeline is meant; opens no media and knows no codec.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

from pydantic import JsonValue

from farm.catalog import Catalog
from farm.kinds import Kind, TaskSpec
from farm.money import PriceLine
from farm.timeline import Timeline
from tasks.media_render.imported import notes_of
from tasks.media_render.layout import timeline_of
from tasks.media_render.music import told, tune_of, unheard
from tasks.media_render.params import (
    AssetDuration,
    MediaRender,
    Placement,
    RenderAsset,
    SfxPlacement,
    SpokenLine,
    TextOverlay,
    Voiceover,
)
from tasks.media_render.profiles import PROFILES
from tasks.media_render.voiceover import estimated

__all__ = [
    "KIND",
    "AssetDuration",
    "MediaRender",
    "Placement",
    "RenderAsset",
    "SfxPlacement",
    "SpokenLine",
    "TextOverlay",
    "Voiceover",
    "timeline_of",
]

_ESTIMATED_S_PER_FRAME = 0.025  # measured: 900 frames of 1080x1920 cost about 20 CPU seconds
_START_S = 2.0
_SOFT_MINIMUM_S = 900.0


def plan(params: MediaRender) -> Sequence[TaskSpec]:
    """One task renders it all, on one slot."""
    timeline = timeline_of(params)
    profile = PROFILES[params.profile]
    frames = _likely(params).end_frame_exclusive
    estimated_s = _START_S + frames * _ESTIMATED_S_PER_FRAME * profile.cost
    soft_s = max(_SOFT_MINIMUM_S, 20 * estimated_s)
    return [
        TaskSpec(
            name="render",
            step="render",
            pool="cpu-render",
            params={
                "timeline": timeline.model_dump(mode="json"),
                "file_name": params.output_file_name,
                "profile": params.profile,
                "contact_sheet": params.contact_sheet,
                "poster": params.poster,
                "subtitles": params.subtitles,
                "chapters": params.chapters,
                "otio": params.otio,
                "notes": list(notes_of(params)),
                **_about_music(params),
                "unspoken": _settled(params).model_dump(mode="json") if params.voiceover else None,
            },
            inputs=tuple(medium.id for medium in timeline.media if medium.builtin is None),
            requires=profile.requires,
            estimated_s=estimated_s,
            soft_s=soft_s,
            hard_s=soft_s + 60,
        )
    ]


def _about_music(params: MediaRender) -> dict[str, JsonValue]:
    """What the worker is told beyond the timeline: the tune that was chosen, and what waits for its ears."""
    found, request = tune_of(params), unheard(params)
    return {
        "music": told(found).model_dump(mode="json") if found else None,
        "unheard": request.model_dump(mode="json") if request else None,
    }


def _settled(params: MediaRender) -> MediaRender:
    """The request with the tune that was chosen here, so that a worker that lays it out anew has the same."""
    found = tune_of(params)
    return params.model_copy(update={"bgm_query": found.tune.name}) if found else params


def _likely(params: MediaRender) -> Timeline:
    """The timeline as long as it is likely to be: a voiceover's length is only known once it was spoken."""
    return timeline_of(params, speech=estimated(params.voiceover) if params.voiceover else None)


def price_mc(params: MediaRender, catalog: Catalog) -> int:
    """credits = max(minimum, minutes x per_minute + audio + voiceover), two decimals, up."""
    return sum(line.amount_mc for line in breakdown(params, catalog))


def breakdown(params: MediaRender, catalog: Catalog) -> Sequence[PriceLine]:
    """What the price is made of: the picture's minutes, the sound and the voiceover, or the minimum alone."""
    prices = {name: Fraction(text) for name, text in catalog.render_prices.items()}
    timeline = _likely(params)
    add_ons = {
        "audio": prices["audio"] if any(not track.is_voice for track in timeline.audio) else Fraction(0),
        "voiceover": _spoken_minutes(params) * prices["voiceover_per_minute"],
    }
    asked = timeline.duration / 60 * prices["per_minute"] + sum(add_ons.values())
    if asked <= prices["minimum"]:
        return [PriceLine("minimum", _mc(prices["minimum"]))]
    lines = [PriceLine(name, _mc(credits)) for name, credits in add_ons.items() if credits]
    return [PriceLine("video", _mc(asked) - sum(line.amount_mc for line in lines)), *lines]


def _spoken_minutes(params: MediaRender) -> Fraction:
    return sum(estimated(params.voiceover).lengths, Fraction(0)) / 60 if params.voiceover else Fraction(0)


def _mc(credits: Fraction) -> int:
    """Two decimals of a credit, rounded up."""
    return 10 * ceil(credits * 100)


KIND = Kind(
    name=MediaRender.kind,
    version=2,
    params=MediaRender,
    plan=plan,
    price_mc=price_mc,
    breakdown=breakdown,
    steps={"render": "workers.cpu_render.media_render:perform"},
    summary="One film from pictures, clips, music and texts: MP4, or WebM, MOV or GIF by profile. "
    "On request with contact sheet, poster, subtitles, chapters and its .otio.",
)
