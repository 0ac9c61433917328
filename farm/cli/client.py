"""The CLI's line to a farm: the native API over HTTP. A refusal becomes a FarmError in its own words."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from pydantic import Field, JsonValue, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from farm.blobs.disk import landing
from farm.cli.answers import Pause, answered, errors_named, require_good
from farm.errors import BadRequest, FarmUnavailable
from farm.states import TERMINAL_JOBS

_LOOK_EVERY_S = 0.5
_PATIENCE_S = 60.0
_CHUNK_BYTES = 1 << 18
_CONNECT_S = 5.0
_ROWS_S = 120.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_NATIVE = "/farm/v1"


class _Named(BaseSettings):
    """FARM_URL and FARM_API_KEY: a farm anywhere."""

    model_config = SettingsConfigDict(env_prefix="FARM_", extra="ignore", frozen=True, env_ignore_empty=True)

    url: str | None = Field(default=None, description="A farm's URL")
    api_key: SecretStr | None = Field(default=None, description="A key of that farm")


def named_farm() -> "FarmClient | None":
    """The farm that FARM_URL names, or None. Raises BadRequest when its key is missing."""
    named = _Named()
    if named.url is None:
        return None
    if named.api_key is None:
        raise BadRequest("FARM_URL is set and FARM_API_KEY is not.", param="FARM_API_KEY")
    if not named.url.startswith(("http://", "https://")):
        raise BadRequest(
            f"FARM_URL must begin with http:// or https://, not {named.url!r}.", param="FARM_URL"
        )
    return FarmClient(named.url, named.api_key.get_secret_value())


class FarmClient:
    """One farm, one key. For one thread. Raises Refused and FarmUnavailable from every method.

    When the key has used its calls, every method waits by `pause` for as long as the farm says.
    """

    def __init__(self, url: str, key: str, *, timeout_s: float = 30.0, pause: Pause = time.sleep) -> None:
        self.url = url.rstrip("/")
        self._pause = pause
        timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_S))
        by_proxy = httpx.URL(self.url).host not in _LOOPBACK
        trusted = httpx.create_ssl_context(trust_env=by_proxy)  # reading it takes longer than most calls
        self._http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=timeout,
            trust_env=by_proxy,
            verify=trusted,
        )
        # For signed URLs, which may lie elsewhere: the key is not sent there.
        self._bare = httpx.Client(timeout=timeout, trust_env=by_proxy, verify=trusted)

    def __enter__(self) -> "FarmClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()
        self._bare.close()

    def alive(self) -> None:
        """Raise FarmUnavailable unless the API answers."""
        self._call("GET", "/healthz")

    def workers(self) -> list[dict[str, Any]]:
        """Every worker the farm knows; an operator's key is needed."""
        return self._list("/workers")

    def drain_worker(self, name: str, because: str = "") -> dict[str, Any]:
        """Send a worker nothing more; an operator's key is needed."""
        return self._object(
            "POST", f"/workers/{quote(name, safe='')}/drain?{urlencode({'because': because})}"
        )

    def resume_worker(self, name: str) -> dict[str, Any]:
        """Send a worker tasks again; an operator's key is needed."""
        return self._object("POST", f"/workers/{quote(name, safe='')}/resume")

    def sleep_worker(self, name: str, schedule: str | None) -> dict[str, Any]:
        """Let a worker sleep at told hours, or never again; an operator's key is needed."""
        return self._object("PUT", f"/workers/{quote(name, safe='')}/sleep", {"schedule": schedule})

    def jobs(self, **query: str | int | None) -> list[dict[str, Any]]:
        """One page of jobs, newest first."""
        return self._list("/jobs", **query)

    def job(self, job_id: str) -> dict[str, Any]:
        """A job as it is now."""
        return self._object("GET", f"/jobs/{job_id}")

    def attempts(self, job_id: str) -> list[dict[str, Any]]:
        """Every attempt of a job's tasks, oldest first."""
        return self._list(f"/jobs/{job_id}/attempts")

    def artifacts(self, job_id: str) -> list[dict[str, Any]]:
        """The finished files of a job."""
        return self._list(f"/jobs/{job_id}/artifacts")

    def artifact_url(self, job_id: str, name: str) -> str:
        """Where one finished file may be fetched for a while."""
        return str(self._object("GET", f"/jobs/{job_id}/artifacts/{name}")["download_url"])

    def why(self, job_id: str) -> list[str]:
        """What a job waits for, in sentences."""
        sentences: list[str] = self._object("GET", f"/jobs/{job_id}/why")["data"]
        return sentences

    def cancel(self, job_id: str) -> dict[str, Any]:
        """Ask a job to stop."""
        return self._object("POST", f"/jobs/{job_id}/cancel")

    def set_priority(self, job_id: str, priority: int) -> dict[str, Any]:
        """Move what has not started of a job forward (lower) or back within its account."""
        return self._object("PATCH", f"/jobs/{job_id}", {"priority": priority})

    def logs(self, job_id: str, tail: int) -> list[dict[str, Any]]:
        """The last lines of a job's attempts, oldest first."""
        return self._list(f"/jobs/{job_id}/logs", tail=tail)

    def follow_logs(self, job_id: str) -> Iterator[dict[str, Any]]:
        """Each line of a job's attempts as it is said, until the job has ended.

        A farm that restarts is waited for; then it goes on after the last line.
        """
        query: dict[str, str] = {"follow": "1"}
        patience_ends = time.monotonic() + _PATIENCE_S
        while True:
            try:
                for line in self._events(f"/jobs/{job_id}/logs", query):
                    yield line
                    query["after"] = line["id"]
                    patience_ends = time.monotonic() + _PATIENCE_S
                return
            except FarmUnavailable:
                if time.monotonic() > patience_ends:
                    raise
            time.sleep(_LOOK_EVERY_S)

    def retry(self, job_id: str) -> dict[str, Any]:
        """Submit an ended job again, as a new one."""
        return self._object("POST", f"/jobs/{job_id}/retry")

    def submit(
        self,
        kind: str,
        params: Mapping[str, JsonValue],
        *,
        webhook_url: str | None = None,
        webhook_auto_retry: bool = False,
    ) -> dict[str, Any]:
        """Submit a job of any kind."""
        body: dict[str, JsonValue] = {"kind": kind, "params": dict(params), "webhook_url": webhook_url}
        return self._object("POST", "/jobs", body | {"webhook_auto_retry": webhook_auto_retry})

    def quote(self, kind: str, params: Mapping[str, JsonValue]) -> dict[str, Any]:
        """What a job would cost."""
        return self._object("POST", "/quotes", {"kind": kind, "params": dict(params)})

    def voices(self, **query: str | None) -> list[dict[str, Any]]:
        """The voices that fit, saved ones first."""
        return self._list("/voices", **query)

    def voice(self, voice_id: str) -> dict[str, Any]:
        """One voice, saved or the farm's."""
        return self._object("GET", f"/voices/{quote(voice_id, safe='')}")

    def save_voice(self, wanted: Mapping[str, JsonValue]) -> dict[str, Any]:
        """Save a voice under a name."""
        return self._object("POST", "/voices", wanted)

    def change_voice(self, voice_id: str, changes: Mapping[str, JsonValue]) -> dict[str, Any]:
        """Change what is named of a saved voice."""
        return self._object("PATCH", f"/voices/{quote(voice_id, safe='')}", changes)

    def remove_voice(self, voice_id: str) -> dict[str, Any]:
        """Forget a saved voice."""
        return self._object("DELETE", f"/voices/{quote(voice_id, safe='')}")

    def webhook_endpoints(self) -> list[dict[str, Any]]:
        """The account's endpoints, oldest first."""
        return self._list("/webhooks/endpoints")

    def add_webhook_endpoint(
        self, url: str, events: Sequence[str], headers: Mapping[str, str], description: str
    ) -> dict[str, Any]:
        """Register an endpoint: `endpoint`, and its `secret`, which is told once."""
        body: dict[str, JsonValue] = {"url": url, "events": list(events), "headers": dict(headers)}
        return self._object("POST", "/webhooks/endpoints", body | {"description": description})

    def remove_webhook_endpoint(self, endpoint_id: str) -> dict[str, Any]:
        """Delete an endpoint."""
        return self._object("DELETE", f"/webhooks/endpoints/{endpoint_id}")

    def enable_webhook_endpoint(self, endpoint_id: str) -> dict[str, Any]:
        """Bring a disabled endpoint back."""
        return self._object("PATCH", f"/webhooks/endpoints/{endpoint_id}", {"enabled": True})

    def rotate_webhook_secret(self, endpoint_id: str) -> dict[str, Any]:
        """A new secret for an endpoint: `endpoint`, and `secret`."""
        return self._object("POST", f"/webhooks/endpoints/{endpoint_id}/rotate")

    def test_webhook(self, endpoint_id: str) -> dict[str, Any]:
        """Queue a test event: its delivery."""
        return self._object("POST", f"/webhooks/endpoints/{endpoint_id}/test")

    def webhook_key_secret(self) -> str:
        """What signs deliveries to the webhook_url of this key's jobs."""
        return str(self._object("GET", "/webhooks/signing-secret")["secret"])

    def webhook_deliveries(self, **query: str | int | None) -> list[dict[str, Any]]:
        """One page of deliveries, newest first."""
        return self._list("/webhooks/deliveries", **query)

    def webhook_delivery(self, delivery_id: str) -> dict[str, Any]:
        """One delivery."""
        return self._object("GET", f"/webhooks/deliveries/{delivery_id}")

    def replay_webhook(self, delivery_id: str) -> dict[str, Any]:
        """Send an ended delivery again."""
        return self._object("POST", f"/webhooks/deliveries/{delivery_id}/replay")

    def follow(self, job_id: str) -> Iterator[dict[str, Any]]:
        """The job now and every half second, until it has ended. A farm that restarts is waited for."""
        patience_ends = time.monotonic() + _PATIENCE_S
        while True:
            try:
                job = self.job(job_id)
            except FarmUnavailable:
                if time.monotonic() > patience_ends:
                    raise
            else:
                yield job
                if job["state"] in TERMINAL_JOBS:
                    return
                patience_ends = time.monotonic() + _PATIENCE_S
            time.sleep(_LOOK_EVERY_S)

    def native(
        self, method: str, path: str, body: Mapping[str, JsonValue] | None = None, **query: str | int
    ) -> dict[str, Any]:
        """Any call of the native API, by its path below /farm/v1."""
        answer: dict[str, Any] = self._call(method, _NATIVE + path, body=body, query=query)
        return answer

    def send_rows(
        self,
        path: str,
        content: Callable[[], Iterable[bytes]],
        content_type: str,
        query: Sequence[tuple[str, str]],
    ) -> dict[str, Any]:
        """Stream rows to a native path. Credits that ended are told in the answer, not raised.

        `content` begins anew each time it is called.
        """

        def ask() -> httpx.Response:
            return self._http.post(
                _NATIVE + path,
                content=content(),
                headers={"Content-Type": content_type},
                params=list(query),
                timeout=httpx.Timeout(_ROWS_S, connect=_CONNECT_S),
            )

        answer = answered(self.url, ask, self._pause)
        if answer.status_code != httpx.codes.PAYMENT_REQUIRED:
            require_good(answer)
        said: dict[str, Any] = answer.json()
        return said

    def stream(self, path: str, **query: str) -> Iterator[bytes]:
        """The body of a native answer, however long, piece by piece."""
        with self._opened(self._http, _NATIVE + path, query) as answer:
            yield from answer.iter_bytes(_CHUNK_BYTES)

    def declare(self, file_name: str, content_type: str, size_bytes: int) -> dict[str, Any]:
        """Declare a file: `asset` is what it is now, `upload_url` takes its bytes."""
        return self._object(
            "POST",
            "/assets",
            {"file_name": file_name, "content_type": content_type, "size_bytes": size_bytes},
        )

    def put(
        self, url: str, path: Path, content_type: str, size_bytes: int, sent: Callable[[int], None]
    ) -> None:
        """Send a file to its signed URL; `sent` hears the bytes of each chunk as it goes out."""
        headers = {"Content-Type": content_type, "Content-Length": str(size_bytes)}
        answer = answered(
            self.url,
            lambda: self._bare.put(url, content=chunks(path, sent), headers=headers),
            self._pause,
        )
        require_good(answer)

    def download(self, url: str, path: Path, got: Callable[[int], None]) -> None:
        """Fetch a file, which appears at `path` whole or not at all; `got` hears the bytes of each chunk."""
        with self._opened(self._bare, url, {}) as answer:
            path.parent.mkdir(parents=True, exist_ok=True)
            with landing(path) as file:
                for chunk in answer.iter_bytes(_CHUNK_BYTES):
                    file.write(chunk)
                    got(len(chunk))

    def _events(self, path: str, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """The data of server-sent events, until their stream ends. Raises FarmUnavailable when it breaks."""
        with self._opened(self._http, _NATIVE + path, query) as answer:
            for text in answer.iter_lines():
                if text.startswith("data: "):
                    yield json.loads(text.removeprefix("data: "))

    @contextmanager
    def _opened(self, http: httpx.Client, url: str, query: Mapping[str, str]) -> Iterator[httpx.Response]:
        """An answer whose body is read piece by piece within the block."""

        def ask() -> httpx.Response:
            request = http.build_request("GET", url, params=query or None)
            return http.send(request, stream=True)

        answer = answered(self.url, ask, self._pause)
        try:
            with errors_named(self.url):
                if answer.is_error:
                    answer.read()
                require_good(answer)
                yield answer
        finally:
            answer.close()

    def _list(self, path: str, **query: str | int | None) -> list[dict[str, Any]]:
        """One page where the query limits it, else all of them."""
        given = {name: value for name, value in query.items() if value is not None}
        answer = self._call("GET", _NATIVE + path, query=given)
        found: list[dict[str, Any]] = answer["data"]
        while "limit" not in given and answer.get("next_cursor"):
            answer = self._call("GET", _NATIVE + path, query=given | {"cursor": answer["next_cursor"]})
            found += answer["data"]
        return found

    def _object(self, method: str, path: str, body: Mapping[str, JsonValue] | None = None) -> dict[str, Any]:
        answer: dict[str, Any] = self._call(method, _NATIVE + path, body=body)
        return answer

    def _call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, JsonValue] | None = None,
        query: Mapping[str, str | int] | None = None,
    ) -> Any:
        answer = answered(
            self.url, lambda: self._http.request(method, path, json=body, params=query), self._pause
        )
        require_good(answer)
        return answer.json()


def chunks(path: Path, sent: Callable[[int], None]) -> Iterator[bytes]:
    """A file piece by piece; `sent` hears the bytes of each as the next is asked for."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
            sent(len(chunk))
