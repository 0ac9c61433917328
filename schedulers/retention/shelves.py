"""The tables whose rows hold a blob: what of them has expired, and what somebody still needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    Table,
    column,
    func,
    select,
    true,
    tuple_,
    union,
)

from farm.asset import AssetState
from farm.catalog import Catalog
from farm.store.dialect import among
from farm.store.rows import AnyRow
from farm.store.schema import artifacts, assets, job_needs, jobs, segment_cache, tasks

_DAY_S = 86_400.0

Held = Callable[[Connection, Sequence[AnyRow]], set[str]]


@dataclass(frozen=True, slots=True)
class Shelf:
    """One such table. `since` is the column that its rows expire by, `keep_s` how long after that they go.

    `marked` rows are given up: nobody takes them any more. `held` names the rows (by `key`) that open jobs
    need; those are looked at again when `keep_s` has passed once more.
    """

    name: str
    table: Table
    key: ColumnElement[str]
    since: ColumnElement[float]
    marked: ColumnElement[bool]
    mark: Mapping[str, Any]
    held: Held
    keep_s: float
    free: ColumnElement[bool]

    def due(self, now: float, count: int, after: AnyRow | None = None) -> Select[Any]:
        """What has expired and nobody refers to, the oldest first; `after` continues behind a row."""
        table = self.table
        query = (
            select(
                self.key.label("key"),
                table.c.account_id,
                table.c.blob_key,
                table.c.size_bytes,
                self.since.label("since"),
                self.marked.label("marked"),
            )
            .where(self.since <= now - self.keep_s, self.marked | self.free)
            .order_by(self.since, self.key)
            .limit(count)
        )
        if after is not None:
            query = query.where(tuple_(self.since, self.key) > tuple_(after.since, after.key))
        return query

    def these(self, rows: Sequence[AnyRow]) -> ColumnElement[bool]:
        """The condition that means these rows; an account's keys are its own."""
        return tuple_(self.table.c.account_id, self.key).in_([(row.account_id, row.key) for row in rows])


def shelves(catalog: Catalog) -> tuple[Shelf, ...]:
    """All of them, with the times of the configs."""
    rules = catalog.retention
    return (
        Shelf(
            name="artifacts",
            table=artifacts,
            key=artifacts.c.id,
            since=artifacts.c.expires_at,
            marked=artifacts.c.expired,
            mark={"expired": True},
            held=_held_artifacts,
            keep_s=rules.grace_s,
            free=artifacts.c.references <= 1,
        ),
        Shelf(
            name="assets",
            table=assets,
            key=assets.c.id,
            since=assets.c.expires_at,
            marked=assets.c.state == AssetState.EXPIRED,
            mark={"state": AssetState.EXPIRED},
            held=_held_assets,
            keep_s=rules.grace_s,
            free=true(),
        ),
        Shelf(
            name="segments",
            table=segment_cache,
            key=segment_cache.c.key,
            since=segment_cache.c.used_at,
            marked=segment_cache.c.expired,
            mark={"expired": True},
            held=_held_segments,
            keep_s=rules.segment_days * _DAY_S,
            free=segment_cache.c.references <= 0,
        ),
    )


def used_elsewhere(connection: Connection, blob_keys: Sequence[str]) -> set[str]:
    """Those of these blobs that a row on any shelf still holds."""
    each = [
        select(table.c.blob_key).where(among(connection, table.c.blob_key, blob_keys), ~marked)
        for table, marked in (
            (artifacts, artifacts.c.expired),
            (assets, assets.c.state == AssetState.EXPIRED),
            (segment_cache, segment_cache.c.expired),
        )
    ]
    return set(connection.scalars(union(*each)))


def _held_artifacts(connection: Connection, rows: Sequence[AnyRow]) -> set[str]:
    """Artifacts of jobs that run on, or that an open job of the same batch needs."""
    these = among(connection, artifacts.c.id, [row.key for row in rows])
    own = select(artifacts.c.id).join(jobs, jobs.c.seq == artifacts.c.job_seq)
    dependents = (
        select(artifacts.c.id)
        .join(job_needs, job_needs.c.needs_job_seq == artifacts.c.job_seq)
        .join(jobs, jobs.c.seq == job_needs.c.job_seq)
    )
    wanted = [query.where(these, jobs.c.ended_at.is_(None)) for query in (own, dependents)]
    return set(connection.scalars(union(*wanted)))


def _held_segments(connection: Connection, rows: Sequence[AnyRow]) -> set[str]:
    """Segments that lie as intermediate files in jobs that run on."""
    query = (
        select(segment_cache.c.key)
        .join(artifacts, artifacts.c.blob_key == segment_cache.c.blob_key)
        .join(jobs, jobs.c.seq == artifacts.c.job_seq)
        .where(among(connection, segment_cache.c.key, [row.key for row in rows]))
        .where(artifacts.c.intermediate, jobs.c.ended_at.is_(None))
    )
    return set(connection.scalars(query))


def _held_assets(connection: Connection, rows: Sequence[AnyRow]) -> set[str]:
    """Assets that any task of an open job names. A job that starts later cannot: expired ones are refused."""
    read = func.jsonb_array_elements_text if connection.dialect.name == "postgresql" else func.json_each
    given = read(tasks.c.inputs).table_valued(column("value", String))
    query = (
        select(given.c.value)
        .select_from(jobs.join(tasks, tasks.c.job_seq == jobs.c.seq).join(given, true()))
        .where(jobs.c.ended_at.is_(None), jobs.c.account_id.in_({row.account_id for row in rows}))
        .where(among(connection, given.c.value, [row.key for row in rows]))
        .distinct()
    )
    return set(connection.scalars(query))
