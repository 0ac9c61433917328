"""Replicate's HTTP API, from https://replicate.com/docs/reference/http and its SDK's types.

The prediction object: https://sdks.replicate.com/resources/predictions/models/prediction; files:
https://replicate.com/docs/reference/http#files.create and replicate/file.py of replicate-python; throttling:
https://replicate.com/docs/topics/predictions/rate-limits.
"""

import re
from datetime import UTC, datetime
from typing import Any

from tests.provider_protocols.goods import delivered, delivered_sound
from tests.provider_protocols.server import (
    ELSEWHERE,
    Answer,
    ProtocolServer,
    Refused,
    Request,
    Sale,
    matched,
    require,
)

# The inputs of the models on sale here, as a version's openapi_schema tells them.
_INPUTS: dict[str, dict[str, type]] = {
    "kwaivgi/kling": {
        "prompt": str, "negative_prompt": str, "duration": int, "aspect_ratio": str, "start_image": str,
        "seed": int,
    },
    # https://replicate.com/stackadoc/stable-audio-open-1.0/api/schema
    "stackadoc/stable-audio": {"prompt": str, "seconds_total": int, "seed": int},
    "black-forest-labs/flux": {
        "prompt": str, "seed": int, "num_outputs": int, "aspect_ratio": str, "image": str,
        "output_format": str,
    },
}  # fmt: skip
_LONGEST_INLINE = 256 * 1024  # "use an HTTP URL when you have a large file > 256kb"


class ReplicateServer(ProtocolServer):
    """Predictions and files."""

    def forget(self) -> None:
        super().forget()
        self.files: dict[str, bytes] = {}

    @property
    def url(self) -> str:
        return f"{super().url}/v1"

    def answer(self, request: Request) -> Answer:
        if delivery := matched(r"/delivery/([^/]+)/(\d+)", request.path):
            return self._delivered(self.sales[delivery[1]], int(delivery[2]), request)
        if request.headers.get("authorization") != f"Bearer {self.key}":
            raise Refused("auth")
        match request.method, request.path:
            case "POST", "/v1/predictions":
                return self._created(request)
            case "GET", "/v1/predictions":
                listed = [self._prediction(sale) for sale in reversed(self.sold)]
                return Answer(200, {"previous": None, "next": None, "results": listed})
            case "POST", "/v1/files":
                return self._stored(request)
        found = matched(r"/v1/predictions/([^/]+)(/cancel)?", request.path)
        sale = self.sales.get(found[1]) if found else None
        if sale is None:
            return Answer(404, {"detail": "Not found.", "status": 404})
        if found and found[2]:
            require(request.method == "POST", "cancel is a POST")
            if sale.state == "running":
                sale.state = "canceled"
            self.called_off.append(sale.id)
            return Answer(200, self._prediction(sale))
        return Answer(200, self._prediction(self.looked(sale)))

    def refusal(self, word: str) -> Answer:
        if word == "busy":  # rate-limits: the body tells when it resets
            return Answer(429, {"detail": "Request was throttled. Your rate limit resets in ~7s."})
        status, title, detail = {
            "broken": (500, "Internal server error", "oops"),
            "unavailable": (503, "Service unavailable", "try later"),
            "auth": (401, "Unauthenticated", f"You did not pass a valid authentication token: {self.key}"),
            "credit": (402, "Insufficient credit", "You have insufficient credit to run this model"),
            "policy": (422, "Prediction rejected", "The input was flagged as sensitive. (E005)"),
            "invalid": (422, "Input validation failed", "- input: prompt is required"),
            "lacking": (404, "Not found", "The requested resource could not be found."),
        }[word]
        return Answer(status, {"title": title, "detail": detail, "status": status})

    def _created(self, request: Request) -> Answer:
        """#predictions.create: version is `owner/name`, `owner/name:version` or the id of one."""
        body = request.json
        require(body.keys() <= {"version", "input", "webhook", "webhook_events_filter", "stream"}, "fields")
        schema = _INPUTS.get(str(body.get("version")).partition(":")[0])
        if schema is None:
            raise Refused("lacking")
        given = body.get("input")
        require(isinstance(given, dict) and given.get("prompt"), "input.prompt is required")
        for name, value in given.items():
            require(name in schema and type(value) is schema[name], f"input.{name}")
            require(not str(value).startswith("data:") or len(value) < _LONGEST_INLINE * 1.4, "inline")
        # Prefer: wait=n holds the answer up to n seconds, 1 to 60; Cancel-After: 5s, 1m30s …
        require(re.fullmatch(r"wait(=([1-9]|[1-5]\d|60))?", request.headers["prefer"]), "Prefer")
        require(re.fullmatch(r"(\d+h)?(\d+m)?(\d+s)?", request.headers["cancel-after"]), "Cancel-After")
        sale = self.sell({"version": body["version"], **given}, f"pred{len(self.asked):04d}")
        return Answer(201, self._prediction(sale))

    def _stored(self, request: Request) -> Answer:
        """#files.create: the file is the part `content`; replicate/file.py: each field of the answer."""
        (content,) = request.files["content"]
        name = f"file-{len(self.files) + 1}"
        self.files[name] = content
        return Answer(
            201,
            {
                "id": name,
                "name": "input",
                "content_type": "image/png",
                "size": len(content),
                "etag": "x",
                "checksums": {},
                "metadata": {},
                "created_at": _time(0),
                "expires_at": _time(3600),
                "urls": {"get": f"{self.url}/files/{name}"},
            },
        )

    def _prediction(self, sale: Sale) -> dict[str, Any]:
        """#predictions.get: fields and values of `status` as there."""
        order = dict(sale.order)
        version = order.pop("version")
        # docs/topics/predictions/lifecycle: aborted is what never began before its deadline
        status = {"running": "processing", "done": "succeeded", "failed": "failed"}
        if sale.plan == "full":
            status["failed"] = "aborted"
        errors = {
            "fails": "Prediction failed: something broke",
            "late_policy": "NSFW content detected. Try running it again, or try a different prompt.",
            "memory": "CUDA out of memory. Tried to allocate 2.00 GiB",
        }
        return {
            "id": sale.id,
            "model": version,
            "version": version,
            "input": order,
            "logs": "\n".join(
                f"{percent:3d}%|###   | {percent}/100" for percent in range(0, sale.looks * 20, 20)
            ),
            "output": self._output(sale) if sale.state == "done" else None,
            "data_removed": False,
            "error": errors.get(sale.plan) if sale.state == "failed" else None,
            "status": status.get(sale.state, sale.state),
            "created_at": _time(sale.at),
            "started_at": None,
            "completed_at": None,
            "urls": {
                "get": f"{self.url}/predictions/{sale.id}",
                "cancel": f"{self.url}/predictions/{sale.id}/cancel",
            },
            "metrics": {},
        }

    def _output(self, sale: Sale) -> Any:
        """A film and a sound as one URL, pictures as a list, as those models have it."""
        if sale.plan == "elsewhere":
            return ELSEWHERE
        url = f"http://127.0.0.1:{self.port}/delivery/{sale.id}"
        if "flux" not in sale.order["version"]:
            return f"{url}/0"
        number = sale.order.get("num_outputs", 1) - (sale.plan == "few")
        return [f"{url}/{index}" for index in range(number)]

    def _delivered(self, sale: Sale, number: int, request: Request) -> Answer:
        if sale.plan == "gone":
            return Answer(404)
        if "audio" in sale.order["version"]:
            return Answer(200, delivered_sound(sale.plan, sale.order["seconds_total"]))
        is_film = "kling" in sale.order["version"]
        return Answer(200, delivered(sale.plan, is_film, sale.order.get("duration", 0), number))


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
