"""Webhook endpoints and deliveries: register, change, rotate, test, list, replay."""

from typing import Annotated

from fastapi import Path, Query

from farm.api.desk import AtDesk, SignedIn
from farm.api.native.jobs import whose
from farm.api.native.paging import Cursor, Limit, page_of
from farm.api.native.webhook_wire import (
    DeliveryPage,
    DeliveryView,
    EndpointChanges,
    EndpointList,
    EndpointMade,
    EndpointRequest,
    EndpointView,
    KeySecret,
)
from farm.api.routing import farm_router
from farm.doors import deliveries, webhooks
from farm.webhook import DeliveryState, NewEndpoint

router = farm_router("/farm/v1/webhooks", "webhooks")
EndpointId = Annotated[str, Path(max_length=64)]
DeliveryId = Annotated[str, Path(max_length=64)]


@router.post("/endpoints", status_code=201)
def create(body: EndpointRequest, desk: AtDesk, caller: SignedIn) -> EndpointMade:
    """Register a URL that hears of this account's events. The answer tells its secret, once."""
    new = NewEndpoint(body.url, body.description, tuple(body.events), body.headers)
    made, secret = webhooks.add_endpoint(desk.hall, caller.account, new)
    return EndpointMade(endpoint=EndpointView.of(made), secret=secret)


@router.get("/endpoints")
def index(desk: AtDesk, caller: SignedIn, limit: Limit = 100, cursor: Cursor = None) -> EndpointList:
    """The account's endpoints, oldest first."""
    found = webhooks.list_endpoints(desk.hall, caller.account)
    page, following = page_of(found, lambda endpoint: endpoint.id, limit, cursor)
    return EndpointList(data=[EndpointView.of(endpoint) for endpoint in page], next_cursor=following)


@router.get("/endpoints/{endpoint_id}")
def show(endpoint_id: EndpointId, desk: AtDesk, caller: SignedIn) -> EndpointView:
    """One endpoint."""
    return EndpointView.of(webhooks.endpoint(desk.hall, caller.account, endpoint_id))


@router.patch("/endpoints/{endpoint_id}")
def change(endpoint_id: EndpointId, body: EndpointChanges, desk: AtDesk, caller: SignedIn) -> EndpointView:
    """Change what is named. `enabled` true brings a disabled endpoint back; false gives up the rest."""
    asked = webhooks.EndpointChange(
        url=body.url,
        description=body.description,
        events=None if body.events is None else tuple(body.events),
        headers=body.headers,
        enabled=body.enabled,
    )
    return EndpointView.of(webhooks.change_endpoint(desk.hall, caller.account, endpoint_id, asked))


@router.delete("/endpoints/{endpoint_id}")
def remove(endpoint_id: EndpointId, desk: AtDesk, caller: SignedIn) -> EndpointView:
    """Delete the endpoint and its secrets; what was still to be delivered there is given up."""
    return EndpointView.of(webhooks.remove_endpoint(desk.hall, caller.account, endpoint_id))


@router.post("/endpoints/{endpoint_id}/rotate")
def rotate(endpoint_id: EndpointId, desk: AtDesk, caller: SignedIn) -> EndpointMade:
    """A new secret. Until `old_secret_until` each delivery carries both signatures."""
    changed, secret = webhooks.rotate_secret(desk.hall, caller.account, endpoint_id)
    return EndpointMade(endpoint=EndpointView.of(changed), secret=secret)


@router.post("/endpoints/{endpoint_id}/test", status_code=202)
def test(endpoint_id: EndpointId, desk: AtDesk, caller: SignedIn) -> DeliveryView:
    """Send a `webhook.test` event there, whatever the endpoint listens for."""
    delivery_id = webhooks.send_test(desk.hall, caller, endpoint_id)
    return DeliveryView.of(deliveries.delivery(desk.hall, whose(caller), delivery_id))


@router.get("/signing-secret")
def signing_secret(desk: AtDesk, caller: SignedIn) -> KeySecret:
    """What signs the `webhook-signature` of deliveries to the webhook_url of this API key's jobs."""
    return KeySecret(secret=webhooks.key_secret(desk.hall, caller))


@router.get("/deliveries")
def list_deliveries(
    desk: AtDesk,
    caller: SignedIn,
    endpoint_id: Annotated[str | None, Query(max_length=64)] = None,
    job_id: Annotated[
        str | None, Query(max_length=64, description="Only about this job, or this batch.")
    ] = None,
    state: Annotated[DeliveryState | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[
        str | None, Query(max_length=64, description="`next_cursor` of the page before.")
    ] = None,
) -> DeliveryPage:
    """What was sent and is to be sent, newest first, without bodies; an operator's key sees all accounts'."""
    account_id = whose(caller)
    before = deliveries.delivery(desk.hall, account_id, cursor).number if cursor else None
    found = deliveries.list_deliveries(
        desk.hall,
        account_id,
        endpoint_id=endpoint_id,
        subject=job_id,
        state=state,
        before=before,
        limit=limit + 1,
    )
    page = found[:limit]
    return DeliveryPage(
        data=[DeliveryView.of(delivery) for delivery in page],
        next_cursor=page[-1].id if len(found) > limit else None,
    )


@router.get("/deliveries/{delivery_id}")
def show_delivery(delivery_id: DeliveryId, desk: AtDesk, caller: SignedIn) -> DeliveryView:
    """One delivery, with the body as it is sent and what came back last."""
    return DeliveryView.of(deliveries.delivery(desk.hall, whose(caller), delivery_id))


@router.post("/deliveries/{delivery_id}/replay", status_code=202)
def replay(delivery_id: DeliveryId, desk: AtDesk, caller: SignedIn) -> DeliveryView:
    """Send an ended delivery again: same webhook-id, same body, fresh timestamp and signature."""
    return DeliveryView.of(deliveries.replay(desk.hall, whose(caller), delivery_id))
