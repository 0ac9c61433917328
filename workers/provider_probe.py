"""Performs the kind `provider-probe`: buys one call at the provider, once, and waits for what comes of it.

Written as every provider's performer should be: resume, else look up what is in doubt, else buy; say what was
accepted at once; call it off on the way out.
"""

import http.client
import json
import time
from typing import Any
from urllib.parse import quote, urlsplit

from farm.catalog import read_catalog
from farm.errors import FailureClass, TaskFailure
from farm.settings import Settings
from workers.context import Cancelled, Context, Done, TaskInput
from workers.provider_answers import refusal, unanswered, unreachable

_PATIENCE_S = 5.0  # for one answer
_NAP_S = 0.05


def perform(given: TaskInput, context: Context) -> Done:
    """Do it at the provider that the farm chose."""
    service = _Service(given)
    ref = given.provider_ref
    if ref is None:
        ref = (service.find() if given.in_doubt else None) or service.buy()
        context.accepted(ref)
    answer = _wait(service, ref, context)
    if answer.get("content") != given.params["prompt"]:
        raise TaskFailure("The provider's answer is not what was asked for.", FailureClass.CORRUPT_OUTPUT)
    return Done(result={"provider": given.provider, "model": given.model, "ref": ref})


def _wait(service: "_Service", ref: str, context: Context) -> dict[str, Any]:
    """Look until it is done. What is stopped is called off first."""
    try:
        while True:
            context.progress(0.5, "waiting for the provider")
            seen = service.look(ref)
            if seen["state"] == "done":
                return seen
            if seen["state"] == "failed":
                context.dropped()
                raise TaskFailure("The provider failed.", FailureClass.TRANSIENT, code="provider_failed")
            time.sleep(_NAP_S)
    except Cancelled:
        service.call_off(ref)
        context.dropped()
        raise


class _Service:
    """The provider's HTTP API: one call each, no retries."""

    def __init__(self, given: TaskInput) -> None:
        url = read_catalog(Settings()).providers.providers[given.provider or ""].url
        if url is None:
            raise TaskFailure(f"Provider {given.provider!r} has no url.", FailureClass.INTERNAL)
        place = urlsplit(url)
        self._host, self._port, self._path = place.hostname or "", place.port, place.path
        self._key = given.idempotency_key or ""
        self._order = {"model": given.model, "prompt": given.params["prompt"]}

    def buy(self) -> str:
        return str(self._call("POST", "/calls", self._order, is_purchase=True)["id"])

    def find(self) -> str | None:
        """What was bought under our key, or None. A provider that cannot tell leaves the doubt."""
        try:
            found = self._call("GET", f"/calls?key={quote(self._key)}")["calls"]
        except TaskFailure as failure:
            raise TaskFailure(failure.message, FailureClass.AMBIGUOUS, code=failure.public_code) from failure
        return str(found[0]["id"]) if found else None

    def look(self, ref: str) -> dict[str, Any]:
        return self._call("GET", f"/calls/{quote(ref)}")

    def call_off(self, ref: str) -> None:
        self._call("DELETE", f"/calls/{quote(ref)}")

    def _call(
        self, method: str, path: str, body: object = None, *, is_purchase: bool = False
    ) -> dict[str, Any]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_PATIENCE_S)
        try:
            connection.connect()
        except OSError as error:
            raise unreachable(error) from error
        try:
            said = json.dumps(body) if body is not None else None
            connection.request(method, self._path + path, said, {"Idempotency-Key": self._key})
            answer = connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise (unanswered(error) if is_purchase else unreachable(OSError(str(error)))) from error
        finally:
            connection.close()
        if answer.status >= 400:
            raise refusal(answer.status, text, dict(answer.getheaders()), is_policy="policy" in text)
        found: dict[str, Any] = json.loads(text)
        return found
