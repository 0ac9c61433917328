"""Credits on both engines: every change of a balance is in the ledger, budgets hold, allowances come once."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from farm.account import Caller
from farm.doors import accounts, budgets, customers, jobs, money, purse, submit
from farm.errors import BadRequest, BudgetExceeded, Conflict, InsufficientCredits, NotFound
from farm.job import JobSpec
from farm.money import PriceLine
from farm.store.rows import AnyRow
from farm.store.schema import accounts as account_table
from farm.store.schema import ledger, outbox
from schedulers.loop import Scheduler
from tasks.media_render import MediaRender
from tasks.probe import Probe
from tests.farm import Farm
from tests.invariants import violations

DAY_S = 86_400.0


def balance(farm: Farm, name: str = "ada") -> int | None:
    return customers.find_account(farm.hall, name).balance_mc


def entries(farm: Farm, caller: Caller) -> list[tuple[str, int]]:
    """The ledger, oldest first."""
    found = money.history(farm.hall, caller.account.id, limit=200)
    return [(entry.entry, entry.amount_mc) for entry in reversed(found)]


def alerts(farm: Farm) -> list[AnyRow]:
    with farm.store.read() as connection:
        rows = connection.execute(select(outbox).order_by(outbox.c.id)).all()
    return [row for row in rows if row.event.startswith("budget.")]


def to_next_month(farm: Farm) -> None:
    """The clock to the first of the next month, and its workers with it."""
    now = datetime.fromtimestamp(farm.clock.now(), UTC)
    then = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
    farm.clock.advance(s=then.timestamp() - farm.clock.now())
    farm.worker()


def test_a_balance_is_the_sum_of_its_ledger(farm: Farm) -> None:
    farm.worker()
    ada = farm.caller(balance_mc=10_000)
    purse.top_up(farm.hall, ada.account.public_id, 5_000, "invoice 7")
    paid = farm.submit(ada, Probe(price_mc=2_500))
    farm.run_next(result={"cost_mc": 2_000})
    failed = farm.submit(ada, Probe(price_mc=1_000))
    jobs.cancel(farm.hall, None, failed)
    farm.tick()
    assert entries(farm, ada) == [
        ("opening", 10_000),
        ("topup", 5_000),
        ("hold", -2_500),
        ("settle", 500),
        ("hold", -1_000),
        ("release", 1_000),
    ]
    assert balance(farm) == 13_000
    assert {e.job_id for e in money.history(farm.hall, ada.account.id)} == {paid, failed, None}
    assert violations(farm.store) == []


def test_a_balance_that_nobody_entered_is_a_violation(farm: Farm) -> None:
    farm.caller(balance_mc=10_000)
    with farm.store.write() as connection:
        connection.execute(update(account_table).values(balance_mc=10_001))
    assert violations(farm.store) == ["account ada has 10001, its ledger says otherwise"]


def test_an_account_stands_as_its_jobs_do(farm: Farm) -> None:
    farm.worker()
    ada = farm.caller(balance_mc=10_000)
    farm.submit(ada, Probe(price_mc=2_500))
    farm.submit(ada, Probe(price_mc=300))
    farm.run_next(result={"cost_mc": 2_000})
    stands = money.standing(farm.hall, ada.account.id)
    assert (stands.balance_mc, stands.held_mc, stands.spent_mc) == (7_700, 300, 2_000)
    to_next_month(farm)
    assert money.standing(farm.hall, ada.account.id).spent_mc == 0
    farm.run_next()
    assert money.standing(farm.hall, ada.account.id).spent_mc == 300


def test_an_account_that_is_not_metered_holds_and_spends_all_the_same(farm: Farm) -> None:
    farm.worker()
    ada = farm.caller()
    farm.submit(ada, Probe(price_mc=2_500))
    assert money.standing(farm.hall, ada.account.id).held_mc == 2_500
    farm.run_next()
    stands = money.standing(farm.hall, ada.account.id)
    assert (stands.balance_mc, stands.held_mc, stands.spent_mc) == (None, 0, 2_500)


def test_history_is_read_page_by_page(farm: Farm) -> None:
    ada = farm.caller(balance_mc=10_000)
    for _ in range(4):
        farm.submit(ada, Probe(price_mc=100))
    farm.submit(farm.caller("eve", balance_mc=50), Probe(price_mc=50))
    seen: list[int] = []
    while page := money.history(farm.hall, ada.account.id, before_id=seen[-1] if seen else None, limit=2):
        seen += [entry.id for entry in page]
    assert len(seen) == 5 and seen == sorted(seen, reverse=True)


def test_a_top_up_counts_once_per_reference(farm: Farm) -> None:
    ada, eve = farm.caller(balance_mc=0), farm.caller("eve", balance_mc=0)
    first = purse.top_up(farm.hall, ada.account.public_id, 700, "invoice 7")
    again = purse.top_up(farm.hall, ada.account.public_id, 700, "invoice 7")
    assert (first.is_new, again.is_new) == (True, False)
    assert first.balance_mc == again.balance_mc == balance(farm) == 700
    with pytest.raises(Conflict, match=r"0\.7 credits"):
        purse.top_up(farm.hall, ada.account.public_id, 900, "invoice 7")
    purse.top_up(farm.hall, eve.account.public_id, 900, "invoice 7")  # another account's payment
    assert (balance(farm), balance(farm, "eve")) == (700, 900)


def test_nobody_tops_up_what_is_not_metered_or_not_there(farm: Farm) -> None:
    with pytest.raises(Conflict, match="not metered"):
        purse.top_up(farm.hall, farm.caller().account.public_id, 1_000)
    with pytest.raises(NotFound):
        purse.top_up(farm.hall, "acct_nobody", 1_000)


def test_an_account_may_start_to_pay_with_jobs_under_way(farm: Farm) -> None:
    farm.worker()
    ada = farm.caller()
    farm.submit(ada, Probe(price_mc=2_000))
    with pytest.raises(Conflict, match="hold more"):
        purse.meter(farm.hall, ada.account.public_id, 1_999)
    purse.meter(farm.hall, ada.account.public_id, 5_000)
    assert balance(farm) == 3_000
    farm.run_next(result={"cost_mc": 500})
    assert balance(farm) == 4_500
    assert violations(farm.store) == []
    with pytest.raises(Conflict, match="metered already"):
        purse.meter(farm.hall, ada.account.public_id, 5_000)


def test_an_allowance_comes_once_a_month(farm: Farm) -> None:
    ada = farm.caller(balance_mc=0)
    purse.set_allowance(farm.hall, ada.account.public_id, 1_000)
    for _ in range(3):
        farm.tick()
        farm.clock.advance(s=DAY_S)
    assert entries(farm, ada) == [("opening", 0), ("allowance", 1_000)]
    to_next_month(farm)
    farm.tick()
    assert balance(farm) == 2_000
    assert violations(farm.store) == []


def test_another_allowance_counts_from_the_next_month_on(farm: Farm) -> None:
    ada = farm.caller(balance_mc=0)
    purse.set_allowance(farm.hall, ada.account.public_id, 1_000)
    farm.tick()
    purse.set_allowance(farm.hall, ada.account.public_id, 5_000)
    farm.clock.advance(s=2)
    farm.tick()
    assert balance(farm) == 1_000  # this month's had been granted
    to_next_month(farm)
    farm.tick()
    assert balance(farm) == 6_000


def test_a_submit_does_not_wait_for_the_scheduler_to_grant(farm: Farm) -> None:
    ada = farm.caller(balance_mc=0)
    purse.set_allowance(farm.hall, ada.account.public_id, 1_000)
    farm.submit(ada, Probe(price_mc=600))
    with pytest.raises(InsufficientCredits):
        farm.submit(ada, Probe(price_mc=600))
    farm.tick()
    assert entries(farm, ada) == [("opening", 0), ("allowance", 1_000), ("hold", -600)]


def with_tier(farm: Farm, name: str, **changes: object) -> None:
    """The farm started anew with another configuration of one tier."""
    tiers = dict(farm.hall.catalog.tiers)
    tiers[name] = tiers[name].model_copy(update=changes)
    farm.hall = replace(farm.hall, catalog=farm.hall.catalog.model_copy(update={"tiers": tiers}))
    farm.scheduler = Scheduler(farm.hall, farm.post)


def test_a_new_tier_moves_what_waits_and_gives_its_allowance(farm: Farm) -> None:
    with_tier(farm, "studio", monthly_credits=Decimal("12.5"), max_running=4)
    farm.worker(slots=8)
    ada = farm.caller(tier="free", balance_mc=0)
    for _ in range(6):
        farm.submit(ada)
    assert len(farm.tick()) == 2  # free runs two at once
    customers.set_tier(farm.hall, customers.find_account(farm.hall, "ada"), "studio")
    farm.clock.advance(s=1)
    assert len(farm.tick()) == 4
    assert balance(farm) == 12_500
    farm.submit(farm.caller("bob", "studio"))
    assert len(farm.tick()) == 5


def test_an_accounts_own_limit_goes_before_its_tiers(farm: Farm) -> None:
    farm.worker(slots=8)
    ada = farm.caller(tier="free")
    for _ in range(6):
        farm.submit(ada)
    assert len(farm.tick()) == 2  # free runs two at once
    customers.set_limit(farm.hall, customers.find_account(farm.hall, "ada"), 5)
    assert len(farm.tick()) == 5
    customers.set_tier(farm.hall, customers.find_account(farm.hall, "ada"), "pro")
    assert len(farm.tick()) == 5  # its own limit stays
    customers.set_limit(farm.hall, customers.find_account(farm.hall, "ada"), None)
    assert len(farm.tick()) == 6
    with pytest.raises(BadRequest, match="at least 1"):
        customers.set_limit(farm.hall, customers.find_account(farm.hall, "ada"), 0)


def test_a_budget_holds_by_what_jobs_hold_and_cost(farm: Farm) -> None:
    farm.worker()
    ada = farm.caller()
    budgets.set_budget(farm.hall, ada.key_prefix, 5_000)
    farm.submit(ada, Probe(price_mc=4_000))
    with pytest.raises(BudgetExceeded, match=f"{ada.key_prefix} has 1 left of its monthly budget of 5"):
        farm.submit(ada, Probe(price_mc=1_001))
    farm.run_next(result={"cost_mc": 1_500})  # the job was cheaper than its quote
    farm.submit(ada, Probe(price_mc=3_500))
    assert money.budget(farm.hall, ada.key_id) == money.Budget(5_000, 5_000)
    farm.submit(ada)  # what costs nothing always fits
    farm.submit(farm.caller(), Probe(price_mc=9_000))  # another key of the same account
    with pytest.raises(BudgetExceeded):
        farm.submit(ada, Probe(price_mc=1))
    to_next_month(farm)
    farm.submit(ada, Probe(price_mc=5_000))
    assert violations_of_money(farm) == []


def test_a_refused_budget_leaves_the_balance_alone(farm: Farm) -> None:
    ada = farm.caller(balance_mc=10_000)
    budgets.set_budget(farm.hall, ada.key_prefix, 1_000)
    with pytest.raises(BudgetExceeded):
        submit.submit_all(farm.hall, ada, [JobSpec.of(Probe(price_mc=600))] * 2)
    assert balance(farm) == 10_000
    assert jobs.list_jobs(farm.hall, ada.account.id) == []


def test_what_was_held_last_month_is_not_given_back_to_this_one(farm: Farm) -> None:
    farm.worker()
    ada = farm.caller()
    budgets.set_budget(farm.hall, ada.key_prefix, 5_000)
    farm.submit(ada, Probe(price_mc=4_000))
    to_next_month(farm)
    farm.submit(ada, Probe(price_mc=1_000))
    farm.run_next(result={"cost_mc": 0})
    assert money.budget(farm.hall, ada.key_id) == money.Budget(5_000, 1_000)


def test_a_budget_set_later_counts_what_this_month_cost(farm: Farm) -> None:
    farm.worker()
    ada = farm.caller()
    farm.submit(ada, Probe(price_mc=4_000))
    farm.run_next(result={"cost_mc": 1_500})
    farm.submit(ada, Probe(price_mc=200))
    budgets.set_budget(farm.hall, ada.key_prefix, 2_000)
    assert money.budget(farm.hall, ada.key_id) == money.Budget(2_000, 1_700)
    budgets.set_budget(farm.hall, ada.key_prefix, None)
    farm.submit(ada, Probe(price_mc=9_000))
    with pytest.raises(NotFound):
        budgets.set_budget(farm.hall, "farm_live_nobody", 1)


def test_a_budget_is_told_of_at_80_and_at_100_percent_once_each(farm: Farm) -> None:
    ada = farm.caller()
    budgets.set_budget(farm.hall, ada.key_prefix, 1_000)
    told = []
    for price in (790, 10, 100, 100, 0):
        farm.submit(ada, Probe(price_mc=price))
        told.append([row.event for row in alerts(farm)])
    both = ["budget.warning", "budget.exhausted"]
    assert told == [[], both[:1], both[:1], both, both]
    assert alerts(farm)[0].payload == {
        "key": ada.key_prefix,
        "account": ada.account.public_id,
        "month": "1970-01",
        "percent": 80,
        "budget_credits": 1.0,
        "spent_credits": 0.8,
    }
    to_next_month(farm)
    farm.submit(ada, Probe(price_mc=1_000))
    assert [row.event for row in alerts(farm)] == both * 2


def test_a_refusal_tells_that_the_budget_is_used_up_once(farm: Farm) -> None:
    ada = farm.caller()
    budgets.set_budget(farm.hall, ada.key_prefix, 1_000)
    for _ in range(3):
        with pytest.raises(BudgetExceeded):
            farm.submit(ada, Probe(price_mc=1_001))
    assert [(row.event, row.payload["percent"]) for row in alerts(farm)] == [("budget.exhausted", 100)]
    farm.submit(ada, Probe(price_mc=800))
    assert [row.event for row in alerts(farm)] == ["budget.exhausted", "budget.warning"]


def test_a_quote_says_what_a_submit_would_hold_and_touches_nothing(farm: Farm) -> None:
    ada = farm.caller(balance_mc=3_000)
    asset = {"asset_id": "a", "file_name": "a.png", "media_kind": "image"}
    music = {"asset_id": "m", "file_name": "m.mp3", "media_kind": "audio"}
    minute = {"asset_id": "a", "start_s": 0, "duration_s": 60}
    short = JobSpec.of(MediaRender.model_validate({"assets": [asset]}))
    long = JobSpec.of(
        MediaRender.model_validate({"assets": [asset, music], "bgm_asset_id": "m", "placements": [minute]})
    )
    lines = [PriceLine("video", 5_000), PriceLine("audio", 500)]
    assert money.quote(farm.hall, ada, long) == money.Quote("media-render", 5_500, lines, False)
    lines = [PriceLine("minimum", 2_000)]
    assert money.quote(farm.hall, ada, short) == money.Quote("media-render", 2_000, lines, True)
    assert money.quote(farm.hall, ada, JobSpec.of(Probe(price_mc=7))).lines == [PriceLine("job", 7)]
    assert entries(farm, ada) == [("opening", 3_000)]
    budgets.set_budget(farm.hall, ada.key_prefix, 1_999)
    assert not money.quote(farm.hall, ada, short).affordable


def test_a_crash_after_the_hold_leaves_no_trace(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever of the submit fails, hold, budget and ledger go with it."""
    ada = farm.caller(balance_mc=10_000)
    budgets.set_budget(farm.hall, ada.key_prefix, 5_000)
    with monkeypatch.context() as broken:
        broken.setattr("farm.doors.submit.note_made", _crash)
        with pytest.raises(ZeroDivisionError):
            farm.submit(ada, Probe(price_mc=4_500))
    assert balance(farm) == 10_000
    assert money.budget(farm.hall, ada.key_id) == money.Budget(5_000, 0)
    assert entries(farm, ada) == [("opening", 10_000)]
    assert alerts(farm) == []


def test_keys_are_listed_with_their_budgets(farm: Farm) -> None:
    ada = farm.caller()
    budgets.set_budget(farm.hall, ada.key_prefix, 5_000)
    farm.submit(ada, Probe(price_mc=100))
    assert [(key.budget_mc, key.spent_mc) for key in accounts.list_keys(farm.hall)] == [(5_000, 100)]


def violations_of_money(farm: Farm) -> list[str]:
    return [said for said in violations(farm.store) if "ledger" in said or "overdrawn" in said]


def _crash(*_: object) -> None:
    raise ZeroDivisionError


def test_ledger_references_are_unique(farm: Farm) -> None:
    ada = farm.caller(balance_mc=0)
    purse.top_up(farm.hall, ada.account.public_id, 700, "a:b")
    assert [entry.reference for entry in money.history(farm.hall, ada.account.id)] == ["a:b", None]
    with farm.store.read() as connection:
        names = connection.scalars(select(ledger.c.reference)).all()
    assert len(set(names)) == len(names) == 2
