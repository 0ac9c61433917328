"""How well a provider's model does: exponentially weighted success and speed, and a score of them. Pure."""

from dataclasses import dataclass

from farm.offers import FailoverRules


@dataclass(frozen=True, slots=True)
class Health:
    """`success` and `speed` are 0..1; 1 is what is known of a stranger. `at` is when they were last moved."""

    success: float = 1.0
    speed: float = 1.0
    at: float = 0.0


def after(
    health: Health,
    is_success: bool,
    actual_s: float | None,
    estimated_s: float,
    now: float,
    rules: FailoverRules,
) -> Health:
    """The health after a call. `actual_s` None: it tells nothing of its speed."""
    known = recalled(health, now, rules)
    speed = known.speed
    if actual_s is not None:
        speed = _moved(speed, min(1.0, estimated_s / max(actual_s, 1e-6)), rules)
    return Health(_moved(known.success, float(is_success), rules), speed, now)


def recalled(health: Health, now: float, rules: FailoverRules) -> Health:
    """The health as it counts now: what is held against it fades, or nobody would ever ask it again."""
    faded = 0.5 ** (max(0.0, now - health.at) / rules.forget_s)
    return Health(1.0 - (1.0 - health.success) * faded, 1.0 - (1.0 - health.speed) * faded, now)


def score(health: Health, running: int, max_running: int | None, now: float, rules: FailoverRules) -> float:
    """0..1, of success, speed and how much of its queue is free."""
    known = recalled(health, now, rules)
    fill = min(1.0, running / max_running) if max_running else 0.0
    total = rules.success_weight + rules.speed_weight + rules.queue_weight
    if total == 0:
        return 1.0
    parts = (
        rules.success_weight * known.success,
        rules.speed_weight * known.speed,
        rules.queue_weight * (1.0 - fill),
    )
    return sum(parts) / total


def _moved(before: float, latest: float, rules: FailoverRules) -> float:
    return before + rules.learning * (latest - before)
