"""`farm accounts`: see customers and their credits. Runs on the farm's own host: it opens the store."""

from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer

from farm.cli.console import AsJson, out, print_json, print_listing, say, table, when
from farm.cli.host import opened_hall
from farm.doors import money, purse
from farm.doors.accounts import ensure_account
from farm.doors.audit import who_is_here
from farm.doors.customers import AccountView, find_account, list_accounts, set_limit, set_tier
from farm.errors import BadRequest
from farm.money import MILLI, MOST_CREDITS, credits, credits_text, milli

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The account's name or id.")]
Amount = Annotated[str, typer.Argument(help="Credits, with three decimals at most.")]

_COLUMNS = {
    "name": "Account",
    "public_id": "Id",
    "tier": "Tier",
    "balance": "Balance",
    "spent": "Spent (month)",
    "allowance": "Allowance",
    "keys": "Keys",
    "created": "Created",
}
_ENTRIES = {
    "created": "When",
    "entry": "Entry",
    "credits": "Credits",
    "job_id": "Job",
    "reference": "Reference",
}


@app.command()
def ls(as_json: AsJson = False) -> None:
    """List accounts with their credits."""
    with opened_hall() as hall:
        found = list_accounts(hall)
    rows = [_json(account) if as_json else _row(account) for account in found]
    columns = {key: heading for key, heading in _COLUMNS.items() if key != "public_id"}
    print_listing(rows, columns, as_json=as_json, empty="No accounts yet: farm accounts create")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="The new account's name.")],
    tier: Annotated[str, typer.Option(help="See configs/tiers.toml.")] = "free",
    credits: Annotated[str | None, typer.Option(help="Its first credits; default: not metered.")] = None,
) -> None:
    """Make an account; prints its id. An existing one stays as it is."""
    with opened_hall() as hall:
        balance_mc = None if credits is None else amount_mc(credits)
        say(ensure_account(hall, name, tier, balance_mc=balance_mc).public_id)


@app.command()
def show(
    account: Name,
    entries: Annotated[int, typer.Option(min=0, max=200, help="How many ledger entries.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show an account and what its credits did last."""
    with opened_hall() as hall:
        found = find_account(hall, account)
        held_mc = money.standing(hall, found.id).held_mc
        ledger = money.history(hall, found.id, limit=entries)
    if as_json:
        print_json(_json(found) | {"held": credits(held_mc), "entries": [_entry(entry) for entry in ledger]})
        return
    out().print(table([_row(found) | {"held": credits(held_mc)}], _COLUMNS | {"held": "Held"}))
    if ledger:
        rows = [_entry(entry) | {"created": when(entry.created_at)} for entry in ledger]
        out().print()
        out().print(table(rows, _ENTRIES))


@app.command()
def topup(
    account: Name,
    amount: Amount,
    reference: Annotated[
        str | None, typer.Option(help="A payment's id, say: it adds its credits only once.")
    ] = None,
) -> None:
    """Add credits that were bought."""
    with opened_hall() as hall:
        found = find_account(hall, account)
        if found.balance_mc is None:
            mend = f"farm accounts meter {account} {amount}"
            raise BadRequest(
                f"{account} is not metered: it pays nothing. Let it pay: {mend}", param="account"
            )
        done = purse.top_up(hall, found.public_id, amount_mc(amount), reference, who=who_is_here())
    if not done.is_new:
        say(f"{done.reference} had been added before.")
    say(f"{account} has {credits_text(done.balance_mc)} credits.")


@app.command()
def meter(account: Name, amount: Amount) -> None:
    """Make an account pay from now on, with this many credits to begin with."""
    with opened_hall() as hall:
        purse.meter(hall, find_account(hall, account).public_id, amount_mc(amount), who=who_is_here())
    say(f"{account} pays from now on.")


@app.command("set-tier")
def change_tier(account: Name, tier: Annotated[str, typer.Argument(help="See configs/tiers.toml.")]) -> None:
    """Move an account to another tier, with its waiting jobs."""
    with opened_hall() as hall:
        if tier not in hall.catalog.tiers:
            raise BadRequest(f"No tier {tier!r}; known: {', '.join(hall.catalog.tiers)}.", param="tier")
        set_tier(hall, find_account(hall, account), tier, who=who_is_here())
    say(f"{account} is in tier {tier}.")


@app.command("set-limit")
def change_limit(
    account: Name,
    tasks: Annotated[str, typer.Argument(help="Tasks at once in each pool, or `tier` for the tier's.")],
) -> None:
    """Limit how many of an account's tasks run at once."""
    if tasks != "tier" and not tasks.isdecimal():
        raise BadRequest(f"{tasks!r} is no number of tasks.", param="tasks")
    with opened_hall() as hall:
        set_limit(
            hall, find_account(hall, account), None if tasks == "tier" else int(tasks), who=who_is_here()
        )
        limit = find_account(hall, account).max_running
    say(f"Of {account} at most {limit} tasks run at once in each pool.")


@app.command("set-allowance")
def change_allowance(
    account: Name, amount: Annotated[str, typer.Argument(help="Credits a month, or `tier` for the tier's.")]
) -> None:
    """Give an account credits every month. This month's come at once, unless it has had them."""
    with opened_hall() as hall:
        found = find_account(hall, account)
        given = None if amount == "tier" else amount_mc(amount)
        purse.set_allowance(hall, found.public_id, given, who=who_is_here())
        given_mc = find_account(hall, account).allowance_mc
    say(f"{account} is given {credits_text(given_mc)} credits a month.")


def amount_mc(text: str) -> int:
    """Credits as typed, in milli-credits. Raises BadRequest."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise BadRequest(f"{text!r} is no number of credits.", param="credits") from None
    if not amount.is_finite() or not 0 <= amount <= MOST_CREDITS or amount * MILLI % 1:
        raise BadRequest(f"Credits are 0 to {MOST_CREDITS}, with three decimals at most.", param="credits")
    return milli(amount)


def _json(account: AccountView) -> dict[str, Any]:
    shown = asdict(account)
    del shown["own_limit"]
    balance_mc = shown.pop("balance_mc")
    return shown | {
        "balance": None if balance_mc is None else credits(balance_mc),
        "spent": credits(shown.pop("spent_mc")),
        "allowance": credits(shown.pop("allowance_mc")),
    }


def _row(account: AccountView) -> dict[str, Any]:
    shown = _json(account)
    balance = "not metered" if account.balance_mc is None else credits_text(account.balance_mc)
    return shown | {"balance": balance, "created": when(account.created_at)}


def _entry(entry: money.Entry) -> dict[str, Any]:
    shown = asdict(entry)
    return shown | {"credits": credits(shown.pop("amount_mc"))}
