"""`farm keys`: make, list and revoke API keys. Runs on the farm's own host: it opens the store."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from farm.cli.accounts import amount_mc
from farm.cli.console import AsJson, print_json, print_listing, remark, say, when
from farm.cli.host import opened_hall
from farm.doors.accounts import KeyView, create_key, ensure_account, list_keys, revoke_key
from farm.doors.audit import who_is_here
from farm.doors.budgets import set_budget
from farm.errors import BadRequest
from farm.money import credits as in_credits
from farm.money import milli

app = typer.Typer(no_args_is_help=True)

_COLUMNS = {
    "prefix": "Prefix",
    "account": "Account",
    "tier": "Tier",
    "name": "Name",
    "operator": "Operator",
    "budget": "Monthly budget",
    "spent": "Spent",
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
    budget: Annotated[str | None, typer.Option(help="Credits it may spend a month; default: all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown once: alone on the last line of stdout."""
    with opened_hall() as hall:
        owner = ensure_account(hall, account, tier, balance_mc=None if credits is None else milli(credits))
        if owner.tier != tier:
            raise BadRequest(
                f"Account {account!r} exists in tier {owner.tier!r}, not {tier!r}.", param="tier"
            )
        budget_mc = None if budget is None else amount_mc(budget)
        key = create_key(hall, owner, name=name, is_operator=operator, budget_mc=budget_mc, who=who_is_here())
    if as_json:
        print_json({"key": key.text, "prefix": key.prefix, "account": owner.name, "tier": owner.tier})
        return
    remark(f"Key for account {owner.name} ({owner.tier}). Keep it: it is not shown again.", style="dim")
    say(key.text)


@app.command()
def ls(
    account: Annotated[str | None, typer.Option(help="Only this account's.")] = None, as_json: AsJson = False
) -> None:
    """List keys, oldest first. The keys themselves are not kept."""
    with opened_hall() as hall:
        found = [_json(key) for key in list_keys(hall, account)]
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
    with opened_hall() as hall:
        revoke_key(hall, prefix, who=who_is_here())
    say(f"{prefix} is revoked.")


@app.command("set-budget")
def change_budget(
    prefix: Annotated[str, typer.Argument(help="As `farm keys ls` shows it.")],
    budget: Annotated[str, typer.Argument(help="Credits a calendar month, or `none`.")],
) -> None:
    """Limit what a key may spend in a month; its account is told at 80 and at 100 percent."""
    with opened_hall() as hall:
        set_budget(hall, prefix, None if budget == "none" else amount_mc(budget), who=who_is_here())
    said = "no budget" if budget == "none" else f"{budget} credits a month"
    say(f"{prefix} has {said}.")


def _json(key: KeyView) -> dict[str, Any]:
    shown = asdict(key)
    budget_mc = shown.pop("budget_mc")
    del shown["spent_mc"]
    return shown | {
        "budget": None if budget_mc is None else in_credits(budget_mc),
        "spent": None if budget_mc is None else in_credits(key.spent_mc),
    }
