"""The providers door: who may serve what, how much each runs, and which of its models rest after failures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from farm.doors.hall import Hall
from farm.store.rows import AnyRow
from farm.store.schema import LIVE, attempts, breakers


@dataclass(frozen=True, slots=True)
class BreakerView:
    """The circuit breaker of one model in one phase. `until` ends a rest or a pause, if there is one."""

    model: str
    phase: str
    state: str
    until: float | None
    because: str


@dataclass(frozen=True, slots=True)
class ProviderView:
    """A provider as the configs name it. `offers` are (capability, model); `running` counts its attempts."""

    name: str
    pool: str
    resource: str
    remote: bool
    max_running: int | None
    running: int
    offers: tuple[tuple[str, str], ...]
    breakers: tuple[BreakerView, ...]


def list_providers(hall: Hall) -> list[ProviderView]:
    """Every provider of the configs, by name. A model without a breaker has not been asked lately."""
    book = hall.catalog.providers
    with hall.store.read() as connection:
        running = {row.provider: row.number for row in connection.execute(_RUNNING)}
        rows = connection.execute(select(breakers).order_by(breakers.c.model, breakers.c.phase)).all()
    now = hall.clock.now()
    known: dict[str, list[BreakerView]] = {}
    for row in rows:
        known.setdefault(row.provider, []).append(_breaker(row, now))
    offers = _offers(hall)
    return [
        ProviderView(
            name=name,
            pool=provider.pool,
            resource=provider.resource.value,
            remote=provider.remote,
            max_running=provider.max_running,
            running=running.get(name, 0),
            offers=tuple(offers.get(name, ())),
            breakers=tuple(known.get(name, ())),
        )
        for name, provider in sorted(book.providers.items())
    ]


def _offers(hall: Hall) -> Mapping[str, Sequence[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for capability, models in sorted(hall.catalog.providers.routes.items()):
        for model, route in sorted(models.items()):
            for offer in route.offers:
                found.setdefault(offer.provider, []).append((capability, model))
    return found


def _breaker(row: AnyRow, now: float) -> BreakerView:
    return BreakerView(row.model, row.phase, row.state, row.until if row.until > now else None, row.because)


_RUNNING = (
    select(attempts.c.provider, func.count().label("number"))
    .where(LIVE, attempts.c.provider.is_not(None))
    .group_by(attempts.c.provider)
)
