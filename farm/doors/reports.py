"""How the ends of attempts are written: one by one, or several in one statement or transaction.

Knows the statements only. What is `said` of an attempt: its number `attempt` and token `opens`, `how` it
ended, when it `began` (None: as was noted) and ended (`now`), its failure and its report.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, column, func, select, update

from farm.states import AttemptState
from farm.store.schema import attempts

Said = Mapping[str, Any]


def record(connection: Connection, said: Said) -> bool:
    """Write one end. False when the attempt was no longer ours; saying it again does no harm."""
    return connection.execute(_FINISH, said).rowcount == 1 or _said_before(connection, said)


def record_all(connection: Connection, said: Sequence[Said]) -> list[bool]:
    """The same for each of several. On PostgreSQL one statement; on SQLite to be run in one transaction."""
    if len(said) == 1:
        return [record(connection, said[0])]
    if connection.dialect.name == "postgresql":
        given = json.dumps(list(said), allow_nan=False)
        done = set(connection.scalars(_FINISH_MANY, {"given": given}))
        return [each["attempt"] in done or _said_before(connection, each) for each in said]
    if connection.execute(_FINISH, list(said)).rowcount == len(said):
        return [True] * len(said)
    return [_said_before(connection, each) for each in said]


def _said_before(connection: Connection, said: Said) -> bool:
    """Whether that is how it ended: by our own word, for nobody else has the token."""
    return connection.scalar(_SAID_BEFORE, said) is not None


_OF = {
    "attempt": attempts.c.id,
    "opens": attempts.c.token,
    "how": attempts.c.outcome,
    "began": attempts.c.started_at,
    "now": attempts.c.ended_at,
    "to_class": attempts.c.failure_class,
    "to_code": attempts.c.error_code,
    "to_message": attempts.c.error_message,
    "to_pause": attempts.c.retry_after_s,
    "to_report": attempts.c.report,
}


def _values(said: Mapping[str, ColumnElement[Any]]) -> dict[str, Any]:
    return {
        "state": AttemptState.FINISHED,
        "outcome": said["how"],
        "started_at": func.coalesce(said["began"], attempts.c.started_at),
        "ended_at": said["now"],
        "failure_class": said["to_class"],
        "error_code": said["to_code"],
        "error_message": said["to_message"],
        "retry_after_s": said["to_pause"],
        "report": said["to_report"],
    }


_PARAMETERS = {name: bindparam(name, type_=like.type) for name, like in _OF.items()}
_FINISH = (
    update(attempts)
    .where(attempts.c.id == _PARAMETERS["attempt"], attempts.c.token == _PARAMETERS["opens"])
    .where(attempts.c.state == AttemptState.RUNNING)
    .values(**_values(_PARAMETERS))
)
_GIVEN = (
    func.json_to_recordset(bindparam("given"))
    .table_valued(*(column(name, like.type) for name, like in _OF.items()))
    .render_derived(name="given", with_types=True)
)
_FINISH_MANY = (
    update(attempts)
    .where(attempts.c.id == _GIVEN.c.attempt, attempts.c.token == _GIVEN.c.opens)
    .where(attempts.c.state == AttemptState.RUNNING)
    .values(**_values({name: _GIVEN.c[name] for name in _OF}))
    .returning(attempts.c.id)
)
_SAID_BEFORE = (
    select(attempts.c.id)
    .where(attempts.c.id == bindparam("attempt"), attempts.c.token == bindparam("opens"))
    .where(attempts.c.state.in_((AttemptState.FINISHED, AttemptState.SETTLED)))
    .where(attempts.c.outcome == bindparam("how"))
)
