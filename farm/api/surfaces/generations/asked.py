"""What calls of the generations surface have in common: how they are read, and where their end is told."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from farm.api.desk import Desk
from farm.doors.webhooks import check_url
from farm.generation import SURFACE
from farm.job import JobSpec
from farm.kinds import Params

Switch = Annotated[bool, Field(strict=True)]
Number = Annotated[float, Field(strict=True)]
Url = Annotated[str, Field(min_length=1, max_length=2_000)]


class Asked(BaseModel):
    """A call's body. Fields that nobody knows are passed over, as OpenAI's clients and n8n send some."""

    model_config = ConfigDict(extra="ignore")


class ToldAtTheEnd(Asked):
    """A call that becomes a job. `webhook_auto_retry`: a passing failure is tried anew before it is told."""

    webhook_url: Url | None = Field(default=None, description="Called once it is completed or has failed.")
    webhook_auto_retry: Switch = False

    def spec(self, desk: Desk, params: Params, prefix: str) -> JobSpec:
        """The job. Raises BadRequest for a webhook_url that may not be called."""
        if self.webhook_url is not None:
            check_url(desk.hall, self.webhook_url, "webhook_url")
        return JobSpec(
            params=params,
            surface=SURFACE,
            webhook_url=self.webhook_url,
            auto_retry=self.webhook_auto_retry,
            id_prefix=prefix,
        )
