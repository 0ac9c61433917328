"""Declare a file and get the URL to put it at."""

from typing import Annotated

from fastapi import Path

from farm.api.desk import AtDesk, BaseUrl, SignedIn
from farm.api.native.paging import Cursor, Limit
from farm.api.native.wire import AssetPage, AssetRequest, AssetView, Upload
from farm.api.routing import farm_router, submits
from farm.api.uploads import declared, upload_url
from farm.asset import Asset
from farm.doors import assets

router = farm_router("/farm/v1", "assets")


@router.post("/assets", status_code=201, openapi_extra=submits("native"))
def create(body: AssetRequest, desk: AtDesk, caller: SignedIn, base_url: BaseUrl) -> Upload:
    """Declare one file; the answer says where to send its bytes."""
    meta = {"duration_s": body.duration_s, "width": body.width, "height": body.height}
    new = declared(desk, body.file_name, body.content_type, body.size_bytes, meta)
    asset = assets.declare(desk.hall, caller.account, [new])[0]
    return Upload(
        asset=_view(asset),
        upload_url=upload_url(desk, asset, base_url),
        method="PUT",
        headers={"Content-Type": asset.content_type, "Content-Length": str(asset.size_bytes)},
        expires_in=desk.hall.catalog.limits.upload_url_s,
    )


@router.get("/assets")
def index(desk: AtDesk, caller: SignedIn, limit: Limit = 50, cursor: Cursor = None) -> AssetPage:
    """The account's files that have not expired, newest first, those of media projects too."""
    after = assets.asset(desk.hall, caller.account, cursor) if cursor else None
    found = assets.list_assets(desk.hall, caller.account, after=after, limit=limit + 1)
    page = found[:limit]
    return AssetPage(
        data=[_view(asset) for asset in page], next_cursor=page[-1].id if len(found) > limit else None
    )


@router.get("/assets/{asset_id}")
def show(asset_id: Annotated[str, Path(max_length=64)], desk: AtDesk, caller: SignedIn) -> AssetView:
    """One declared file."""
    return _view(assets.asset(desk.hall, caller.account, asset_id))


def _view(asset: Asset) -> AssetView:
    return AssetView(
        id=asset.id,
        file_name=asset.file_name,
        content_type=asset.content_type,
        media_kind=asset.media_kind,
        size_bytes=asset.size_bytes,
        state=asset.state,
        created_at=asset.created_at,
        expires_at=asset.expires_at,
    )
