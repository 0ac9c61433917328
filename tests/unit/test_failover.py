"""Failover's pure parts: breaker, health, retry budget, the order of candidates, what follows a failure."""

import re
import tomllib
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from farm.breaker import Breaker, BreakerState, Gate, Verdict, after, gate, probed, rest_s
from farm.catalog import read_catalog
from farm.choices import Choice, Reason, Skipped, purchase_key
from farm.errors import BadRequest, FailureClass, FarmUnavailable
from farm.offers import FailoverRules, ModelRoute, Offer, Provider, Resource
from farm.providers import Candidate, ProviderBook, Route
from farm.settings import Settings
from schedulers.failover import budget, health
from schedulers.failover.choosing import Full, Go, Move, Park, View, at_turn, ordered
from schedulers.failover.decide import TABLE, Because, Case, Failover, Tried, after_failure, carried
from schedulers.retry import GiveUp, Retry

CATALOG = read_catalog(Settings())
RULES = CATALOG.providers.failover
OPEN, RESTING = Gate(True), Gate(False, until=1030.0, reason=Reason.CIRCUIT_OPEN)
NOW = 1000.0


# --- the catalog ------------------------------------------------------------------------------------------


def book() -> ProviderBook:
    """`big` at two providers, `small` as its fallback at a third."""
    return ProviderBook(
        providers={
            "own": Provider(pool="gpu-generate", resource=Resource.DEVICE),
            "rented": Provider(pool="gpu-generate", resource=Resource.IO, remote=True, max_running=2),
            "cheap": Provider(pool="cpu-render"),
        },
        routes={
            "video": {
                "big": ModelRoute(
                    offers=(
                        Offer(provider="own", price=Decimal("20"), estimated_s=90),
                        Offer(provider="rented", price=Decimal("25"), estimated_s=60),
                    ),
                    fallbacks=("small",),
                ),
                "small": ModelRoute(offers=(Offer(provider="cheap", price=Decimal("0.5"), estimated_s=5),)),
            }
        },
        failover=RULES,
    )


def test_candidates_come_in_the_catalogs_order_with_their_prices() -> None:
    found = book().candidates(Route(capability="video", units=Decimal(3)))
    assert [(c.provider, c.model, c.price_mc) for c in found] == [
        ("own", "big", 60_000),
        ("rented", "big", 75_000),
        ("cheap", "small", 1500),
    ]
    assert [(c.pool, c.resource) for c in found][1:] == [("gpu-generate", "io"), ("cpu-render", "cpu")]


def test_without_failover_there_is_one_candidate() -> None:
    assert len(book().candidates(Route(capability="video", model="big", failover=False))) == 1


def test_auto_is_what_the_configs_say_or_the_first_model() -> None:
    assert book().model_of(Route(capability="video")) == "big"
    assert (
        book().model_copy(update={"auto": {"video": "small"}}).model_of(Route(capability="video")) == "small"
    )


@pytest.mark.parametrize(
    ("route", "param"),
    [(Route(capability="smell"), "capability"), (Route(capability="video", model="huge"), "model")],
)
def test_what_nobody_serves_is_refused_by_field(route: Route, param: str) -> None:
    with pytest.raises(BadRequest) as refused:
        book().candidates(route)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("broken", "where"),
    [
        ({"providers": {"own": Provider(pool="moon")}}, "providers.own.pool"),
        ({"providers": {}}, "routes.video.big.offers"),
        ({"auto": {"video": "huge"}}, "auto.video"),
    ],
)
def test_a_name_that_leads_nowhere_is_told_with_its_key(broken: dict[str, object], where: str) -> None:
    with pytest.raises(FarmUnavailable) as wrong:
        book().model_copy(update=broken).check(("cpu-render", "gpu-generate"))
    assert wrong.value.param == where


def test_no_service_ships_configured() -> None:
    book = CATALOG.providers
    assert not [name for name, provider in book.providers.items() if provider.url or provider.remote]
    assert {"media-look", "media-listen", "media-plan"} <= set(book.routes)


def test_the_examples_in_the_comments_are_a_catalog() -> None:
    lines = (Path(__file__).parents[2] / "configs" / "providers.toml").read_text().splitlines()
    said = [line.removeprefix("# ") for line in lines if line.startswith("# ")]
    shown = [line for line in said if re.match(r"\[[a-z]|\]$|  \{|[a-z-]+ = ", line)]
    example = tomllib.loads("\n".join(shown))
    example["providers"]["my-gpus"] = {"pool": "gpu-generate", "resource": "device"}
    found = ProviderBook.model_validate({**example, "failover": RULES.model_dump()})
    found.check(CATALOG.pools)
    offered = [c.key for c in found.candidates(Route(capability="text-to-video"))]
    assert offered == [("my-gpus", "big-model"), ("my-service", "big-model"), ("my-gpus", "small-model")]


# --- the breaker ------------------------------------------------------------------------------------------


def told(breaker: Breaker, *verdicts: Verdict, at: float = NOW, every_s: float = 1.0) -> Breaker:
    for number, verdict in enumerate(verdicts):
        breaker = after(breaker, verdict, 1, at + number * every_s, RULES, key="x|m|submission", because="y")
    return breaker


def test_it_opens_when_half_of_five_calls_failed() -> None:
    failed, ok = Verdict.FAILED, Verdict.OK
    assert told(Breaker(), failed, failed, failed, failed).state is BreakerState.CLOSED
    assert told(Breaker(), failed, failed, ok, ok, failed).state is BreakerState.OPEN
    assert told(Breaker(), failed, ok, ok, ok, failed).state is BreakerState.CLOSED


def test_failures_older_than_the_window_do_not_count() -> None:
    assert told(Breaker(), *[Verdict.FAILED] * 20, every_s=61.0).state is BreakerState.CLOSED
    assert told(Breaker(), *[Verdict.FAILED] * 5, every_s=10.0).state is BreakerState.OPEN


def test_three_connection_errors_in_a_row_open_it() -> None:
    away = Verdict.UNREACHABLE
    well = [Verdict.OK] * 9
    assert told(Breaker(), *well, away, away, Verdict.OK, away, away).state is BreakerState.CLOSED
    assert told(Breaker(), *well, away, away, away).state is BreakerState.OPEN


def test_a_refused_key_opens_it_at_once() -> None:
    assert told(Breaker(), Verdict.REFUSED).state is BreakerState.OPEN


def test_it_rests_twice_as_long_each_time_with_a_jitter_that_repeats() -> None:
    plain = replace_rules(jitter=0.0)
    assert [rest_s(trips, NOW, plain, "k") for trips in (1, 2, 3, 6, 40)] == [15, 30, 60, 300, 300]
    rests = [rest_s(1, NOW, RULES, f"k{number}") for number in range(200)]
    assert all(12.0 <= rest <= 18.0 for rest in rests)
    assert max(rests) - min(rests) > 5.0
    assert rests == [rest_s(1, NOW, RULES, f"k{number}") for number in range(200)]


def replace_rules(**changes: float) -> FailoverRules:
    return RULES.model_copy(update=changes)


def test_half_open_lets_one_probe_through_which_decides() -> None:
    resting = told(Breaker(), Verdict.REFUSED)
    assert not gate(resting, 7, NOW + 1, RULES).is_open
    rested = resting.until
    assert gate(resting, 7, rested, RULES) == Gate(True, probes=True)
    trying = probed(resting, 7)
    assert not gate(trying, 8, rested, RULES).is_open
    assert gate(trying, 7, rested, RULES).is_open
    well = after(trying, Verdict.OK, 7, rested + 1, RULES, key="k")
    assert well == Breaker()
    ill = after(trying, Verdict.FAILED, 7, rested + 1, RULES, key="k")
    assert (ill.state, ill.trips) == (BreakerState.OPEN, 2)
    assert ill.until - rested > resting.until - NOW
    assert gate(after(trying, Verdict.NEUTRAL, 7, rested + 1, RULES, key="k"), 8, rested + 1, RULES).probes


def test_what_comes_in_late_changes_nothing_of_an_open_breaker() -> None:
    resting = told(Breaker(), Verdict.REFUSED)
    assert told(resting, Verdict.OK, Verdict.FAILED) == resting
    trying = probed(resting, 7)
    assert told(trying, Verdict.OK, Verdict.FAILED) == trying  # these are task 1's


def test_a_busy_provider_rests_as_long_as_it_asked_and_stays_closed() -> None:
    busy = after(Breaker(), Verdict.BUSY, 1, NOW, RULES, key="k", retry_after_s=40)
    assert (busy.state, busy.until) == (BreakerState.CLOSED, NOW + 40)
    assert gate(busy, 2, NOW + 39, RULES).reason is Reason.CAPACITY
    assert gate(busy, 2, NOW + 40, RULES).is_open
    for_ever = after(Breaker(), Verdict.BUSY, 1, NOW, RULES, key="k", retry_after_s=1e9)
    assert for_ever.until == NOW + RULES.cooldown_max_s


# --- health and budgets -----------------------------------------------------------------------------------


def test_health_falls_with_failures_and_recovers_when_left_alone() -> None:
    ill = health.Health(at=NOW)
    for number in range(20):
        ill = health.after(ill, False, None, 10.0, NOW + number, RULES)
    assert health.score(ill, 0, None, NOW + 20, RULES) < 0.55
    assert health.score(ill, 0, None, NOW + 20 + 3 * RULES.forget_s, RULES) > 0.9


def test_health_counts_speed_and_how_full_the_queue_is() -> None:
    slow = health.Health(at=NOW)
    for _ in range(50):
        slow = health.after(slow, True, 100.0, 10.0, NOW, RULES)
    assert health.score(slow, 0, None, NOW, RULES) == pytest.approx(0.5 + 0.3 * 0.1 + 0.2, abs=0.01)
    assert health.score(health.Health(), 2, 4, NOW, RULES) == pytest.approx(0.9)


def test_retries_are_a_share_of_requests_above_a_small_floor() -> None:
    rules = replace_rules(retries_per_hour=3.0)
    account = budget.fresh(NOW, rules)
    granted = 0
    for _ in range(200):
        account = budget.requested(account, NOW, rules)
        if left := budget.spent(account, NOW, rules):
            account, granted = left, granted + 1
    assert granted == pytest.approx(3 + 200 * 0.1, abs=1)


def test_an_account_that_used_its_retries_up_gets_them_back_with_time() -> None:
    rules = replace_rules(retries_per_hour=2.0)
    empty = budget.RetryBudget(0.0, NOW)
    assert budget.spent(empty, NOW + 1700, rules) is None
    assert budget.spent(empty, NOW + 1800, rules) is not None
    saved = budget.spent(empty, NOW + 1e6, rules)
    assert saved is not None
    assert saved.saved == pytest.approx(1.0)  # never more than an hour's


# --- the order of candidates ------------------------------------------------------------------------------


def candidates() -> list[Candidate]:
    return book().candidates(Route(capability="video"))


def views(**gates: Gate) -> list[View]:
    """Every candidate, free unless said."""
    return [View(c, gates.get(c.provider, OPEN)) for c in candidates()]


def choice(provider: str = "own", model: str = "big", **more: Any) -> Choice:
    return Choice.model_validate(
        {"provider": provider, "model": model, "quoted_mc": 20_000, "price_mc": 20_000, **more}
    )


def test_an_ill_provider_is_asked_after_the_healthy_ones_of_its_model() -> None:
    own, rented, cheap = views()
    assert [v.key[0] for v in ordered([own, rented, cheap], RULES)] == ["own", "rented", "cheap"]
    ill = replace(own, health=0.3)
    assert [v.key[0] for v in ordered([ill, rented, cheap], RULES)] == ["rented", "own", "cheap"]
    assert ordered([ill, replace(rented, health=0.2), cheap], RULES)[0].key[0] == "own"


def test_a_turn_is_taken_where_the_task_is_while_that_is_well() -> None:
    assert at_turn(choice(), views(), 0.0, NOW, RULES) == Go()
    assert at_turn(choice("rented"), views(), 0.0, NOW, RULES) == Go()  # it does not go back either


def test_an_open_breaker_moves_a_task_on_and_tells_why() -> None:
    moved = at_turn(choice(), views(own=RESTING, rented=RESTING), 0.0, NOW, RULES)
    assert isinstance(moved, Move)
    assert (moved.to.provider, moved.why) == ("cheap", "circuit_open")
    assert [(s.provider, s.reason) for s in moved.skipped] == [
        ("own", "circuit_open"),
        ("rented", "circuit_open"),
    ]


def test_when_all_rest_the_task_is_parked_until_the_first_may_try() -> None:
    soon = replace(RESTING, until=1010.0)
    assert at_turn(choice(), views(own=RESTING, rented=soon, cheap=RESTING), 0.0, NOW, RULES) == Park(1010.0)


def test_a_limit_moves_a_task_to_the_same_model_only() -> None:
    own, rented, cheap = views()
    full = replace(rented, running=2)
    assert at_turn(choice("rented"), [own, full, cheap], 0.0, NOW, RULES) == Move(
        own.candidate, "limit", at_turn_skip("rented", "limit")
    )
    resting = replace(own, gate=RESTING)
    assert at_turn(choice("rented"), [resting, full, cheap], 0.0, NOW, RULES) == Full()


def at_turn_skip(provider: str, reason: str) -> tuple[Skipped, ...]:
    return (Skipped(provider=provider, model="big", reason=reason),)


def test_a_short_pause_is_waited_for_rather_than_another_model() -> None:
    brief = Gate(False, until=NOW + 4, reason=Reason.CAPACITY)
    only = [view for view in views(own=brief) if view.key[0] != "rented"]
    assert at_turn(choice(), only, 0.0, NOW, RULES) == Park(NOW + 4)
    long = Gate(False, until=NOW + 400, reason=Reason.CAPACITY)
    only = [view for view in views(own=long) if view.key[0] != "rented"]
    assert isinstance(at_turn(choice(), only, 0.0, NOW, RULES), Move)


def test_nobody_to_run_it_moves_a_task_after_a_while() -> None:
    own, rented, cheap = views()
    alone = [replace(own, has_worker=False), rented, cheap]
    assert at_turn(choice(), alone, RULES.no_worker_s - 1, NOW, RULES) == Go()
    moved = at_turn(choice(), alone, RULES.no_worker_s, NOW, RULES)
    assert isinstance(moved, Move)
    assert (moved.to.provider, moved.why) == ("rented", "no_worker")


def test_an_ill_provider_is_left_for_a_healthy_one_of_the_same_model_only() -> None:
    own, rented, cheap = views()
    ill = replace(own, health=0.3)
    moved = at_turn(choice(), [rented, ill, cheap], 0.0, NOW, RULES)
    assert isinstance(moved, Move)
    assert (moved.to.provider, moved.why) == ("rented", "unhealthy")
    assert at_turn(choice(), [replace(rented, gate=RESTING), ill, cheap], 0.0, NOW, RULES) == Go()


@pytest.mark.parametrize("bound", [{"in_doubt": True}, {"provider_ref": "p-1"}])
def test_what_may_have_been_bought_never_moves(bound: dict[str, Any]) -> None:
    turn = at_turn(choice("rented", **bound), views(rented=RESTING), 0.0, NOW, RULES)
    assert turn == (Go() if "provider_ref" in bound else Park(RESTING.until))
    gone = [view for view in views() if view.key[0] != "rented"]
    assert isinstance(at_turn(choice("rented", **bound), gone, 0.0, NOW, RULES), Park)


def test_a_candidate_that_failed_is_not_chosen_again() -> None:
    tried = choice("rented", tried=(("own", "big"),))
    moved = at_turn(tried, views(rented=RESTING), 0.0, NOW, RULES)
    assert isinstance(moved, Move)
    assert moved.to.provider == "cheap"


# --- what follows a failure -------------------------------------------------------------------------------


def follows(
    *failures: FailureClass, seen: list[View] | None = None, at: Choice | None = None, **more: object
) -> Retry | Failover | GiveUp:
    """What follows the last of these failures, all with the same candidate."""
    here = at or choice()
    tried = [Tried(here.provider, here.model, failure) for failure in failures]
    case = Case(failures[-1], here, tried, views() if seen is None else seen, **more)  # type: ignore[arg-type]  # test shorthand
    return after_failure(case, RULES, CATALOG.retry)


def target(decision: Retry | Failover | GiveUp) -> str | None:
    return decision.to.provider if isinstance(decision, Failover) else None


@pytest.mark.parametrize("failure", list(FailureClass))
def test_every_class_is_in_the_table_and_ends(failure: FailureClass) -> None:
    assert failure in TABLE
    everywhere = choice(tried=(("rented", "big"), ("cheap", "small")))
    assert isinstance(follows(*[failure] * 12, at=everywhere), GiveUp)


@pytest.mark.parametrize("failure", [FailureClass.POLICY, FailureClass.INVALID_INPUT])
def test_a_refusal_never_goes_anywhere_else(failure: FailureClass) -> None:
    assert follows(failure) == GiveUp(Because.FINAL)


@pytest.mark.parametrize("failure", [FailureClass.TRANSIENT, FailureClass.CORRUPT_OUTPUT, FailureClass.OOM])
def test_once_more_with_the_same_then_another(failure: FailureClass) -> None:
    assert isinstance(follows(failure), Retry)
    assert target(follows(failure, failure)) == "rented"


@pytest.mark.parametrize("failure", [FailureClass.TIMEOUT, FailureClass.NO_PROGRESS])
def test_what_took_too_long_goes_to_another_at_once(failure: FailureClass) -> None:
    assert target(follows(failure)) == "rented"


def test_a_refused_key_leaves_the_provider_with_all_its_models() -> None:
    assert target(follows(FailureClass.PROVIDER_AUTH)) == "rented"
    assert follows(FailureClass.PROVIDER_AUTH, seen=views()[:1]) == GiveUp(Because.NOBODY)


def test_a_busy_provider_makes_room_for_the_same_model_elsewhere() -> None:
    assert target(follows(FailureClass.CAPACITY, retry_after_s=2.0)) == "rented"


def test_a_busy_provider_is_waited_for_when_the_pause_is_short() -> None:
    only = [view for view in views() if view.key[0] != "rented"]
    assert follows(FailureClass.CAPACITY, seen=only, retry_after_s=2.0) == Retry(2.0)
    assert target(follows(FailureClass.CAPACITY, seen=only, retry_after_s=60.0)) == "cheap"
    assert target(follows(FailureClass.CAPACITY, seen=only, retry_after_s=2.0, left_s=1.0)) == "cheap"
    in_vain = (FailureClass.CAPACITY, FailureClass.CAPACITY)
    assert target(follows(*in_vain, seen=only, retry_after_s=2.0)) == "cheap"
    alone = only[:1]
    assert follows(FailureClass.CAPACITY, seen=alone, retry_after_s=60.0) == Retry(60.0)
    assert follows(FailureClass.CAPACITY, seen=alone, retry_after_s=60.0, left_s=59.0) == GiveUp(
        Because.DEADLINE
    )


def test_three_calls_are_all_a_task_may_cost() -> None:
    timeout = FailureClass.TIMEOUT
    assert follows(timeout, timeout, timeout) == GiveUp(Because.ATTEMPTS)


def test_lost_workers_cost_no_call() -> None:
    lost = FailureClass.LOST
    assert isinstance(follows(lost, lost, lost, lost), Retry)
    assert isinstance(follows(lost, lost, lost, lost, may_retry=False), Retry)
    assert isinstance(follows(*[lost] * CATALOG.retry["lost"].max_attempts), GiveUp)


def test_an_account_without_retries_left_has_none() -> None:
    assert follows(FailureClass.TRANSIENT, may_retry=False) == GiveUp(Because.BUDGET)


def test_when_nobody_may_be_asked_now_the_task_waits_for_the_first() -> None:
    waiting = follows(FailureClass.TIMEOUT, FailureClass.TIMEOUT, seen=views(rented=RESTING, cheap=RESTING))
    assert target(waiting) == "rented"
    assert isinstance(follows(FailureClass.TRANSIENT, seen=views(own=RESTING)[:1]), Retry)


# --- what was bought --------------------------------------------------------------------------------------


def past(failure: FailureClass | None, **more: object) -> Choice:
    asked = {"provider_ref": None, "dropped": False, "is_remote": True, "has_run": True} | more
    at = asked.pop("at", choice("rented"))
    return carried(at, failure, **asked)  # type: ignore[arg-type]  # test shorthand


def test_a_lost_worker_leaves_a_doubt_or_something_to_resume() -> None:
    assert past(FailureClass.LOST).in_doubt
    assert past(FailureClass.LOST, provider_ref="p-1").provider_ref == "p-1"
    assert not past(FailureClass.LOST, has_run=False).in_doubt
    assert not past(FailureClass.LOST, is_remote=False).in_doubt
    assert past(None).in_doubt  # given back in the middle of it


def test_an_answer_settles_the_doubt() -> None:
    doubtful = choice("rented", in_doubt=True)
    assert past(FailureClass.AMBIGUOUS, at=doubtful).in_doubt
    assert past(FailureClass.LOST, at=doubtful, has_run=False).in_doubt
    assert not past(FailureClass.TRANSIENT, at=doubtful).in_doubt


def test_a_doubt_is_looked_up_and_never_moved() -> None:
    doubtful = choice("rented", in_doubt=True)
    assert isinstance(follows(FailureClass.AMBIGUOUS, at=doubtful), Retry)
    many = [FailureClass.AMBIGUOUS] * CATALOG.retry["ambiguous"].max_attempts
    assert follows(*many, at=doubtful) == GiveUp(Because.DOUBT)
    assert target(follows(FailureClass.TRANSIENT, FailureClass.TRANSIENT, at=choice("rented"))) == "own"


def test_a_purchase_is_resumed_until_the_provider_has_dropped_it() -> None:
    running = past(FailureClass.TIMEOUT, provider_ref="p-1")
    assert isinstance(follows(FailureClass.TIMEOUT, at=running), Retry)
    assert follows(FailureClass.TIMEOUT, FailureClass.TIMEOUT, at=running) == GiveUp(Because.DOUBT)
    dropped = past(FailureClass.TIMEOUT, provider_ref="p-1", dropped=True)
    assert target(follows(FailureClass.TIMEOUT, at=dropped)) == "own"


def key_of(made: Choice, name: str = "clip") -> str:
    return purchase_key("job_1", name, made.provider, made.model, made.purchase)


def test_each_purchase_has_one_key() -> None:
    first = choice("rented")
    again = past(FailureClass.LOST, at=first)
    assert key_of(again) == key_of(first)
    anew = past(FailureClass.CORRUPT_OUTPUT, at=first, provider_ref="p-1")
    keys = {key_of(made, name) for name in ("clip", "clop") for made in (first, anew)}
    assert len(keys) == 4
    assert all(len(key) <= 64 for key in keys)


def test_rests_grow_until_their_limit() -> None:
    rests = [rest_s(trips, NOW, replace_rules(jitter=0.0), "k") for trips in range(1, 8)]
    assert all(before <= later for before, later in pairwise(rests))
