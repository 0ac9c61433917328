"""What the native calls give: a prediction, by whichever call it began."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from farm.generation import PublicError, StatusWord, error_of, family_of, iso, paid, status_word
from farm.job import Job
from farm.provider_facts import Served


class PredictionView(BaseModel):
    """A generation and its files. Poll `GET /api/v1/model/prediction/{id}` every few seconds."""

    id: str
    prediction_id: str
    object: str
    status: StatusWord
    progress: float
    model: str | None
    model_actual: str | None
    failover_used: bool
    prompt: str | None
    output: list[str]
    output_url: str | None
    error: PublicError | None
    credits: int | float
    credits_refunded: int | float
    created_at: str | None
    completed_at: str | None

    @classmethod
    def of(cls, job: Job, who: Served, urls: Sequence[str]) -> "PredictionView":
        """Of a job of the surface."""
        family = family_of(job.id)
        assert family is not None
        cost, refunded = paid(job.state, job.held_mc, job.charged_mc)
        return cls(
            id=job.id,
            prediction_id=job.id,
            object=family.object,
            status=status_word(job.state),
            progress=round(job.progress, 3),
            model=who.model or None,
            model_actual=who.model_actual or None,
            failover_used=who.failover_used,
            prompt=_text(job.params.get("told_prompt") or job.params.get("prompt") or job.params.get("text")),
            output=list(urls),
            output_url=urls[0] if urls else None,
            error=error_of(job.state, job.failure, family, job.limit_s),
            credits=cost,
            credits_refunded=refunded,
            created_at=iso(job.created_at),
            completed_at=iso(job.ended_at),
        )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
