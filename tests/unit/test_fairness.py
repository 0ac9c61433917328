"""Who is next: weights, ageing, and nobody saving up."""

from collections import Counter

from schedulers.fairness import AGED, LaneTurn, TierTurn, charge, choose


def tiers(**weights: float) -> dict[str, TierTurn]:
    return {name: TierTurn(name, weight, 0.0) for name, weight in weights.items()}


def lane(number: int, tier: str = "free", *, vtime: float = 0.0, room: int = 99, ready: int = 99) -> LaneTurn:
    return LaneTurn(number, tier, vtime, room, ready)


def test_turns_follow_the_weights_of_the_tiers() -> None:
    chosen = choose(tiers(free=1, pro=3), [lane(1, "free"), lane(2, "pro")], 8)
    assert chosen[:4].count(2) == 3  # and they are mixed, not one tier after the other
    assert Counter(chosen) == {1: 2, 2: 6}


def test_accounts_of_one_tier_take_turns() -> None:
    assert choose(tiers(free=1), [lane(1), lane(2), lane(3)], 6) == [1, 2, 3, 1, 2, 3]


def test_whoever_received_least_goes_first() -> None:
    assert choose(tiers(free=1), [lane(1, vtime=5), lane(2, vtime=1)], 1) == [2]


def test_a_lane_is_given_no_more_than_it_has_or_may_run() -> None:
    assert choose(tiers(free=1), [lane(1, room=1), lane(2, ready=2), lane(3, room=0)], 9) == [1, 2, 2]


def test_an_aged_lane_goes_first_once() -> None:
    chosen = choose(tiers(free=1), [lane(1), lane(2, vtime=AGED)], 3)
    assert chosen == [2, 1, 1]


def test_no_work_is_no_turns() -> None:
    assert choose(tiers(free=1), [], 5) == []


def test_an_idle_tier_joins_where_the_served_ones_are() -> None:
    after = charge({"free": TierTurn("free", 1.0, 100.0), "pro": TierTurn("pro", 2.0, 3.0)}, {"free": [10.0]})
    assert {name: (tier.vtime, tier.start) for name, tier in after.items()} == {
        "free": (110.0, 110.0),
        "pro": (3.0, 100.0),
    }


def test_an_idle_tier_may_catch_up_a_little_and_no_more() -> None:
    idle = TierTurn("pro", 2.0, 3.0, floor=100.0, burst=10.0, typical_s=10.0)
    busy = TierTurn("free", 1.0, 101.0, floor=100.0, typical_s=10.0)
    assert idle.start == 90.0
    assert choose({"pro": idle, "free": busy}, [lane(1, "free"), lane(2, "pro")], 4) == [2, 2, 2, 1]


def test_of_several_that_may_catch_up_the_heaviest_goes_first() -> None:
    state = {
        "free": TierTurn("free", 1.0, 0.0, floor=100.0, burst=60.0, typical_s=10.0),
        "pro": TierTurn("pro", 8.0, 99.0, floor=100.0, burst=7.5, typical_s=10.0),
    }
    assert choose(state, [lane(1, "free"), lane(2, "pro")], 3) == [2, 1, 1]


def test_what_is_typical_for_a_tier_follows_its_tasks() -> None:
    state = {"free": TierTurn("free", 1.0, 0.0)}
    first = charge(state, {"free": [10.0, 30.0]})
    assert first["free"].typical_s == 20.0
    assert charge(first, {"free": [70.0]})["free"].typical_s == 30.0


def test_no_service_changes_nothing() -> None:
    assert charge(tiers(free=1), {}) == {}


def test_shares_hold_over_many_turns() -> None:
    """Charged by seconds: three tiers that always have work get what their weights say."""
    weights = {"free": 1.0, "pro": 3.0, "studio": 6.0}
    state = {name: TierTurn(name, weight, 0.0) for name, weight in weights.items()}
    served: Counter[str] = Counter()
    for turn in range(5000):
        (chosen,) = choose(state, [lane(number, name) for number, name in enumerate(weights)], 1)
        name = list(weights)[chosen]
        seconds = 1.0 + (turn % 7)
        served[name] += seconds  # type: ignore[assignment]  # a Counter of seconds
        state = charge(state, {name: [seconds]})
    total = sum(served.values())
    assert {name: round(served[name] / total, 2) for name in weights} == {
        "free": 0.1,
        "pro": 0.3,
        "studio": 0.6,
    }
