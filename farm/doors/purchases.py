"""The worker's doors about what it buys at a provider: what was accepted there, and what came to nothing.

Each is committed for good before it returns, so that a worker that dies next leaves what another resumes.
"""

from sqlalchemy import update

from farm.doors.hall import Hall
from farm.doors.insist import insist
from farm.states import AttemptState
from farm.store.schema import attempts


def accepted(hall: Hall, attempt_id: int, token: int, ref: str) -> bool:
    """Record the provider's own id of what it has accepted, for good before this returns.

    False when the attempt is no longer ours. Then another one goes on under the same idempotency key.
    """
    return _note(hall, attempt_id, token, provider_ref=ref, dropped=False)


def dropped(hall: Hall, attempt_id: int, token: int) -> bool:
    """Record that nothing will come of what the provider has accepted: it failed there, or was called off.

    Only then may another provider be asked. False when the attempt is no longer ours.
    """
    return _note(hall, attempt_id, token, dropped=True)


def _note(hall: Hall, attempt_id: int, token: int, **values: object) -> bool:
    noted = (
        update(attempts)
        .where(attempts.c.id == attempt_id, attempts.c.token == token)
        .where(attempts.c.state == AttemptState.RUNNING)
        .values(values)
    )
    return insist(hall, lambda connection: connection.execute(noted).rowcount == 1, durable=True)
