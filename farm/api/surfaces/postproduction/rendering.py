"""`render: true` over HTTP: one call composes the cut and makes one job of it, with the file and the film.

The job is submitted like any other and ends when the film does; the composed timeline is in the answer.
"""

from fastapi.responses import JSONResponse, Response

from farm.account import Account
from farm.api.desk import Desk
from farm.api.surfaces.postproduction import wire
from farm.asset import Asset
from farm.doors import assets
from farm.errors import BadRequest
from tasks.compose_otio import BrokenManifest, Finding, Manifest
from tasks.compose_otio.findings import pointer
from tasks.compose_otio.manifest import Item
from tasks.compose_otio.rendering import used_items

_ACCEPTED = 202


class RenderView(wire.Answer):
    """The job that writes the `.otio` and renders it; look for its end, and its files, at `statusUrl`."""

    job_id: str
    status: str = "queued"
    status_url: str


class RenderedView(wire.ComposedView):
    """The timeline, and the film that is being made of it. `credits` are for both."""

    render: RenderView


class RenderAnswer(wire.Answer):
    """`render: true`."""

    data: RenderedView
    meta: wire.Meta


def require_assets(desk: Desk, account: Account, manifest: Manifest) -> None:
    """Check that what is to be rendered has been uploaded and is what it is said to be.

    Nothing to check where no render is asked for. Raises BrokenManifest with everything that is wrong.
    """
    if not manifest.render:
        return
    used = used_items(manifest)
    known = assets.assets_named(desk.hall, account, sorted({item.asset or "" for item in used.values()}))
    faults = [_fault(desk, index, item, known.get(item.asset or "")) for index, item in used.items()]
    if found := [fault for fault in faults if fault is not None]:
        raise BrokenManifest(found)


def _fault(desk: Desk, index: int, item: Item, asset: Asset | None) -> Finding | None:
    """What is wrong with the item's upload, if anything."""
    place = pointer("folder", "items", index, "asset")

    def wrong(code: str, said: str) -> Finding:
        return Finding(code=code, path=place, message=said, item_id=item.id, got=item.asset)

    if asset is None:
        return wrong("unknown_asset", "There is no such asset.")
    if asset.media_kind != item.kind:
        return wrong("kind_mismatch", f"{asset.file_name} is of kind {asset.media_kind}.")
    try:
        assets.require_uploaded(desk.hall, desk.blobs, [asset])
    except BadRequest as error:
        is_expired = error.public_code == "asset_expired"
        return wrong("asset_expired" if is_expired else "asset_not_ready", error.message)
    return None


def accepted(job_id: str, data: wire.ComposedView, meta: wire.Meta) -> Response:
    """202: the composed timeline now, the film later."""
    made = RenderView(job_id=job_id, status_url=f"/farm/v1/jobs/{job_id}")
    answer = RenderAnswer(
        data=RenderedView(**data.model_dump(by_alias=False), render=made),
        meta=meta.model_copy(update={"job_id": job_id}),
    )
    return JSONResponse(answer.model_dump(mode="json"), _ACCEPTED, {"Location": made.status_url})
