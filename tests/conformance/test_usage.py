"""What keys did and spent (C-026), and codes that give credits (C-024, C-025), on both engines."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from farm.account import Caller
from farm.doors import direct, money, promos
from farm.doors.accounts import caller_of, create_key
from farm.doors.usage import KeyUsage, usage
from farm.errors import Conflict, FailureClass, NotAllowed, NotFound
from farm.job import JobSpec
from farm.rules.tiers import Promo
from farm.store.schema import accounts
from tasks.chat import Chat
from tests.farm import Farm
from tests.invariants import violations
from tests.provider_farm import THREE, ProviderFarm

TALKING = (
    THREE
    + """
[providers.talker]
pool = "cpu-render"
url = "http://localhost"
[routes.chat.llama]
offers = [{ provider = "talker", price = "1", estimated_s = 1.0 }]
"""
)


@pytest.fixture
def house(farm: Farm) -> ProviderFarm:
    return ProviderFarm(farm, TALKING)


def of_month(house: ProviderFarm, caller: Caller) -> list[KeyUsage]:
    return usage(house.farm.hall, caller.account.id, 0, house.farm.clock.now() + 1)


def talk(house: ProviderFarm, caller: Caller, *, moved: bool) -> None:
    hall = house.farm.hall
    params = Chat(model="llama", input_tokens=1000, output_tokens=1000)
    call = direct.begin(hall, caller, JobSpec(params=params, deadline=hall.clock.now() + 60))
    said = {"model_actual": "llama", "failover_used": moved}
    assert direct.complete(hall, call, 700, {"chat": said}) == 700
    assert direct.complete(hall, call, 700, {"chat": said}) == 0  # it has ended


def test_c026_each_key_tells_its_jobs_spend_models_and_failovers(house: ProviderFarm):
    hall = house.farm.hall
    own = house.farm.caller("bea", balance_mc=1_000_000)
    other = caller_of(hall, create_key(hall, own.account, name="site").text)
    moved = house.submit(own, capability="probe", model="big")
    house.fails(house.take(), FailureClass.PROVIDER_AUTH)
    house.succeeds(house.take())
    house.submit(own, capability="probe", model="small")
    house.succeeds(house.take())
    house.submit(own, capability="probe", model="small")
    talk(house, other, moved=True)
    talk(house, other, moved=False)
    first, second = of_month(house, own)
    assert (first.prefix, first.name) == (own.key_prefix, "")
    assert (first.jobs, first.completed, first.failed) == (3, 2, 0)
    charged = house.farm.job(moved).charged_mc + 8000
    assert (first.charged_mc, first.held_mc, first.failovers) == (charged, 8000, 1)
    actual = house.farm.job(moved).tasks[0].choice
    assert actual is not None and first.models[actual.model].failovers == 1
    assert sum(model.calls for model in first.models.values()) == 3
    assert first.kinds["provider-probe"].jobs == 3
    assert (second.prefix, second.name, second.charged_mc) == (other.key_prefix, "site", 1400)
    assert second.models["llama"].calls == 2 and second.models["llama"].failovers == 1
    assert of_month(house, house.farm.caller("eve")) == []
    assert usage(hall, own.account.id, 0, 1) == []
    house.succeeds(house.take())
    assert violations(house.farm.hall.store) == []


def test_c194_a_call_holds_the_most_and_settles_what_it_cost(house: ProviderFarm):
    hall = house.farm.hall
    caller = house.farm.caller("bea", balance_mc=1_000_000)
    params = Chat(model="llama", input_tokens=1000, output_tokens=1000)
    spec = JobSpec(params=params, deadline=hall.clock.now() + 60)
    call = direct.begin(hall, caller, spec)
    assert money.standing(hall, caller.account.id).held_mc == call.held_mc > 0
    assert direct.complete(hall, call, 10**9, {}) == call.held_mc  # never more
    left = direct.begin(hall, caller, spec)
    direct.abandon(hall, left)
    dead = direct.begin(hall, caller, spec)
    house.pass_time(61)
    assert house.farm.job(dead.job_id).failure.code == "deadline_exceeded"
    assert direct.complete(hall, dead, 5, {}) == 0
    standing = money.standing(hall, caller.account.id)
    assert (standing.balance_mc, standing.held_mc) == (1_000_000 - call.held_mc, 0)
    assert standing.spent_mc == call.held_mc
    assert violations(hall.store) == []


def test_c024_c025_a_code_gives_its_credits_once(farm: Farm):
    caller = farm.caller("ada", balance_mc=1000)
    assert promos.redeem(farm.hall, caller, " gemini2026 ").balance_mc == 501_000
    assert promos.redeem(farm.hall, caller, "DALLE1000").amount_mc == 1_000_000
    with pytest.raises(Conflict) as used:
        promos.redeem(farm.hall, caller, "GEMINI2026")
    assert used.value.public_code == "promo_used"
    newest = money.history(farm.hall, caller.account.id)[0]
    assert (newest.entry, newest.reference, newest.amount_mc) == ("promo", "DALLE1000", 1_000_000)
    with farm.store.read() as connection:
        query = select(accounts.c.balance_mc).where(accounts.c.id == caller.account.id)
        assert connection.scalar(query) == 1_501_000
    assert violations(farm.store) == []


def test_c025_a_code_for_new_keys_is_refused_to_old_ones(farm: Farm):
    caller = farm.caller("ada", balance_mc=0)
    farm.clock.advance(s=31 * 86_400)
    with pytest.raises(NotAllowed) as refused:
        promos.redeem(farm.hall, caller, "DALLE1000")
    assert refused.value.public_code == "promo_over"
    fresh = caller_of(farm.hall, create_key(farm.hall, caller.account).text)
    assert promos.redeem(farm.hall, fresh, "DALLE1000").balance_mc == 1_000_000


def test_a_code_that_is_none_or_over_or_for_nobody_is_refused(farm: Farm):
    over = {"OLD": Promo(credits=Decimal(5), until=date(1970, 1, 2)), "OFF": Promo(credits=Decimal(0))}
    hall = replace(farm.hall, catalog=farm.hall.catalog.model_copy(update={"promos": over}))
    caller = farm.caller("ada", balance_mc=0)
    for code, kind in (("OLD", NotAllowed), ("OFF", NotFound), ("GEMINI2026", NotFound), ("", NotFound)):
        with pytest.raises(kind):
            promos.redeem(hall, caller, code)
    with farm.store.write() as connection:
        connection.execute(update(accounts).where(accounts.c.id == caller.account.id).values(balance_mc=None))
    with pytest.raises(Conflict, match="not metered"):
        promos.redeem(farm.hall, caller, "GEMINI2026")
