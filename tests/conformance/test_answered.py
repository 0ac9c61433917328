"""What is answered at once is charged once, on both engines, as if the scheduler had settled it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from farm.account import Caller
from farm.doors import budgets, customers, idempotency, jobs, money, webhooks
from farm.doors.answered import note_answered
from farm.doors.idempotency import Call, Ticket
from farm.errors import BudgetExceeded, InsufficientCredits
from farm.job import JobSpec
from farm.states import JobState
from farm.store.schema import jobs as job_table
from farm.store.schema import outbox
from farm.webhook import NewEndpoint
from tasks.compose_otio import ComposeOtio
from tests.farm import Farm
from tests.invariants import violations
from tests.manifests import EXAMPLE

SPEC = JobSpec(params=ComposeOtio(manifest=EXAMPLE), surface="postproduction")
PRICE_MC = 4_000


def charge(farm: Farm, caller: Caller, once: Ticket | None = None) -> str:
    return note_answered(farm.hall, caller, SPEC, {"compose": {"duration_s": 6.0}}, once)


def balance(farm: Farm) -> int | None:
    return customers.find_account(farm.hall, "ada").balance_mc


def test_its_job_has_ended_and_its_ledger_is_whole(farm: Farm) -> None:
    ada = farm.caller(balance_mc=10_000)
    done = jobs.job(farm.hall, ada.account.id, charge(farm, ada))
    assert (done.state, done.charged_mc, done.result) == (
        JobState.COMPLETED,
        PRICE_MC,
        {"compose": {"duration_s": 6.0}},
    )
    entries = [(entry.entry, entry.amount_mc) for entry in money.history(farm.hall, ada.account.id)]
    assert set(entries) == {("opening", 10_000), ("hold", -PRICE_MC), ("settle", 0)}
    farm.tick()  # finds nothing to do about it
    assert violations(farm.store) == [] and balance(farm) == 6_000


def test_a_call_that_is_made_again_leads_to_the_same_job(farm: Farm) -> None:
    ada = farm.caller(balance_mc=10_000)
    found = set()
    for _ in range(3):
        ticket = idempotency.reserve(farm.hall, Call(ada.key_id, "once", "body"))
        assert isinstance(ticket, Ticket)
        found.add(charge(farm, ada, ticket))
        idempotency.let_go(farm.hall, ticket)  # its answer was a file, which is not kept
    assert len(found) == 1 and balance(farm) == 6_000


def test_an_endpoint_that_listens_is_told_as_of_any_job(farm: Farm) -> None:
    ada = farm.caller()
    webhooks.add_endpoint(farm.hall, ada.account, NewEndpoint("https://93.184.216.34/hook"))
    job_id = charge(farm, ada)
    with farm.store.read() as connection:
        row = connection.execute(select(outbox)).one()
        seq = connection.scalar(select(job_table.c.seq).where(job_table.c.id == job_id))
    assert (row.event, row.job_seq, row.state) == ("job.completed", seq, "pending")


@pytest.mark.slow
@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)  # SQLite has one writer at a time
def test_many_at_once_never_spend_more_than_there_is(farm: Farm) -> None:
    ada = farm.caller(balance_mc=10_000)

    def one(_: int) -> bool:
        try:
            charge(farm, ada)
        except InsufficientCredits:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(8))) == 2
    assert balance(farm) == 2_000 and violations(farm.store) == []


def test_a_keys_budget_holds(farm: Farm) -> None:
    ada = farm.caller(balance_mc=100_000)
    budgets.set_budget(farm.hall, ada.key_prefix, 5_000)
    charge(farm, ada)
    with pytest.raises(BudgetExceeded):
        charge(farm, ada)
    with farm.store.read() as connection:
        events = set(connection.scalars(select(outbox.c.event)))
    assert events == {"budget.warning", "budget.exhausted"}
    assert balance(farm) == 96_000 and violations(farm.store) == []
