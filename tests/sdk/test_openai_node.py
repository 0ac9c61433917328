"""OpenAI's own client for Node, unmodified, with another baseURL, against a farm of real processes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

from tests.api import png
from tests.generation_farm import SAID, GenerationFarm, generating, sound
from tests.llm_service import WORDS

__all__ = ["generating"]
pytestmark = pytest.mark.slow

MODULES = Path(sys.prefix) / "sdk" / "node_modules"
SCRIPT = Path(__file__).parent / "openai_node.cjs"


@pytest.fixture(scope="module")
def told(generating: GenerationFarm, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of every call of the script, by its name; `folder` is where it ran."""
    node = shutil.which("node")
    if node is None or not (MODULES / "openai").is_dir():
        pytest.skip("OpenAI's client for Node is not installed: tests/install-tools.sh")
    folder = tmp_path_factory.mktemp("node")
    (folder / "room.png").write_bytes(png(512, 512))
    (folder / "hello.wav").write_bytes(sound())
    environment = {"HOST": generating.url, "KEY": generating.customer().key, "NODE_PATH": str(MODULES)}
    done = subprocess.run(
        [node, str(SCRIPT)],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {"folder": folder, **dict(json.loads(line) for line in done.stdout.splitlines())}


def test_c002_models_pictures_and_edits(told: dict[str, Any]) -> None:
    assert {"auto", "dall-e-3", "kling-o3-pro"} <= set(told["models"])
    for name in ("image", "edit"):
        assert httpx.get(told[name]["url"], timeout=30).content.startswith(b"\x89PNG")


def test_videos_are_made_polled_and_downloaded(told: dict[str, Any]) -> None:
    assert told["video"]["status"] == "completed" and told["video"]["seconds"] == "4"
    with av.open(str(told["folder"] / "film.mp4")) as film:
        assert film.streams.video
    assert told["native"]["id"].startswith("vgen_") and told["native"]["status"] == "processing"


def test_speech_and_transcription(told: dict[str, Any]) -> None:
    assert told["speech"] > 1000
    assert told["transcription"] == {"text": SAID, "words": len(SAID.split())}


def test_c194_c195_chat_plain_and_streamed(told: dict[str, Any]) -> None:
    assert told["chat"] == {"said": "".join(WORDS), "actual": "gpt-4o-mini"}
    assert told["stream"] == "".join(WORDS)


@pytest.mark.parametrize(
    ("call", "kind", "status", "code"),
    [
        ("bad", "BadRequestError", 400, "invalid_request_error"),
        ("policy", "BadRequestError", 400, "content_policy_violation"),
        ("away", "InternalServerError", 503, "provider_unavailable"),
        ("stranger", "AuthenticationError", 401, "authentication_error"),
    ],
)
def test_c014_to_c020_errors_have_their_code_and_request(
    told: dict[str, Any], call: str, kind: str, status: int, code: str
) -> None:
    said = told[call]
    assert (said["kind"], said["status"], said["code"]) == (kind, status, code)
    assert said["requestID"].startswith("req_")
