"""ComfyUI's server, from https://docs.comfy.org/development/comfyui-server/comms_routes and its server.py.

/prompt takes prompt, client_id and prompt_id, and answers prompt_id, number and node_errors; messages of the
WebSocket: https://docs.comfy.org/development/comfyui-server/comms_messages; history entries have outputs by
node and a status of status_str, completed and messages (execution.py, PromptQueue).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.provider_protocols.comfyui_nodes import SAVERS, faults
from tests.provider_protocols.goods import delivered
from tests.provider_protocols.server import (
    Answer,
    HangUp,
    ProtocolServer,
    Refused,
    Request,
    Sale,
    matched,
    require,
)

_FILES = frozenset(
    f"{name}.safetensors"
    for name in ("model", "wan", "wan-high", "wan-low", "turbo-high", "turbo-low", "umt5", "vae", "wav2vec2")
)
_LOADERS = ("ckpt_name", "unet_name", "lora_name", "clip_name", "vae_name", "audio_encoder_name")


class ComfyServer(ProtocolServer):
    """A queue of one place, a history, uploads. It has no keys; `freed` counts calls of /free."""

    def forget(self) -> None:
        super().forget()
        self.uploads: dict[str, bytes] = {}
        self.freed: list[Mapping[str, Any]] = []
        self.interrupted: list[str] = []
        self.has_socket = True
        self.shown: list[bytes] = []

    def answer(self, request: Request) -> Answer:
        match request.method, request.path:
            case "POST", "/prompt":
                return self._queued(request.json)
            case "GET", "/queue":
                running = [[0, sale.id, {}, {}, []] for sale in self.sold if sale.state == "running"]
                return Answer(200, {"queue_running": running[:1], "queue_pending": running[1:]})
            case "POST", "/queue":
                for one in request.json["delete"]:
                    self._delete(one)
                return Answer(200)
            case "POST", "/interrupt":
                self._interrupt(request.json["prompt_id"])
                return Answer(200)
            case "POST", "/free":
                require(request.json.keys() <= {"unload_models", "free_memory"}, "free")
                self.freed.append(request.json)
                return Answer(200)
            case "POST", "/upload/image":
                return self._uploaded(request)
            case "GET", "/view":
                return self._viewed(request.query)
        found = matched(r"/history/([^/]+)", request.path)
        if found is None:
            return Answer(404)
        sale = self.sales.get(found[1])
        is_there = sale is not None and self.looked(sale).state != "running"
        return Answer(200, {sale.id: self._entry(sale)} if sale is not None and is_there else {})

    def refusal(self, word: str) -> Answer:
        if word in ("broken", "unavailable", "busy", "auth"):  # what stands before it says so
            status = {"broken": 500, "unavailable": 503, "busy": 429, "auth": 401}[word]
            return Answer(status, b"proxy", {"Retry-After": "7"} if word == "busy" else {})
        kind = "prompt_outputs_failed_validation" if word == "lacking" else "no_prompt"
        error = {"type": kind, "message": "Prompt outputs failed validation", "details": "", "extra_info": {}}
        return Answer(400, {"error": error, "node_errors": {}})

    def messages(self, query: Mapping[str, str]) -> Iterator[Mapping[str, Any] | bytes]:
        """comms_messages: status, execution_start, execution_cached, executing, progress; and `shown`.

        Binary messages are an event's number, 1 for a preview, and its picture's, 1 for JPEG and 2 for PNG
        (protocol.py, send_image in server.py).
        """
        if not self.has_socket:
            raise HangUp
        id = query["clientId"]
        yield {"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 1}}, "sid": id}}
        yield {"type": "execution_start", "data": {"prompt_id": id}}
        yield {"type": "execution_cached", "data": {"nodes": ["4"], "prompt_id": id}}
        yield {"type": "progress", "data": {"value": 9, "max": 10, "prompt_id": "another", "node": "3"}}
        yield {"type": "executing", "data": {"node": "3", "prompt_id": id}}
        yield {"type": "progress", "data": {"value": 2, "max": 4, "prompt_id": id, "node": "3"}}
        yield from self.shown

    def _queued(self, body: Mapping[str, Any]) -> Answer:
        require(
            body.keys() <= {"prompt", "client_id", "prompt_id", "extra_data", "number", "front"}, "fields"
        )
        graph = body.get("prompt")
        if not isinstance(graph, dict) or not graph:
            raise Refused("invalid")
        for node in graph.values():
            require(node.keys() >= {"class_type", "inputs"}, "a node has class_type and inputs")
            for name, value in node["inputs"].items():
                self._check(name, value)
        wrong = [*faults(graph)]
        require(not wrong, "; ".join(wrong))
        sale = self.sell({"graph": graph}, body["prompt_id"])
        return Answer(200, {"prompt_id": sale.id, "number": len(self.sales), "node_errors": {}})

    def _check(self, name: str, value: Any) -> None:
        """validate_prompt: chosen files are there."""
        if name in _LOADERS and value not in _FILES:
            raise Refused("lacking")
        if name in ("image", "audio") and isinstance(value, str):
            require(value in self.uploads, f"{value} was not uploaded")
        require("{" not in str(value), f"{name} was not filled in")

    def _uploaded(self, request: Request) -> Answer:
        (data,) = request.files["image"]
        require(request.form.get("type") in ("input", "temp", "output"), "type")
        folder = request.form.get("subfolder", "")
        name = f"{len(self.uploads)}.png"
        self.uploads[f"{folder}/{name}"] = data
        return Answer(200, {"name": name, "subfolder": folder, "type": "input"})

    def _delete(self, id: str) -> None:
        """Only what waits is taken out of the queue; the first runs."""
        waiting = [sale for sale in self.sold if sale.state == "running"][1:]
        for sale in waiting:
            if sale.id == id:
                sale.state = "cancelled"
                self.called_off.append(id)
                del self.sales[id]

    def _interrupt(self, id: str) -> None:
        self.interrupted.append(id)
        sale = self.sales.get(id)
        if sale is not None and sale.state == "running":
            sale.state = "cancelled"
            self.called_off.append(id)

    def _entry(self, sale: Sale) -> Mapping[str, Any]:
        errors = {
            "fails": ("RuntimeError", "something broke"),
            "memory": ("torch.OutOfMemoryError", "Allocation on device 0 would exceed allowed memory"),
            "late_policy": ("ValueError", "NSFW content was found"),
            "full": ("RuntimeError", "the queue is full"),
        }
        messages: list[Any] = [["execution_start", {"prompt_id": sale.id, "timestamp": 1}]]
        if sale.state == "failed":
            kind, words = errors[sale.plan]
            error = {"prompt_id": sale.id, "node_id": "3", "node_type": "KSampler", "traceback": []}
            messages.append(
                ["execution_error", {**error, "exception_type": kind, "exception_message": words}]
            )
        if sale.state == "cancelled":
            messages.append(["execution_interrupted", {"prompt_id": sale.id, "node_id": "3"}])
        is_done = sale.state == "done"
        status = {
            "status_str": "success" if is_done else "error",
            "completed": is_done,
            "messages": messages,
        }
        outputs = self._outputs(sale) if is_done else {}
        return {"prompt": [0, sale.id, {}, {}, []], "outputs": outputs, "status": status, "meta": {}}

    def _outputs(self, sale: Sale) -> Mapping[str, Any]:
        found = {}
        for name, node in sale.order["graph"].items():
            if node["class_type"] not in SAVERS:
                continue
            is_film = node["class_type"] != "SaveImage"
            number = 1 if is_film else _most(sale.order["graph"], "batch_size") - (sale.plan == "few")
            ending = "mp4" if is_film else "png"
            files = [
                {
                    "filename": f"{sale.id}_{index}_.{ending}",
                    "subfolder": "video" if is_film else "",
                    "type": "output",
                }
                for index in range(number)
            ]
            temp = {"filename": "preview.png", "subfolder": "", "type": "temp"}
            found[name] = {"images": [temp, *files], "animated": [is_film]}
        return found

    def _viewed(self, query: Mapping[str, str]) -> Answer:
        require(query.get("type") == "output", "only outputs are kept")
        id, number, _ = query["filename"].rsplit("_", 2)
        sale = self.sales[id]
        if sale.plan == "gone":
            return Answer(404)
        graph = sale.order["graph"]
        is_film = query["filename"].endswith("mp4")
        seconds = round(_most(graph, "length") / _most(graph, "fps")) if is_film else 0
        return Answer(200, delivered(sale.plan, is_film, seconds, int(number)))


def _most(graph: Mapping[str, Any], name: str) -> int:
    """The greatest number of that name among all nodes."""
    return max(int(node["inputs"].get(name, 0)) for node in graph.values())
