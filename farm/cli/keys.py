"""`farm keys`: make, list and revoke API keys. Runs on the farm's own host: it opens the store."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer

from farm.cli.console import AsJson, print_json, print_listing, remark, say, when
from farm.doors.accounts import create_key, ensure_account, list_keys, revoke_key
from farm.doors.hall import Hall, open_hall
from farm.errors import BadRequest
from farm.money import milli
from farm.settings import Settings

app = typer.Typer(no_args_is_help=True)

_COLUMNS = {
    "prefix": "Prefix",
    "account": "Account",
    "tier": "Tier",
    "name": "Name",
    "operator": "Operator",
    "created": "Created",
    "revoked": "Revoked",
}


@app.command()
def create(
    account: Annotated[str, typer.Option(help="The account's name; made when it is new.")],
    tier: Annotated[str, typer.Option(help="The tier of a new account; see configs/tiers.toml.")] = "free",
    name: Annotated[str, typer.Option(help="What the key is for.")] = "",
    operator: Annotated[
        bool, typer.Option("--operator", help="The key may see and steer the whole farm.")
    ] = False,
    credits: Annotated[
        int | None, typer.Option(min=0, help="Credits of a new account; default: not metered.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown once: alone on the last line of stdout."""
    with _hall() as hall:
        owner = ensure_account(hall, account, tier, balance_mc=None if credits is None else milli(credits))
        if owner.tier != tier:
            raise BadRequest(
                f"Account {account!r} exists in tier {owner.tier!r}, not {tier!r}.", param="tier"
            )
        key = create_key(hall, owner, name=name, is_operator=operator)
    if as_json:
        print_json({"key": key.text, "prefix": key.prefix, "account": owner.name, "tier": owner.tier})
        return
    remark(f"Key for account {owner.name} ({owner.tier}). Keep it: it is not shown again.", style="dim")
    say(key.text)


@app.command()
def ls(
    account: Annotated[str | None, typer.Option(help="Only this account's.")] = None, as_json: AsJson = False
) -> None:
    """List keys, oldest first; never their text."""
    with _hall() as hall:
        found = [asdict(key) for key in list_keys(hall, account)]
    shown = [
        row
        | {
            "operator": row["is_operator"],
            "created": when(row["created_at"]),
            "revoked": when(row["revoked_at"]),
        }
        for row in found
    ]
    print_listing(
        found if as_json else shown, _COLUMNS, as_json=as_json, empty="No keys yet: farm keys create"
    )


@app.command()
def revoke(prefix: Annotated[str, typer.Argument(help="As `farm keys ls` shows it.")]) -> None:
    """Refuse a key from now on."""
    with _hall() as hall:
        revoke_key(hall, prefix)
    say(f"{prefix} is revoked.")


@contextmanager
def _hall() -> Iterator[Hall]:
    hall = open_hall(Settings())
    try:
        yield hall
    finally:
        hall.close()
