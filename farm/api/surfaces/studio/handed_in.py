"""Files that a request names: what was uploaded to the studio, and what was generated there before."""

import re

from farm.account import Account
from farm.api.desk import Desk
from farm.asset import Asset
from farm.doors import assets
from farm.doors.generations import no_such_file
from farm.doors.lending import lend
from farm.errors import BadRequest, NotFound
from farm.media_types import extension_of
from farm.timeline import MediaKind

_UPLOADED = re.compile(r"(asset_[0-9a-z]{22})(\.[a-z0-9]{1,5})?")
_WORDS = {MediaKind.IMAGE: "a picture", MediaKind.VIDEO: "a video", MediaKind.AUDIO: "a sound"}


def uploaded_name(asset: Asset) -> str:
    """What the studio calls a file that was uploaded: its id, with the ending of its type."""
    return f"{asset.id}{extension_of(asset.content_type)}"


def uploaded(desk: Desk, account: Account, name: str) -> Asset:
    """The account's uploaded file of that name. Raises NotFound."""
    found = _UPLOADED.fullmatch(name)
    if found is None:
        raise no_such_file()
    try:
        return assets.asset(desk.hall, account, found[1])
    except NotFound:
        raise no_such_file() from None


def handed_in(desk: Desk, account: Account, name: str, param: str, kind: MediaKind) -> Asset:
    """The file as an asset, ready to be read by a job.

    Raises NotFound for what is not the account's or is gone, BadRequest for another medium, naming `param`.
    """
    try:
        is_upload = _UPLOADED.fullmatch(name) is not None
        asset = uploaded(desk, account, name) if is_upload else lend(desk.hall, account, _plain(name))
    except NotFound as error:
        raise NotFound(f"{param}: {error.message}", param=param) from None
    if asset.media_kind != kind:
        raise BadRequest(f"{param}: {asset.file_name} is not {_WORDS[kind]}.", param=param)
    try:
        assets.require_uploaded(desk.hall, desk.blobs, [asset])
    except BadRequest as error:
        raise BadRequest(f"{param}: {error.message}", param=param, code=error.public_code) from None
    return asset


def _plain(name: str) -> str:
    """No store keeps a NUL, so nothing can be found under one."""
    if "\0" in name:
        raise no_such_file()
    return name
