"""OpenAI's images and videos API, from its OpenAPI document as the SDK `openai` 3.51 carries it.

Sources of the fields: types/image_generate_params.py, image_edit_params.py, images_response.py, image.py,
video_create_params.py, video.py, video_create_error.py and resources/videos.py of that package; errors:
https://platform.openai.com/docs/guides/error-codes.
"""

from base64 import b64encode
from io import BytesIO
from typing import Any

from PIL import Image

from tests.provider_protocols.goods import delivered
from tests.provider_protocols.server import Answer, ProtocolServer, Refused, Request, Sale, matched, require

# image_generate_params.py: prompt is required, n is 1 to 10, the rest may be left out.
_IMAGE_FIELDS = {
    "prompt", "background", "model", "moderation", "n", "output_compression", "output_format",
    "partial_images", "quality", "response_format", "size", "stream", "style", "user",
}  # fmt: skip
_QUALITIES = {"auto", "low", "medium", "high", "xhigh", "max", "standard", "hd"}
_BACKGROUNDS = {"transparent", "opaque", "auto"}
# video_create_params.py
_VIDEO_FIELDS = {"prompt", "model", "seconds", "size"}
_SECONDS = {"4", "8", "12"}
_SIZES = {"720x1280", "1280x720", "1024x1792", "1792x1024"}
# What it says of a picture in another size, though its schema does not.
_MUST_MATCH = "Inpaint image must match the requested width and height"
_REFUSALS: dict[str, tuple[int, str, str]] = {
    "busy": (429, "rate_limit_exceeded", "Rate limit reached"),
    "broken": (500, "server_error", "The server had an error"),
    "unavailable": (503, "overloaded", "The engine is currently overloaded"),
    "auth": (401, "invalid_api_key", "Incorrect API key provided: {key}"),
    "credit": (429, "insufficient_quota", "You exceeded your current quota"),
    "policy": (400, "moderation_blocked", "Your request was rejected by the safety system"),
    "invalid": (400, "invalid_value", "Invalid value"),
    "lacking": (404, "model_not_found", "The model does not exist"),
}


class OpenAiServer(ProtocolServer):
    """`keeps_keys`: the same Idempotency-Key gets what it bought before, as Kinefarm itself does."""

    def forget(self) -> None:
        super().forget()
        self.keeps_keys = False
        self.by_key: dict[str, Sale] = {}

    @property
    def url(self) -> str:
        return f"{super().url}/v1"

    def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            raise Refused("auth")
        match request.method, request.path:
            case "POST", "/v1/images/generations":
                return self._pictures(request, request.json)
            case "POST", "/v1/images/edits":
                require(request.files.get("image") or request.files.get("image[]"), "image is required")
                return self._pictures(request, dict(request.form))
            case "POST", "/v1/videos":
                return self._ordered(request)
            case "GET", "/v1/videos":
                listed = [self._video(sale) for sale in reversed(self.sold)]
                return Answer(200, {"object": "list", "data": listed, "has_more": False})
        found = matched(r"/v1/videos/([^/]+)(/content)?", request.path)
        sale = self.sales.get(found[1]) if found else None
        if sale is None:
            return Answer(404, _error("video_not_found", "Video not found"))
        if found and found[2]:
            require(sale.state == "done", "the video is not ready")
            if sale.plan == "gone":
                return Answer(404, _error("video_expired", "The content has expired"))
            content = delivered(sale.plan, True, int(sale.order["seconds"]))
            return Answer(200, content, {"Content-Type": "video/mp4"})
        if request.method == "DELETE":  # resources/videos.py: permanently delete
            self.called_off.append(sale.id)
            del self.sales[sale.id]
            return Answer(200, {"id": sale.id, "object": "video.deleted", "deleted": True})
        return Answer(200, self._video(self.looked(sale)))

    def refusal(self, word: str) -> Answer:
        status, code, words = _REFUSALS[word]
        headers = {"Retry-After": "7"} if word == "busy" else {}
        return Answer(status, _error(code, words.format(key=self.key)), headers)

    def _pictures(self, request: Request, order: dict[str, Any]) -> Answer:
        require(order.keys() <= _IMAGE_FIELDS, f"unknown fields {order.keys() - _IMAGE_FIELDS}")
        require(isinstance(order.get("prompt"), str), "prompt is required")
        number = int(order.get("n") or 1)
        require(1 <= number <= 10, "n is 1 to 10")
        require(order.get("quality", "auto") in _QUALITIES, "quality")
        require(order.get("background", "auto") in _BACKGROUNDS, "background")
        require(request.path.endswith("edits") or isinstance(order.get("n", 1), int), "n is an integer")
        sale = self._known(request) or self.sell(order, f"img-{len(self.sales) + 1}")
        self._keep(request, sale)
        sale.state = "done"
        made = number - 1 if sale.plan == "few" else number
        goods = [delivered(sale.plan, False, 0, index) for index in range(made)]
        if sale.plan == "gone":
            return Answer(200, {"created": 1, "data": [{"url": f"{self.url}/gone.png"}] * number})
        # images_response.py: created, data; image.py: b64_json or url
        return Answer(200, {"created": 1, "data": [{"b64_json": b64encode(one).decode()} for one in goods]})

    def _ordered(self, request: Request) -> Answer:
        """resources/videos.py, create: a form; video_create_params.py has its fields and values."""
        order = dict(request.form)
        require(order.keys() <= _VIDEO_FIELDS, f"unknown fields {order.keys() - _VIDEO_FIELDS}")
        require(order.get("prompt"), "prompt is required")
        require(order.get("seconds", "4") in _SECONDS, "seconds is 4, 8 or 12")
        require(order.get("size", "720x1280") in _SIZES, "size")
        require(request.files.keys() <= {"input_reference"}, "unknown files")
        for reference in request.files.get("input_reference", ()):
            with Image.open(BytesIO(reference)) as picture:
                shape = f"{picture.width}x{picture.height}"
            require(shape == order.get("size", "720x1280"), _MUST_MATCH)
        order.setdefault("seconds", "4")
        sale = self._known(request) or self.sell(order, f"video_{len(self.asked)}")
        self._keep(request, sale)
        return Answer(200, self._video(sale))

    def _known(self, request: Request) -> Sale | None:
        return self.by_key.get(request.headers.get("idempotency-key", "")) if self.keeps_keys else None

    def _keep(self, request: Request, sale: Sale) -> None:
        self.by_key[request.headers["idempotency-key"]] = sale

    def _video(self, sale: Sale) -> dict[str, Any]:
        """video.py"""
        status = {"running": "in_progress", "done": "completed", "failed": "failed"}[sale.state]
        errors = {
            "fails": {"code": "internal_error", "message": "Something went wrong"},
            "late_policy": {"code": "moderation_blocked", "message": "Blocked by our moderation system"},
            "memory": {"code": "server_error", "message": "CUDA out of memory"},
            "full": {"code": "rate_limit_exceeded", "message": "Please try again later"},
        }
        return {
            "id": sale.id,
            "object": "video",
            "model": sale.order.get("model"),
            "status": status,
            "progress": 100 if sale.state == "done" else min(90, 30 * sale.looks),
            "prompt": sale.order["prompt"],
            "seconds": sale.order["seconds"],
            "size": sale.order.get("size", "720x1280"),
            "created_at": int(sale.at),
            "completed_at": None,
            "expires_at": None,
            "remixed_from_video_id": None,
            "error": errors.get(sale.plan) if sale.state == "failed" else None,
        }


def _error(code: str, message: str) -> dict[str, Any]:
    """https://platform.openai.com/docs/guides/error-codes: error has message, type, param and code."""
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}
