"""media-render: one MP4 from pictures, clips, music and texts.

Says what may be asked, what it costs and which timeline is meant; opens no media and knows no codec.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil

from pydantic import JsonValue

from farm.catalog import Catalog, read_catalog
from farm.kinds import Kind, TaskSpec
from farm.models import Capability
from farm.moderation import Told
from farm.money import PriceLine
from farm.settings import Settings
from farm.timeline import Timeline
from tasks.media_render import segments
from tasks.media_render.effects import effects_notes
from tasks.media_render.imported import notes_of
from tasks.media_render.layout import timeline_of
from tasks.media_render.music import told, tune_of, unheard
from tasks.media_render.on_screen import on_screen_notes
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
from tasks.media_render.planning.stage import (
    LISTEN,
    LOOK,
    PLAN,
    add_ons,
    is_unplanned,
    likely_plan,
    planning_tasks,
    unplanned_notes,
)
from tasks.media_render.profiles import PROFILES
from tasks.media_render.speaking import STEP as SPEAK
from tasks.media_render.speaking import price_mc as speech_price_mc
from tasks.media_render.speaking import speaking
from tasks.media_render.target import target_notes
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
    "as_planned",
    "likely_timeline",
    "timeline_of",
]

_START_S = 2.0
_SOFT_MINIMUM_S = 900.0


def plan(params: MediaRender) -> Sequence[TaskSpec]:
    """One task renders it all, on one slot, after those in which a service speaks, if one does.

    A long film is only laid out by it, which then grows tasks for its segments. What is to be planned first
    has the tasks for that; the last of them grows these.
    """
    likely = likely_timeline(params)  # what cannot be laid out is refused now
    profile = PROFILES[params.profile]
    pictures_s = likely.end_frame_exclusive * segments.frame_s(likely, profile)
    if is_unplanned(params):
        return planning_tasks(_settled(params), _START_S + pictures_s)
    timeline = timeline_of(params)
    whole = _whole(params, timeline, _START_S + pictures_s)
    if not segments.is_long(pictures_s, read_catalog(Settings()).segments, incremental=params.incremental):
        return whole
    lines = len(params.voiceover.lines) if params.voiceover else 0
    return [*whole[:-1], segments.first_task(whole[-1], likely, pictures_s, lines)]


def _whole(params: MediaRender, timeline: Timeline, estimated_s: float) -> list[TaskSpec]:
    """All of it in one task, the last of these."""
    soft_s = max(_SOFT_MINIMUM_S, 20 * estimated_s)
    speech = speaking(params)
    return [
        *speech,
        TaskSpec(
            name=segments.RENDER,
            step=segments.RENDER,
            pool=segments.POOL,
            params={
                "timeline": timeline.model_dump(mode="json"),
                "file_name": params.output_file_name,
                "profile": params.profile,
                "copy_untouched": params.copy_untouched,
                "contact_sheet": params.contact_sheet,
                "poster": params.poster,
                "subtitles": params.subtitles,
                "chapters": params.chapters,
                "otio": params.otio,
                "incremental": params.incremental,
                "notes": list(_notes(params, timeline)),
                **_about_music(params),
                "unspoken": _settled(params).model_dump(mode="json") if params.voiceover else None,
            },
            needs=tuple(task.name for task in speech),
            inputs=tuple(medium.id for medium in timeline.media if medium.builtin is None),
            requires=PROFILES[params.profile].requires,
            estimated_s=estimated_s,
            soft_s=soft_s,
            hard_s=soft_s + 60,
        ),
    ]


def _notes(params: MediaRender, timeline: Timeline) -> Iterator[str]:
    """What a person should know before anything is rendered."""
    yield from notes_of(params)
    yield from unplanned_notes(params)
    yield from target_notes(params, timeline.duration)
    yield from effects_notes(params, timeline)
    yield from on_screen_notes(params, timeline)


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


def as_planned(params: MediaRender) -> MediaRender:
    """The request as it will be laid out, as far as that is known before anybody has looked or listened."""
    return likely_plan(params) if is_unplanned(params) else params


def likely_timeline(params: MediaRender) -> Timeline:
    """The timeline as long as it is likely to be: a voiceover's length is only known once it was spoken.

    Raises BadRequest naming the parameter that cannot be met, whatever is planned and spoken.
    """
    shown = as_planned(params)
    return timeline_of(shown, speech=estimated(shown.voiceover) if shown.voiceover else None)


def price_mc(params: MediaRender, catalog: Catalog) -> int:
    """credits = max(minimum, minutes x per_minute + add-ons), two decimals, up."""
    return sum(line.amount_mc for line in breakdown(params, catalog))


def breakdown(params: MediaRender, catalog: Catalog, shown: MediaRender | None = None) -> Sequence[PriceLine]:
    """What the price is made of: the picture's minutes and the add-ons, or the minimum alone.

    `shown` is the request once it was planned; its length is then the one that counts.
    """
    prices = {name: Fraction(text) for name, text in catalog.render_prices.items()}
    timeline = likely_timeline(shown or params)
    # A sound may belong to a visual that the likely plan leaves out, and the plan may not.
    is_heard = any(not track.is_voice for track in timeline.audio) or (
        shown is None and params.sfx_placements
    )
    extra = {
        "audio": prices["audio"] if is_heard else Fraction(0),
        "voiceover": _spoken_minutes(params) * prices["voiceover_per_minute"]
        + Fraction(speech_price_mc(params, catalog), 1000),
        **add_ons(params, prices, catalog),
    }
    asked = timeline.duration / 60 * prices["per_minute"] + sum(extra.values())
    if asked <= prices["minimum"]:
        return [PriceLine("minimum", _mc(prices["minimum"]))]
    lines = [PriceLine(name, _mc(credits)) for name, credits in extra.items() if credits]
    return [PriceLine("video", _mc(asked) - sum(line.amount_mc for line in lines)), *lines]


def _spoken_minutes(params: MediaRender) -> Fraction:
    return sum(estimated(params.voiceover).lengths, Fraction(0)) / 60 if params.voiceover else Fraction(0)


def _mc(credits: Fraction) -> int:
    """Two decimals of a credit, rounded up."""
    return 10 * ceil(credits * 100)


def _told(params: MediaRender) -> Told:
    """What a voice is to say; texts to be read are its customer's own, as pictures are."""
    lines = params.voiceover.lines if params.voiceover else ()
    return Told(capability=Capability.SPEECH, texts={"voiceover": "\n".join(line.text for line in lines)})


KIND = Kind(
    name=MediaRender.kind,
    version=4,
    params=MediaRender,
    plan=plan,
    price_mc=price_mc,
    breakdown=breakdown,
    steps={
        segments.RENDER: "workers.cpu_render.media_render:perform",
        segments.TIMELINE: "workers.cpu_render.segments.layout:perform",
        segments.SEGMENT: "workers.cpu_render.segments.pictures:perform",
        segments.SOUND: "workers.cpu_render.segments.sound:perform",
        segments.JOIN: "workers.cpu_render.segments.whole:perform",
        SPEAK: "workers.cpu_render.speaking:perform",
        LOOK: "workers.vision_describe.look:perform",
        LISTEN: "workers.asr_align.listen:perform",
        PLAN: "workers.cpu_render.planning:perform",
    },
    summary="One film from pictures, clips, music and texts: MP4, or WebM, MOV or GIF by profile. "
    "On request with contact sheet, poster, subtitles, chapters and its .otio.",
    told=_told,
)
