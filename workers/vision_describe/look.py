"""Performs a `look` task: measures pictures and clips, and finds those that show the same.

It knows no objects: what it writes down was measured, and nothing is guessed. Faces are counted where the
counter of the descriptions is installed.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial

import numpy as np
from pydantic import JsonValue

from farm.timeline import MediaKind
from tasks.media_render.planning.findings import LOOKED, Looked, Seen
from tasks.media_render.planning.stage import LookParams
from workers.context import Context, Done, InputFile, Output, TaskInput
from workers.media.colour import Converter
from workers.media.probe import MediaInfo, probe
from workers.media.stills import open_still
from workers.vision_describe.counting import faces_in
from workers.vision_describe.detail import Glance, glance, lightness, sharpness, small
from workers.vision_describe.watching import watch

_MOST_TOLD = 200
Known = list[tuple[Seen, Sequence[Glance]]]


def perform(task: TaskInput, context: Context) -> Done:
    """Look at every visual. Raises AssetUnreadable naming the one that cannot be."""
    params = LookParams.model_validate(dict(task.params))
    known: Known = []
    for index, asset_id in enumerate(params.visuals):
        on_share = partial(_on_share, context, index, len(params.visuals))
        on_share(0.0)
        fact, glances = _looked_at(asset_id, task.inputs[asset_id], on_share)
        known.append((fact.model_copy(update={"twin_of": _twin_of(fact, glances, known)}), glances))
    path = context.workdir / "looked.json"
    path.write_text(Looked(visuals=tuple(fact for fact, _ in known)).model_dump_json())
    context.log(f"Looked at {len(known)} visuals.")
    outputs = [Output(LOOKED, path, "looked.json", "application/json", intermediate=True)]
    return Done(outputs, _told([fact for fact, _ in known]))


def _told(seen: Sequence[Seen]) -> dict[str, JsonValue]:
    """What the job says of the visuals."""
    told: set[str] = {"asset_id", "sharpness", "lightness", "twin_of", "faces"}
    visuals: list[JsonValue] = [fact.model_dump(mode="json", include=told) for fact in seen[:_MOST_TOLD]]
    return {"visuals": visuals}


def _on_share(context: Context, index: int, count: int, share: float) -> None:
    context.progress((index + share) / count, "look")


def _looked_at(
    asset_id: str, file: InputFile, on_share: Callable[[float], None]
) -> tuple[Seen, Sequence[Glance]]:
    info = probe(file.path, file.file_name)
    if info.kind is MediaKind.VIDEO:
        return _clip(asset_id, file, info, on_share)
    planes = small(open_still(file.path, file.file_name), Converter())
    luma = np.asarray(planes.y, np.float32)
    fact = Seen(
        asset_id=asset_id,
        kind=MediaKind.IMAGE,
        width=info.width or planes.width,
        height=info.height or planes.height,
        sharpness=round(sharpness(luma), 3),
        lightness=round(lightness(luma), 3),
        faces=faces_in(planes),
    )
    return fact, (glance(planes),)


def _clip(
    asset_id: str, file: InputFile, info: MediaInfo, on_share: Callable[[float], None]
) -> tuple[Seen, Sequence[Glance]]:
    duration = info.duration or Fraction(1)
    found = watch(file.path, duration, file.file_name, on_share)
    fact = Seen(
        asset_id=asset_id,
        kind=MediaKind.VIDEO,
        width=info.width or 1,
        height=info.height or 1,
        sharpness=float(np.median(found.sharp)),
        lightness=float(np.median(found.light)),
        duration_s=float(duration),
        step_s=found.step_s,
        sharp=found.sharp,
        light=found.light,
        motion=found.motion,
        shots=found.shots,
        faces=found.faces,
    )
    return fact, found.glances


def _twin_of(fact: Seen, glances: Sequence[Glance], known: Known) -> str | None:
    """The first before it that shows the same."""
    like = (other.asset_id for other, theirs in known if _are_twins(fact, glances, other, theirs))
    return next(like, None)


def _are_twins(one: Seen, glances: Sequence[Glance], other: Seen, theirs: Sequence[Glance]) -> bool:
    """Pictures with pictures, clips with clips of about one length: alike wherever they were looked at."""
    if one.kind is not other.kind or len(glances) != len(theirs):
        return False
    if abs((one.duration_s or 0) - (other.duration_s or 0)) > 0.5:
        return False
    return all(mine.is_like(its) for mine, its in zip(glances, theirs, strict=True))
