"""Fills a PostgreSQL store with a long backlog: what real submits left, copied a million times by SQL."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Table, func, select, text

from farm.account import Caller
from farm.doors.accounts import caller_of, create_key, ensure_account
from farm.doors.hall import Hall
from farm.doors.submit import submit
from farm.job import JobSpec
from farm.kinds import POOLS
from farm.store.schema import accounts, jobs, lanes, tasks
from tasks.probe import Probe

ACCOUNTS = 10_000
TIERS = ("free", "starter", "creator", "pro", "studio", "enterprise")
_FAR = 1_000_000  # numbers from here on are the copies'
_AT_CAP = f"n / {len(TIERS)} % 2 = 0"  # every second account of each tier


def fill(hall: Hall, count: int) -> None:
    """`count` ready tasks, as many in each pool; half of the accounts have all running that they may have."""
    caller = caller_of(hall, create_key(hall, ensure_account(hall, "bench", "pro")).text)
    models = {pool: _model(hall, caller, pool) for pool in POOLS}
    with hall.store.write() as connection:
        connection.execute(text("SET LOCAL synchronous_commit = off"))
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # no checks row by row
        _copy_accounts(connection, caller.account.id)
        for number, (pool, job_seq) in enumerate(models.items()):
            _copy_lane(connection, caller.account.id, pool, number)
            _copy_jobs(connection, job_seq, number, count // len(models))
        _note_arrivals(connection)
        for table in (accounts, lanes, jobs, tasks):
            _go_on_after(connection, table)
    with hall.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))


def _model(hall: Hall, caller: Caller, pool: str) -> int:
    """A real job for that pool."""
    return submit(hall, caller, JobSpec(params=Probe.model_validate({"pool": pool}))).seq


def _copy_accounts(connection: Connection, model: int) -> None:
    changed = {
        "id": f"{_FAR} + n",
        "public_id": "'acct_' || n",
        "name": "'customer ' || n",
        "tier": f"({_texts(TIERS)})[1 + n % {len(TIERS)}]",
    }
    _copy(connection, accounts, changed, f"model.id = {model}", ACCOUNTS)


def _copy_lane(connection: Connection, account_id: int, pool: str, number: int) -> None:
    changed = {
        "id": f"{_FAR} + n * {len(POOLS)} + {number}",
        "account_id": f"{_FAR} + n",
        "tier": f"({_texts(TIERS)})[1 + n % {len(TIERS)}]",
        "vtime": "random() * 10",
        "ready": "0",
        "cap": "16",
        "busy": f"CASE WHEN {_AT_CAP} THEN 16 ELSE 0 END",
        "open": "false",
    }
    where = f"model.account_id = {account_id} AND model.pool = '{pool}'"
    _copy(connection, lanes, changed, where, ACCOUNTS)


def _copy_jobs(connection: Connection, model: int, number: int, count: int) -> None:
    """A job and its task under the same number."""
    seq, lane = f"{_FAR} + n * {len(POOLS)} + {number}", f"{_FAR} + n % {ACCOUNTS} * {len(POOLS)} + {number}"
    account = f"{_FAR} + n % {ACCOUNTS}"
    names = {"seq": seq, "id": f"'job_' || ({seq})", "account_id": account}
    _copy(connection, jobs, names, f"model.seq = {model}", count)
    numbers = {"id": seq, "job_seq": seq, "lane_id": lane, "estimated_s": "0.01 + random()"}
    _copy(connection, tasks, numbers, f"model.job_seq = {model}", count)


def _note_arrivals(connection: Connection) -> None:
    """What submit leaves for the scheduler, which counts them into the lanes."""
    connection.execute(
        text(
            "INSERT INTO arrivals (lane_id, added) "
            f"SELECT lane_id, count(*) FROM tasks WHERE id >= {_FAR} GROUP BY lane_id"
        )
    )


def _copy(connection: Connection, table: Table, changed: Mapping[str, str], where: str, count: int) -> None:
    """`count` copies of one row; `changed` says in SQL what differs, by their number `n` from 0."""
    quote = connection.dialect.identifier_preparer.quote
    names = [quote(column.name) for column in table.columns]
    values = [changed.get(column.name, f"model.{quote(column.name)}") for column in table.columns]
    connection.execute(
        text(
            f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {', '.join(values)} "
            f"FROM {table.name} AS model, generate_series(0, {count - 1}) AS n WHERE {where}"
        )
    )


def _go_on_after(connection: Connection, table: Table) -> None:
    (key,) = table.primary_key.columns
    sequence = func.pg_get_serial_sequence(table.name, key.name)
    connection.execute(select(func.setval(sequence, select(func.max(key)).scalar_subquery())))


def _texts(values: Sequence[str]) -> str:
    return "ARRAY[" + ", ".join(f"'{value}'" for value in values) + "]"
