"""scene-timestamps: when each scene of a narration begins, found by the words that it begins with.

The price goes by the sound's length, which the worker measures: what is held covers `max_duration_s`, what is
charged is by the true length and never more.
"""

from collections.abc import Sequence
from math import ceil

from farm.catalog import Catalog
from farm.kinds import Kind, TaskSpec
from farm.money import PriceLine, milli
from tasks.scene_timestamps.params import SceneCue, SceneTimestamps
from tasks.scene_timestamps.placed import Timed

__all__ = ["KIND", "SceneCue", "SceneTimestamps", "Timed", "breakdown", "price_mc"]

STEP = "align"
BASE, PER_AUDIO, PER_SCENES = (
    "scene_timestamps",
    "scene_timestamps_audio_block",
    "scene_timestamps_scene_block",
)
AUDIO_BLOCK_S = 300
SCENE_BLOCK = 10
_START_S = 2.0
_PER_S = 0.1  # of sound; slower without a device, faster with one
_SLOWEST = 4  # times the sound's own length


def plan(params: SceneTimestamps) -> Sequence[TaskSpec]:
    """One task: hear the sound, find the scenes."""
    soft_s = 300 + _SLOWEST * params.max_duration_s
    return [
        TaskSpec(
            name=STEP,
            step=STEP,
            pool="asr-align",
            params=params.model_dump(mode="json"),
            inputs=tuple(name for name in (params.audio, params.scenes_from) if name),
            estimated_s=_START_S + _PER_S * params.max_duration_s,
            soft_s=soft_s,
            hard_s=soft_s + 60,
        )
    ]


def price_mc(params: SceneTimestamps, catalog: Catalog) -> int:
    """For a sound of `max_duration_s`."""
    return sum(line.amount_mc for line in breakdown(params, catalog))


def breakdown(params: SceneTimestamps, catalog: Catalog) -> Sequence[PriceLine]:
    """The base, each started block of sound, and each started block of scenes after the first."""
    prices = catalog.postproduction_prices
    audio_blocks = max(1, ceil(params.max_duration_s / AUDIO_BLOCK_S))
    more_scenes = ceil(params.most_scenes / SCENE_BLOCK) - 1
    lines = [
        PriceLine("base", milli(prices[BASE])),
        PriceLine("audio", audio_blocks * milli(prices[PER_AUDIO])),
        PriceLine("scenes", more_scenes * milli(prices[PER_SCENES])),
    ]
    return [line for line in lines if line.amount_mc]


KIND = Kind(
    name=SceneTimestamps.kind,
    version=1,
    params=SceneTimestamps,
    plan=plan,
    price_mc=price_mc,
    breakdown=breakdown,
    steps={STEP: "workers.asr_align.timestamps:perform"},
    summary="When each scene of a narration begins, with transitions, intervals, subtitles and markers.",
)
