"""The studio's API keys: an account lists, makes and revokes its own."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel

from farm.api.desk import AtDesk, SignedIn
from farm.api.routing import farm_router
from farm.api.surfaces.studio.asked import KeyBody
from farm.api.surfaces.studio.errors import REFUSALS
from farm.api.surfaces.studio.shown import when
from farm.doors import own_keys
from farm.doors.own_keys import OwnKey

router = farm_router("/api/keys", "studio")

Number = Annotated[int, Path(ge=1, lt=2**63)]


class KeyView(BaseModel):
    """A key as it may be listed: never its text. `last_used` is true to the minute."""

    id: int
    prefix: str
    name: str
    created_at: str
    last_used: str | None
    is_active: bool

    @classmethod
    def of(cls, key: OwnKey) -> "KeyView":
        return cls(**_told(key))


class NewKeyView(KeyView):
    """A key that was made just now. `key` is shown here and never again."""

    key: str


class Keys(BaseModel):
    """Oldest first."""

    keys: list[KeyView]


class RevokedView(BaseModel):
    """The key opens nothing any more."""

    id: int
    revoked: bool


@router.get("", responses=REFUSALS)
def list_keys(desk: AtDesk, caller: SignedIn) -> Keys:
    """List the account's keys."""
    return Keys(keys=[KeyView.of(key) for key in own_keys.list_own_keys(desk.hall, caller.account.id)])


@router.post("", responses=REFUSALS)
def create_key(body: KeyBody, desk: AtDesk, caller: SignedIn) -> NewKeyView:
    """Make a key with the rights of the one that asks. Store it: it is shown only once."""
    new, key = own_keys.create_own_key(desk.hall, caller, body.name, desk.hall.catalog.api.max_keys)
    return NewKeyView(key=new.text, **_told(key))


@router.delete("/{id}", responses=REFUSALS)
def revoke_key(id: Number, desk: AtDesk, caller: SignedIn) -> RevokedView:
    """Revoke a key, at once."""
    own_keys.revoke_own_key(desk.hall, caller, id)
    return RevokedView(id=id, revoked=True)


def _told(key: OwnKey) -> dict[str, object]:
    return {
        "id": key.id,
        "prefix": key.prefix,
        "name": key.name,
        "created_at": when(key.created_at),
        "last_used": when(key.last_used_at),
        "is_active": key.is_active,
    }
