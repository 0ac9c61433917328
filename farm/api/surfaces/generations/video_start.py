"""Brings a video from its request to the farm's doors: what is cheap is checked before any URL is called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fastapi.concurrency import run_in_threadpool

from farm.account import Account, Caller
from farm.api.desk import Desk
from farm.api.fetched import Wanted, fetched
from farm.api.generation import within_tier
from farm.api.surfaces.generations import video_spec
from farm.api.surfaces.generations.video_size import size_of
from farm.api.surfaces.generations.video_wire import VideoSettings
from farm.asset import Asset
from farm.catalog import Catalog
from farm.doors.submit import order
from farm.doors.webhooks import check_url
from farm.generation import SURFACE
from farm.generation_limits import limits_of
from farm.job import JobSpec
from farm.models import Capability, Model, Wish
from farm.providers import AUTO, Route
from tasks.multi_shot import MultiShot

ROW_PREFIX = "vid"
PENDING = "asset_pending"  # stands for a picture that has not been fetched


@dataclass(frozen=True, slots=True)
class Pictures:
    """What the URLs of a call led to; before they are fetched, nothing is known of any."""

    by_url: Mapping[str, Asset]

    def ids(self, urls: Sequence[str]) -> dict[str, str]:
        return {url: self.by_url[url].id if url in self.by_url else PENDING for url in urls}

    def size(self, url: str | None) -> tuple[int, int] | None:
        """Of the picture at that URL, where its bytes told."""
        asset = self.by_url.get(url) if url is not None else None
        return shape_of(asset.meta) if asset is not None else None


UNFETCHED = Pictures({})


def shape_of(meta: Mapping[str, Any]) -> tuple[int, int] | None:
    """Width and height of a picture, where its bytes told."""
    return (int(meta["width"]), int(meta["height"])) if "width" in meta else None


def size_for(
    desk: Desk,
    account: Account,
    body: VideoSettings,
    picture: str | None,
    pictures: Pictures,
    seconds: float | None,
) -> tuple[int, int]:
    """Width and height of a video that begins with the picture at that URL (C-091), or with none."""
    catalog = desk.hall.catalog
    most = limits_of(catalog, account.tier).video_side
    model = model_of(catalog, body.model, has_image=picture is not None, seconds=seconds)
    return size_of(body.aspect_ratio, body.resolution, pictures.size(picture), model, most)


def model_of(
    catalog: Catalog, name: str, *, has_image: bool, seconds: float | Decimal | None = None
) -> Model | None:
    """The model that would do it first; None where only providers.toml knows it. Raises BadRequest.

    That also for more `seconds` than it makes; of "auto" than any model that it may mean.
    """
    route = Route(
        capability=Capability.IMAGE_TO_VIDEO if has_image else Capability.TEXT_TO_VIDEO,
        model=name,
        wish=Wish(length_s=None if seconds is None else Decimal(str(seconds))),
    )
    book = catalog.models
    with video_spec.wire_names():
        first = book.known(catalog.providers.model_of(route))
        others = catalog.providers.models_of(route) if name == AUTO else []
    video_spec.check_length([first, *map(book.known, others)], name, seconds)
    return first


def check(desk: Desk, spec: JobSpec, prefix: str = "") -> None:
    """Raise what its submit would: for its texts, its model, its numbers."""
    with video_spec.wire_names(prefix):
        order(desk.hall, spec)


async def fetch(desk: Desk, account: Account, wanted: Sequence[Wanted], base_url: str) -> Pictures:
    """All pictures of a call. Raises BadRequest naming the field."""
    found = await fetched(desk, account, wanted, base_url)
    return Pictures({item.url: asset for item, asset in zip(wanted, found, strict=True)})


async def check_webhook(desk: Desk, url: str | None) -> None:
    """Raise BadRequest `url_refused` unless the farm may call it."""
    if url is not None:
        await run_in_threadpool(check_url, desk.hall, url, "webhook_url")


def spec_of(
    desk: Desk, caller: Caller, params: video_spec.VideoParams, body: VideoSettings, *, prefix: str
) -> JobSpec:
    """As the doors take it. `prefix` begins its id; what belongs to a batch is told and timed with it."""
    in_batch = prefix == ROW_PREFIX
    return JobSpec(
        params=within_tier(desk.hall.catalog, caller.account, params),
        surface=SURFACE,
        id_prefix=prefix,
        webhook_url=None if in_batch else body.webhook_url,
        auto_retry=body.webhook_auto_retry,
        deadline=None if in_batch else deadline(desk, params, auto_retry=body.webhook_auto_retry),
    )


def deadline(desk: Desk, params: video_spec.VideoParams, *, auto_retry: bool) -> float | None:
    """When a video counts as timed out (C-093), in Unix seconds: later with more shots, or more rounds."""
    limit_s = desk.hall.catalog.api.video_s
    if not limit_s:
        return None
    shots = len(params.shots) if isinstance(params, MultiShot) else 1
    rounds = 1 + (desk.hall.catalog.scheduling.auto_retry_rounds if auto_retry else 0)
    return desk.hall.clock.now() + limit_s * shots * rounds
