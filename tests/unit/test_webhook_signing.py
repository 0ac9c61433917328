"""One body under both header sets, checked by the verifiers that receivers really use, unmodified."""

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import svix
from openai import InvalidWebhookSignatureError, OpenAI
from standardwebhooks import Webhook, WebhookVerificationError

from farm.errors import BadRequest
from farm.webhook import (
    Letter,
    body_text,
    check_events,
    check_headers,
    new_secret,
    signed_headers,
    webhook_id,
)

API_KEY = "farm_live_01234567_0123456789abcdefghijkmnopqrstuvw"
# The verifier of the generation API's document (INVENTORY C-270), character for character.
SEED_VERIFIER = """
function verifyCreativeAiWebhook(rawBody, signatureHeader, signingSecret) {
if (!signatureHeader?.startsWith('sha256=')) return false;
const expected = crypto
.createHmac('sha256', signingSecret)
.update(rawBody)
.digest('hex');
const provided = signatureHeader.slice('sha256='.length);
return crypto.timingSafeEqual(Buffer.from(expected), Buffer.from(provided));
}
"""


def letter(**fields: object) -> Letter:
    body = {"id": "vgen_1", "object": "video.generation", "type": "video.generation.completed", **fields}
    text = body_text(body)
    event = "video.generation.completed"
    return Letter(webhook_id("vgen_1", event, "webhook_url"), event, "vgen_1", 1, text.encode())


def test_standardwebhooks_verifies() -> None:
    sent, secret = letter(prompt="naïve ☕"), new_secret()
    headers = signed_headers(sent, time.time(), [secret], API_KEY)
    assert Webhook(secret).verify(sent.body, headers)["prompt"] == "naïve ☕"


def test_svix_verifies() -> None:
    sent, secret = letter(), new_secret()
    headers = signed_headers(sent, time.time(), [secret], API_KEY)
    svix.Webhook(secret).verify(sent.body, headers)
    with pytest.raises(svix.webhooks.WebhookVerificationError):
        svix.Webhook(secret).verify(sent.body + b" ", headers)


def test_openai_unwraps() -> None:
    sent, secret = letter(), new_secret()
    headers = signed_headers(sent, time.time(), [secret], API_KEY)
    client = OpenAI(api_key="x", base_url="http://127.0.0.1:9/v1", webhook_secret=secret)
    event = client.webhooks.unwrap(sent.body, headers)
    client.close()
    assert event.id == "vgen_1"
    assert event.to_dict()["type"] == "video.generation.completed"


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_generation_apis_own_verifier_says_true(tmp_path: Path) -> None:
    sent = letter(prompt="naïve ☕")
    signature = signed_headers(sent, time.time(), [new_secret()], API_KEY)["X-CreativeAI-Signature"]
    (tmp_path / "sent.json").write_text(json.dumps([sent.body.decode(), signature, API_KEY]))
    script = tmp_path / "verify.mjs"
    script.write_text(
        "import crypto from 'crypto'; import fs from 'fs';\n"
        + SEED_VERIFIER
        + "const [body, signature, key] = JSON.parse(fs.readFileSync(process.argv[2]));\n"
        "console.log(verifyCreativeAiWebhook(body, signature, key),"
        " verifyCreativeAiWebhook(body + ' ', signature, key));\n"
    )
    done = subprocess.run(
        ["node", str(script), str(tmp_path / "sent.json")], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["true", "false"]


def test_a_wrong_an_old_and_a_changed_letter_are_refused() -> None:
    sent, secret, now = letter(), new_secret(), time.time()
    headers = signed_headers(sent, now, [secret], None)
    old = signed_headers(sent, now - 301, [secret], None)
    client = OpenAI(api_key="x", base_url="http://127.0.0.1:9/v1", webhook_secret=secret)
    for body, said in ((sent.body + b" ", headers), (sent.body, old)):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, said)
        with pytest.raises(InvalidWebhookSignatureError):
            client.webhooks.unwrap(body, said)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(sent.body, headers)
    client.close()


def test_during_a_rotation_both_secrets_verify() -> None:
    sent, old, new = letter(), new_secret(), new_secret()
    headers = signed_headers(sent, time.time(), [new, old], None)
    for secret in (old, new):
        Webhook(secret).verify(sent.body, headers)
        svix.Webhook(secret).verify(sent.body, headers)


def test_without_a_key_there_is_no_signature_to_mistrust() -> None:
    """INVENTORY C-213: present when signed."""
    assert "X-CreativeAI-Signature" not in signed_headers(letter(), 1.0, [new_secret()], None)


def test_the_seeds_headers_are_all_there() -> None:
    """INVENTORY C-211, C-212, C-214 and X-40: the delivery id is the generation id."""
    headers = signed_headers(letter(), 1_700_000_000.9, [new_secret()], API_KEY)
    assert headers["X-CreativeAI-Event"] == "video.generation.completed"
    assert headers["X-CreativeAI-Delivery-Id"] == "vgen_1"
    assert headers["Content-Type"] == "application/json"
    assert headers["webhook-timestamp"] == "1700000000"
    assert headers["X-Farm-Attempt"] == "1"


def test_a_webhook_id_is_one_events_at_one_target() -> None:
    ids = {
        webhook_id(subject, event, target)
        for subject in ("job_1", "job_2")
        for event in ("job.completed", "job.failed")
        for target in ("whep_1", "whep_2")
    }
    assert len(ids) == 8
    assert webhook_id("job_1", "job.failed", "whep_1") in ids


@pytest.mark.parametrize(
    "headers",
    [
        {"Bad Name": "x"},
        {"": "x"},
        {"X-A": "1\r\nX-B: 2"},
        {"X-A": "naïve"},
        {"X-A": "x" * 1001},
        {"Host": "evil"},
        {"content-length": "0"},
        {"Webhook-Id": "mine"},
        {"X-CreativeAI-Signature": "sha256=mine"},
        {"Transfer-Encoding": "chunked"},
        {"X-A": "1", "x-a": "2"},
        {f"X-{number}": "1" for number in range(21)},
    ],
)
def test_headers_that_would_change_the_call_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(BadRequest) as refused:
        check_headers(headers)
    assert refused.value.param == "headers"


def test_plain_headers_and_known_events_are_taken() -> None:
    check_headers({"Authorization": "Bearer abc", "X-Team": "render"})
    check_events(["job.completed"])
    with pytest.raises(BadRequest, match=r"job\.completed"):
        check_events(["job.finished"])
