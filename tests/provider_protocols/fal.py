"""fal's queue API, from https://fal.ai/docs/documentation/model-apis/queue and its API reference.

Status and result: https://fal.ai/docs/inference-api; cancel: https://fal.ai/docs/inference-api/queue/cancel;
errors of models: https://fal.ai/docs/model-apis/errors; of requests:
https://fal.ai/docs/documentation/model-apis/request-errors.
"""

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

# The inputs of the models on sale here: "duration" is an enumeration of texts there.
_INPUTS: dict[str, dict[str, tuple[Any, ...]]] = {
    "fal-ai/kling-video/o3/text-to-video": {
        "prompt": (str,), "negative_prompt": (str,), "duration": ("5", "10"),
        "aspect_ratio": ("16:9", "9:16", "1:1"), "seed": (int,),
    },
    "fal-ai/kling-video/o3/image-to-video": {
        "prompt": (str,), "negative_prompt": (str,), "duration": ("5", "10"), "image_url": (str,),
        "tail_image_url": (str,), "seed": (int,),
    },
    # https://fal.ai/models/fal-ai/ace-step/prompt-to-audio/api
    "fal-ai/ace-step/prompt-to-audio": {"prompt": (str,), "duration": (int, float), "seed": (int,)},
    "fal-ai/flux/dev": {
        "prompt": (str,), "seed": (int,), "num_images": (1, 2, 3, 4), "image_size": (dict, str),
    },
}  # fmt: skip


class FalServer(ProtocolServer):
    """Requests at /owner/app/requests/ID, whatever path the model has below the app."""

    def answer(self, request: Request) -> Answer:
        if delivery := matched(r"/files/([^/]+)/(\d+)\.\w+", request.path):
            return self._delivered(self.sales[delivery[1]], int(delivery[2]))
        if request.headers.get("authorization") != f"Key {self.key}":
            raise Refused("auth")
        found = matched(r"/([^/]+/[^/]+)/requests/([^/]+)(/status|/cancel)?", request.path)
        if found is None:
            return self._submitted(request)
        sale = self.sales.get(found[2])
        if sale is None:
            return Answer(404, {"detail": "Request not found"})
        if found[3] == "/cancel":
            require(request.method == "PUT", "cancel is a PUT")
            return self._cancelled(sale)
        require(request.method == "GET", "status and result are GETs")
        return self._status(self.looked(sale)) if found[3] else self._result(sale)

    def refusal(self, word: str) -> Answer:
        if word == "policy":
            return Answer(422, _detail("content_policy_violation", "The content was flagged"))
        if word == "invalid":
            return Answer(422, _detail("missing", "Field required"))
        status, detail = {
            "busy": (429, "Too many requests"),
            "broken": (500, "Internal server error"),
            "unavailable": (503, "runner_scheduling_failure"),
            "auth": (401, f"Cannot authenticate with {self.key}"),
            "credit": (403, "User is locked. Reason: Exhausted balance."),
            "lacking": (404, "Application not found"),
        }[word]
        return Answer(status, {"detail": detail}, {"Retry-After": "7"} if word == "busy" else {})

    def _submitted(self, request: Request) -> Answer:
        """queue, "Submit a request": status, queue_position, request_id and three URLs."""
        model = request.path.strip("/")
        schema = _INPUTS.get(model)
        if request.method != "POST" or schema is None:
            raise Refused("lacking")
        order = request.json
        require(order.get("prompt"), "prompt is required")
        require("image_url" in order or "image_url" not in schema, "image_url is required")
        for name, value in order.items():
            require(name in schema, f"{name} is not known")
            require(any(value == one or type(value) is one for one in schema[name]), f"{name}: {value!r}")
        sale = self.sell({"model": model, **order}, f"req-{len(self.asked):04d}")
        return Answer(200, {"status": "IN_QUEUE", "queue_position": 0, **self._urls(sale)})

    def _urls(self, sale: Sale) -> dict[str, str]:
        """The status, result and cancel URLs use only the owner and the app."""
        app = "/".join(sale.order["model"].split("/")[:2])
        base = f"{self.url}/{app}/requests/{sale.id}"
        return {
            "request_id": sale.id,
            "response_url": base,
            "status_url": f"{base}/status",
            "cancel_url": f"{base}/cancel",
        }

    def _status(self, sale: Sale) -> Answer:
        """202 while it is queued or in progress, 200 when it is complete; a failure is complete as well."""
        if sale.state == "running":
            return Answer(202, {"status": "IN_PROGRESS", "logs": None, **self._urls(sale)})
        errors = {
            "memory": {"error": "CUDA out of memory", "error_type": "oom"},
            "full": {"error": "No runner available", "error_type": "runner_scheduling_failure"},
        }
        error = errors.get(sale.plan, {})
        if sale.state == "cancelled":
            error = {"error": "Request was cancelled", "error_type": "cancelled"}
        return Answer(200, {"status": "COMPLETED", "metrics": {}, **error, **self._urls(sale)})

    def _result(self, sale: Sale) -> Answer:
        """The model's own output, or the status and body that its refusal had."""
        if sale.plan == "late_policy":
            return Answer(422, _detail("content_policy_violation", "The content was flagged"))
        if sale.plan == "fails":
            # docs/model-apis/errors: the fault of a service behind the model, whatever its status
            return Answer(400, _detail("downstream_service_error", "Something broke"))
        base = f"{self.url}/files/{sale.id}"
        if sale.plan == "elsewhere":
            return Answer(200, {"video": {"url": ELSEWHERE}})
        if "video" in sale.order["model"]:
            return Answer(200, {"video": {"url": f"{base}/0.mp4", "content_type": "video/mp4"}})
        if "audio" in sale.order["model"]:
            return Answer(200, {"audio": {"url": f"{base}/0.wav", "content_type": "audio/wav"}, "seed": 1})
        number = sale.order.get("num_images", 1) - (sale.plan == "few")
        images = [{"url": f"{base}/{index}.png", "width": 64, "height": 64} for index in range(number)]
        return Answer(200, {"images": images, "seed": 1, "has_nsfw_concepts": [False], "prompt": "x"})

    def _cancelled(self, sale: Sale) -> Answer:
        """queue/cancel: CANCELLATION_REQUESTED with 202, ALREADY_COMPLETED with 400, NOT_FOUND with 404."""
        self.called_off.append(sale.id)
        if sale.state != "running":
            return Answer(400, {"status": "ALREADY_COMPLETED"})
        sale.state = "cancelled"
        return Answer(202, {"status": "CANCELLATION_REQUESTED"})

    def _delivered(self, sale: Sale, number: int) -> Answer:
        if sale.plan == "gone":
            return Answer(404)
        if "audio" in sale.order["model"]:
            return Answer(200, delivered_sound(sale.plan, sale.order["duration"]))
        return Answer(
            200,
            delivered(sale.plan, "video" in sale.order["model"], int(sale.order.get("duration", 0)), number),
        )


def _detail(kind: str, message: str) -> dict[str, Any]:
    """docs/model-apis/errors: detail is a list of {loc, msg, type, url, ctx, input}."""
    return {"detail": [{"loc": ["body", "prompt"], "msg": message, "type": kind, "url": "", "ctx": {}}]}
