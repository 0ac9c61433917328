"""A customer behind a well-behaved SDK: one Idempotency-Key a call, made again until it is answered."""

import random
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.chaos.plan import PICTURES, RENDER_S, Wanted

PATIENCE_S = 150.0
_ANSWER_S = 10.0
_PAUSE_S = (0.2, 2.0)


class Unanswered(AssertionError):
    """A call that was never answered, however patiently it was made."""


@dataclass
class Customer:
    """Calls the API processes in turn. `retries` counts why calls were made again."""

    urls: Sequence[str]
    key: str
    seed: str
    retries: Counter[str] = field(default_factory=Counter)
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._client = httpx.Client(timeout=_ANSWER_S)
        self._dice = random.Random(self.seed)

    def close(self) -> None:
        self._client.close()

    def submit(self, wanted: Wanted, pictures: Sequence[Path], webhook_url: str) -> str:
        """The job's id."""
        params = dict(wanted.params)
        if wanted.kind == "media-render":
            params |= self._media(wanted.number, pictures)
        body = {"kind": wanted.kind, "params": params, "webhook_url": webhook_url}
        body["reference"] = str(wanted.number)
        answer = self.call("POST", "/farm/v1/jobs", json=body, key=f"job-{wanted.number}")
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def cancel(self, job_id: str) -> None:
        answer = self.call("POST", f"/farm/v1/jobs/{job_id}/cancel")
        assert answer.status_code == 202, answer.text

    def download(self, job_id: str, name: str, path: Path) -> Path:
        found = self.call("GET", f"/farm/v1/jobs/{job_id}/artifacts/{name}")
        assert found.status_code == 200, found.text
        path.write_bytes(self._insist("GET", [found.json()["download_url"]]).content)
        return path

    def call(
        self, method: str, path: str, *, json: Mapping[str, Any] | None = None, key: str | None = None
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        urls = [url + path for url in self._dice.sample(self.urls, len(self.urls))]
        return self._insist(method, urls, headers=headers, json=json)

    def _media(self, number: int, pictures: Sequence[Path]) -> dict[str, Any]:
        assets = [self._upload(f"{number}-{path.name}", path) for path in pictures[:PICTURES]]
        durations = [{"asset_id": asset["asset_id"], "duration_s": RENDER_S} for asset in assets]
        return {"assets": assets, "durations": durations}

    def _upload(self, key: str, path: Path) -> dict[str, str]:
        declared = {"file_name": path.name, "content_type": "image/jpeg", "size_bytes": path.stat().st_size}
        made = self.call("POST", "/farm/v1/assets", json=declared, key=key)
        assert made.status_code == 201, made.text
        upload = made.json()
        content_type = {"Content-Type": "image/jpeg"}
        put = self._insist("PUT", [upload["upload_url"]], headers=content_type, content=path.read_bytes())
        assert put.status_code in (200, 201, 204), put.text
        asset = upload["asset"]
        return {"asset_id": asset["id"], "file_name": path.name, "media_kind": asset["media_kind"]}

    def _insist(self, method: str, urls: Sequence[str], **options: Any) -> httpx.Response:
        """Until there is an answer to keep. SDKs go by `x-should-retry`, else 408, 409, 429 and 5xx."""
        deadline, tries = time.monotonic() + PATIENCE_S, 0
        while True:
            url = urls[tries % len(urls)]
            try:
                answer = self._client.request(method, url, **options)
            except httpx.TransportError as error:
                why, pause_s = type(error).__name__, None
            else:
                if not _should_retry(answer):
                    return answer
                why, pause_s = str(answer.status_code), answer.headers.get("Retry-After")
            if time.monotonic() > deadline or self.stopping.is_set():
                raise Unanswered(f"{method} {url}: {why} after {tries + 1} tries")
            self.retries[why] += 1
            tries += 1
            backoff_s = min(_PAUSE_S[1], _PAUSE_S[0] * 2**tries) * self._dice.uniform(0.75, 1.0)
            self.stopping.wait(max(backoff_s, float(pause_s or 0)))


def _should_retry(answer: httpx.Response) -> bool:
    said = answer.headers.get("x-should-retry")
    if said in ("true", "false"):
        return bool(said == "true")
    return answer.status_code in (408, 409, 429) or answer.status_code >= 500
