"""What the customers want in a storm, from a seed: probes that behave and misbehave, and small renders."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from farm.states import JobState

POOLS = ("cpu-render", "gpu-generate", "asr-align", "vision-describe")
ACCOUNTS = ("ada", "bob", "eve")
RENDER_MC = 2_000  # the least that a render costs; the small ones here cost no more
RENDER_S = 1.0
PICTURES = 2
_ONE_RENDER_IN = 25
_CANCELLED = 600.0  # such a job ends in time only because it is cancelled


@dataclass(frozen=True, slots=True)
class Wanted:
    """One job as its customer wants it, and how it must end."""

    number: int
    account: str
    kind: str
    params: Mapping[str, Any]
    price_mc: int
    state: JobState = JobState.COMPLETED
    failure_class: str | None = None
    cancel_after_s: float | None = None

    @property
    def charged_mc(self) -> int:
        return self.price_mc if self.state is JobState.COMPLETED else 0


@dataclass(frozen=True, slots=True)
class _Manner:
    """One way of a probe: how often it comes, what it is told to do, how it ends."""

    weight: int
    params: Mapping[str, Any] = field(default_factory=dict)
    state: JobState = JobState.COMPLETED
    failure_class: str | None = None


_MANNERS = (
    _Manner(54),
    _Manner(10, {"write_bytes": 20_000}),
    _Manner(8, {"fail_class": "transient", "fail_times": 1}),
    _Manner(5, {"exit_code": 3, "fail_times": 1}),
    _Manner(5, {"grow": 2}),
    _Manner(6, {"fail_class": "invalid_input"}, JobState.FAILED, "invalid_input"),
    _Manner(4, {"fail_class": "internal"}, JobState.FAILED, "internal"),
    _Manner(8, {"sleep_s": _CANCELLED, "estimated_s": 1.0}, JobState.CANCELLED),
)
_LENGTHS_S = (0.0, 0.2, 0.5, 1.0, 1.0, 3.0)
_SHARES = (1, 2, 2, 2)  # of the pools in the probes: the first has the renders


def jobs(seed: int, count: int) -> Sequence[Wanted]:
    """`count` jobs, in the order in which they are submitted."""
    dice = random.Random(f"jobs {seed}")
    return [
        _render(number) if number % _ONE_RENDER_IN == 3 else _probe(dice, number) for number in range(count)
    ]


def spent_mc(wanted: Sequence[Wanted], account: str) -> int:
    """What the account has been charged once all has ended as it must."""
    return sum(job.charged_mc for job in wanted if job.account == account)


def _render(number: int) -> Wanted:
    """Its assets are uploaded by whoever submits it."""
    params = {"aspect_ratio": "1:1", "transition_types": ["crossfade"]}
    return Wanted(number, ACCOUNTS[number % len(ACCOUNTS)], "media-render", params, RENDER_MC)


def _probe(dice: random.Random, number: int) -> Wanted:
    (manner,) = dice.choices(_MANNERS, [manner.weight for manner in _MANNERS])
    price_mc = dice.randint(1, 500)
    told = {
        "pool": dice.choices(POOLS, _SHARES)[0],
        "echo": number,
        "price_mc": price_mc,
        "sleep_s": dice.choice(_LENGTHS_S),
        **manner.params,
    }
    cancel_after_s = dice.uniform(0.0, 6.0) if manner.state is JobState.CANCELLED else None
    account = dice.choice(ACCOUNTS)
    return Wanted(
        number, account, "probe", told, price_mc, manner.state, manner.failure_class, cancel_after_s
    )
