"""`farm webhooks`: endpoints and deliveries, over HTTP, to any farm."""

import time
from typing import Annotated, Any

import typer

from farm.cli import console
from farm.cli.client import FarmClient
from farm.cli.embedded import any_farm
from farm.errors import BadRequest
from farm.settings import Settings
from farm.webhook import DeliveryState

app = typer.Typer(no_args_is_help=True)

_PATIENCE_S = 30.0
_LOOK_S = 0.25
_ENDPOINTS = {
    "id": "Endpoint",
    "url": "URL",
    "events": "Events",
    "state": "State",
    "why": "Why",
    "created": "Created",
}
_DELIVERIES = {
    "id": "Delivery",
    "event": "Event",
    "job_id": "About",
    "url": "URL",
    "state": "State",
    "attempts": "Attempts",
    "said": "Answer",
    "next": "Next",
}

EndpointId = Annotated[str, typer.Argument(help="As `farm webhooks ls` shows it.")]


@app.command()
def ls(as_json: console.AsJson = False) -> None:
    """List the account's endpoints, oldest first."""
    with _farm() as farm:
        found = farm.webhook_endpoints()
    console.print_listing(
        found if as_json else [_endpoint_row(endpoint) for endpoint in found],
        _ENDPOINTS,
        as_json=as_json,
        empty="No endpoints yet: farm webhooks add URL",
    )


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="https://…, on the public internet.")],
    event: Annotated[
        list[str] | None, typer.Option(help="Only this event; repeatable. Default: all.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option(help="'Name: value' to send with each; repeatable.")
    ] = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    as_json: console.AsJson = False,
) -> None:
    """Register an endpoint. Its secret is shown once: alone on the last line of stdout."""
    with _farm() as farm:
        made = farm.add_webhook_endpoint(url, event or [], headers_of(header or []), description)
    _show_secret(made, as_json)


@app.command()
def rm(endpoint_id: EndpointId) -> None:
    """Delete an endpoint; what was still to be delivered there is given up."""
    with _farm() as farm:
        farm.remove_webhook_endpoint(endpoint_id)
    console.say(f"{endpoint_id} is deleted.")


@app.command()
def enable(endpoint_id: EndpointId) -> None:
    """Bring a disabled endpoint back."""
    with _farm() as farm:
        farm.enable_webhook_endpoint(endpoint_id)
    console.say(f"{endpoint_id} is enabled.")


@app.command()
def rotate(endpoint_id: EndpointId, as_json: console.AsJson = False) -> None:
    """Give an endpoint a new secret; both sign for a day. Shown once, on the last line of stdout."""
    with _farm() as farm:
        made = farm.rotate_webhook_secret(endpoint_id)
    _show_secret(made, as_json)


@app.command()
def secret() -> None:
    """Show the secret that signs what goes to the webhook_url of this API key's jobs."""
    with _farm() as farm:
        console.say(farm.webhook_key_secret())


@app.command()
def deliveries(
    endpoint: Annotated[str | None, typer.Option(help="Only this endpoint's.")] = None,
    job: Annotated[str | None, typer.Option(help="Only about this job.")] = None,
    state: Annotated[DeliveryState | None, typer.Option(help="Only these.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 20,
    as_json: console.AsJson = False,
) -> None:
    """List what was sent and what is to be sent, newest first."""
    with _farm() as farm:
        found = farm.webhook_deliveries(endpoint_id=endpoint, job_id=job, state=state, limit=limit)
    console.print_listing(
        found if as_json else [_delivery_row(delivery) for delivery in found],
        _DELIVERIES,
        as_json=as_json,
        empty="No deliveries.",
    )


@app.command()
def replay(
    delivery_id: Annotated[list[str], typer.Argument(help="As `farm webhooks deliveries` shows it.")],
) -> None:
    """Send deliveries that have ended again, with the same id and body."""
    with _farm() as farm:
        for wanted in delivery_id:
            farm.replay_webhook(wanted)
            console.say(f"{wanted} is sent again.")


@app.command()
def test(endpoint_id: EndpointId, as_json: console.AsJson = False) -> None:
    """Send a test event and wait for what comes of its first attempt. Exit 1 unless it was delivered."""
    with _farm() as farm:
        sent = _tried(farm, farm.test_webhook(endpoint_id)["id"])
    if as_json:
        console.print_json(sent)
    elif sent["state"] == DeliveryState.DELIVERED:
        console.say(f"{sent['url']} answered {sent['last_status']}.", style="green")
    else:
        console.complain(f"{sent['url']}: {sent['last_error'] or 'not tried yet; is the scheduler running?'}")
    if sent["state"] != DeliveryState.DELIVERED:
        raise typer.Exit(1)


def headers_of(lines: list[str]) -> dict[str, str]:
    """`Name: value` lines as a mapping. Raises BadRequest on anything else."""
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not (name and colon):
            raise BadRequest(f"A header reads 'Name: value', not {line!r}.", param="header")
        headers[name.strip()] = value.strip()
    return headers


def _tried(farm: FarmClient, delivery_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        found = farm.webhook_delivery(delivery_id)
        if found["attempts"] or found["state"] != DeliveryState.PENDING or time.monotonic() > deadline:
            return found
        time.sleep(_LOOK_S)


def _show_secret(made: dict[str, Any], as_json: bool) -> None:
    if as_json:
        console.print_json(made)
        return
    console.remark(f"Secret of {made['endpoint']['id']}. Keep it: it is not shown again.", style="dim")
    console.say(made["secret"])


def _farm() -> FarmClient:
    return any_farm(Settings())


def _endpoint_row(endpoint: dict[str, Any]) -> dict[str, Any]:
    return endpoint | {
        "events": endpoint["events"] or "all",
        "why": endpoint["disabled_because"] or "",
        "created": console.when(endpoint["created_at"]),
    }


def _delivery_row(delivery: dict[str, Any]) -> dict[str, Any]:
    return delivery | {
        "said": delivery["last_error"] or delivery["last_status"] or "",
        "next": console.when(delivery["due_at"]),
    }
