"""What the native API takes and gives about webhooks. Times in Unix seconds."""

from pydantic import BaseModel, Field

from farm.api.native.wire import Asked
from farm.webhook import EVENTS, Delivery, DeliveryState, Endpoint, EndpointState

_LONGEST_URL = 2000
_EVENTS = f"Only these; empty is all. Known: {', '.join(EVENTS)}."
_HEADERS = "Sent with each delivery, for example an Authorization of the receiver's. Never shown again."


class EndpointRequest(Asked):
    """A URL to be told of events."""

    url: str = Field(max_length=_LONGEST_URL, examples=["https://example.com/hooks/farm"])
    description: str = Field(default="", max_length=200)
    events: list[str] = Field(default=[], max_length=50, description=_EVENTS)
    headers: dict[str, str] = Field(default={}, description=_HEADERS)


class EndpointChanges(Asked):
    """What is to change; whatever is not named stays."""

    url: str | None = Field(default=None, max_length=_LONGEST_URL)
    description: str | None = Field(default=None, max_length=200)
    events: list[str] | None = Field(default=None, max_length=50, description=_EVENTS)
    headers: dict[str, str] | None = Field(default=None, description=_HEADERS)
    enabled: bool | None = None


class EndpointView(BaseModel):
    """An endpoint. `failing_since` is its first failure since its last success."""

    id: str
    url: str
    description: str
    events: list[str]
    header_names: list[str]
    state: EndpointState
    disabled_because: str | None
    failing_since: float | None
    old_secret_until: float | None
    created_at: float

    @classmethod
    def of(cls, endpoint: Endpoint) -> "EndpointView":
        return cls(
            id=endpoint.id,
            url=endpoint.url,
            description=endpoint.description,
            events=list(endpoint.events),
            header_names=list(endpoint.header_names),
            state=endpoint.state,
            disabled_because=endpoint.disabled_because,
            failing_since=endpoint.failing_since,
            old_secret_until=endpoint.old_secret_until,
            created_at=endpoint.created_at,
        )


class EndpointMade(BaseModel):
    """An endpoint with its new secret, which is not shown again."""

    endpoint: EndpointView
    secret: str


class EndpointList(BaseModel):
    """Endpoints, oldest first. Pass `next_cursor` as `cursor` for the page after; null on the last one."""

    data: list[EndpointView]
    next_cursor: str | None


class KeySecret(BaseModel):
    """What signs deliveries to the webhook_url of this key's jobs."""

    secret: str


class DeliveryView(BaseModel):
    """One event for one endpoint, or for a job's own webhook_url (`endpoint_id` null).

    `job_id` is the event's subject: a job, a batch, or for other events their own id. `response` is the
    beginning of what came back; `body` is null in listings.
    """

    id: str
    event: str
    job_id: str
    endpoint_id: str | None
    url: str
    webhook_id: str
    state: DeliveryState
    attempts: int
    due_at: float | None
    last_status: int | None
    last_error: str | None
    response: str | None
    body: str | None
    created_at: float
    tried_at: float | None
    ended_at: float | None

    @classmethod
    def of(cls, delivery: Delivery) -> "DeliveryView":
        return cls(
            id=delivery.id,
            event=delivery.event,
            job_id=delivery.subject,
            endpoint_id=delivery.endpoint_id,
            url=delivery.url,
            webhook_id=delivery.webhook_id,
            state=delivery.state,
            attempts=delivery.tries,
            due_at=delivery.due_at,
            last_status=delivery.last_status,
            last_error=delivery.last_error,
            response=delivery.response,
            body=delivery.body,
            created_at=delivery.created_at,
            tried_at=delivery.tried_at,
            ended_at=delivery.ended_at,
        )


class DeliveryPage(BaseModel):
    """Deliveries, newest first. Pass `next_cursor` as `cursor` for the page after; null on the last one."""

    data: list[DeliveryView]
    next_cursor: str | None
