"""The generations surface's events on both engines: each family's body as the document has it, told once.

X-02 (attempts after 0, 5 and 30 s), C-220 to C-226 and the two header sets are told in test_webhooks.py.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import openai
import pytest

from farm.account import Caller
from farm.batch import NewBatch
from farm.doors import accounts, batch_rows, batches, deliveries, jobs, webhooks, work
from farm.doors.batch_rows import NewRow
from farm.doors.submit import order, submit
from farm.errors import FailureClass
from farm.generation import SURFACE, VIDEOS_SURFACE
from farm.job import Failure, JobSpec
from farm.kinds import Params
from farm.net.guard import Guard
from farm.states import Outcome
from farm.webhook import NewEndpoint
from schedulers.webhooks.deliverer import Deliverer
from tasks.compose_video import ComposeVideo
from tasks.generate_chart import ChartData, Dataset, GenerateChart
from tasks.generate_image import GenerateImage
from tasks.generate_video import GenerateVideo
from tasks.generate_voice import GenerateVoice
from tests.conformance.test_webhooks import Post, Sent, new_deliverer
from tests.farm import Farm

URL = "https://example.com/hook"
TEXT = "Welcome to CreativeAI. Your launch assets are rendering now."
WHEN = "1970-01-12T13:46:40.000Z"
CHART = ChartData(labels=("Q1", "Q2"), datasets=(Dataset(data=(1, 2)),))


@pytest.fixture
def farm(store_url: str) -> Iterator[Farm]:
    made = Farm(store_url)
    made.hall = replace(made.hall, guard=Guard(resolve=lambda _host, _port: ["93.184.216.34"]))
    for pool in ("cpu-render", "gpu-generate"):
        made.worker(pool, pool=pool)
    yield made
    made.close()


@pytest.fixture
def post(farm: Farm) -> Post:
    return Post(farm)


@pytest.fixture
def deliverer(farm: Farm, post: Post) -> Deliverer:
    return new_deliverer(farm, post)


def asks(farm: Farm, caller: Caller, params: Params, prefix: str, url: str | None = URL) -> str:
    spec = JobSpec(params=params, surface=SURFACE, id_prefix=prefix, webhook_url=url)
    return submit(farm.hall, caller, spec).job_id


def runs(farm: Farm, pool: str, *files: dict[str, Any], failure: Failure | None = None) -> None:
    """The next task comes to its end on that pool's worker."""
    outputs = [
        work.StoredOutput(
            f"file-{number}", f"blobs/{number}", f"file-{number}.bin", "video/mp4", 1, "0" * 64, meta
        )
        for number, meta in enumerate(files, 1)
    ]
    if failure is None:
        farm.run_next(pool, outputs=outputs)
    else:
        farm.run_next(pool, outcome=Outcome.FAILED, failure=failure)


def told(post: Post) -> tuple[Sent, dict[str, Any]]:
    """The one event that was sent, with its body."""
    (sent,) = post.sent
    return sent, json.loads(sent.body)


def event_of(sent: Sent) -> tuple[str, str]:
    return sent.headers["X-CreativeAI-Event"], sent.headers["X-CreativeAI-Delivery-Id"]


def test_c219_c260_to_c269_speech_tells_its_text_and_its_length(
    farm: Farm, post: Post, deliverer: Deliverer
) -> None:
    """C-211, C-212, X-40: event and generation id in headers; X-06: eight credits, not one; C-268."""
    job_id = asks(farm, farm.caller(balance_mc=20_000), GenerateVoice(text=TEXT), "voice")
    runs(farm, "cpu-render", {"duration_s": 4.2})
    deliverer.deliver_due()
    sent, body = told(post)
    assert event_of(sent) == ("voice.generation.completed", job_id)
    assert sent.headers["Content-Type"] == "application/json"  # C-214
    assert body == {
        "id": job_id,
        "object": "voice.generation",
        "status": "completed",
        "text": TEXT,
        "voice": "alloy",
        "language": "en",
        "output_url": "https://files.test/" + body["output_url"].rpartition("/")[2],
        "duration_seconds": 4.2,
        "error_message": None,
        "credits": 8,
        "failover_used": False,
        "completed_at": WHEN,
    }
    assert job_id.startswith("voice_")


def test_c215_c227_to_c237_a_video_tells_which_model_it_was(
    farm: Farm, post: Post, deliverer: Deliverer
) -> None:
    job_id = asks(farm, farm.caller(), GenerateVideo(prompt="A drone shot"), "vgen")
    runs(farm, "gpu-generate", {"width": 832})
    deliverer.deliver_due()
    sent, body = told(post)
    assert event_of(sent) == ("video.generation.completed", job_id)
    assert list(body) == [
        "id",
        "object",
        "status",
        "model",
        "model_actual",
        "prompt",
        "output_url",
        "error_message",
        "credits",
        "failover_used",
        "completed_at",
    ]
    assert (body["object"], body["status"]) == ("video.generation", "completed")
    assert (body["model"], body["model_actual"]) == ("auto", "animatic")
    assert (body["prompt"], body["credits"], body["failover_used"]) == ("A drone shot", 0, False)


@pytest.mark.parametrize(
    ("failure", "code", "message", "kind"),
    [
        (
            Failure(FailureClass.POLICY, "content_policy_violation", "Not this."),
            "content_policy_violation",
            "Not this.",
            "invalid_request_error",
        ),
        (
            Failure(FailureClass.INVALID_INPUT, "asset_unreadable", "No picture."),
            "generation_failed",
            "No picture.",
            "invalid_request_error",
        ),
    ],
)
def test_c216_c238_c239_x04_x05_a_failure_is_told_with_its_cause_and_costs_nothing(
    farm: Farm, post: Post, deliverer: Deliverer, failure: Failure, code: str, message: str, kind: str
) -> None:
    job_id = asks(farm, farm.caller(balance_mc=20_000), GenerateChart(chart=CHART), "chart")
    runs(farm, "gpu-generate", failure=failure)
    deliverer.deliver_due()
    sent, body = told(post)
    assert event_of(sent) == ("chart.generation.failed", job_id)
    assert body["status"] == "failed"
    assert body["error"] == {"message": message, "type": kind, "code": code}
    assert body["error_message"] == message
    assert (body["credits"], body["credits_refunded"], body["output_url"]) == (0, 15, None)


def test_c218_c249_to_c259_a_picture_tells_its_size_and_every_file(
    farm: Farm, post: Post, deliverer: Deliverer
) -> None:
    asked = GenerateImage(prompt="A minimalist product photo", model="animatic", count=2)
    job_id = asks(farm, farm.caller(), asked, "img")
    file = {"width": 1024, "height": 768, "revised_prompt": "A minimalist product photo, lit"}
    runs(farm, "gpu-generate", file, file)
    deliverer.deliver_due()
    sent, body = told(post)
    assert event_of(sent) == ("image.generation.completed", job_id)
    assert (body["object"], body["model"]) == ("image.generation", "animatic")
    assert (body["width"], body["height"], body["credits"]) == (1024, 768, 0)
    assert body["revised_prompt"] == "A minimalist product photo, lit"
    assert body["output_urls"][0] == body["output_url"] and len(set(body["output_urls"])) == 2


def test_x13_a_composition_and_a_cancelled_one_have_events_of_their_own(
    farm: Farm, post: Post, deliverer: Deliverer
) -> None:
    caller = farm.caller(balance_mc=20_000)
    params = ComposeVideo(video="asset_1", audio="asset_2", replace_audio=False)
    done = asks(farm, caller, params, "comp")
    runs(farm, "cpu-render", {"duration_s": 10.0})
    stopped = asks(farm, caller, params, "comp")
    jobs.cancel(farm.hall, caller.account.id, stopped)
    farm.tick()
    deliverer.deliver_due()
    bodies = {body["id"]: body for body in (json.loads(sent.body) for sent in post.sent)}
    assert bodies[done]["object"] == "compose.generation"
    assert (bodies[done]["credits"], bodies[done]["duration_seconds"]) == (5, 10.0)
    assert bodies[done]["replace_audio"] is False
    assert bodies[stopped]["status"] == "failed"
    assert bodies[stopped]["error"]["code"] == "generation_cancelled"
    assert (bodies[stopped]["credits"], bodies[stopped]["credits_refunded"]) == (0, 5)


def test_c217_c240_to_c248_a_video_batch_tells_of_every_video_once(
    farm: Farm, post: Post, deliverer: Deliverer
) -> None:
    caller = farm.caller()
    new = NewBatch(name="video.batch", kind="generate-video", webhook_url=URL, id_prefix="video_batch")
    batch = batches.create(farm.hall, caller, new)
    rows = [
        NewRow(
            line=number,
            digest=str(number),
            custom_id=f"row-{number}",
            order=order(farm.hall, JobSpec(GenerateVideo(prompt=prompt), surface=SURFACE, id_prefix="vid")),
        )
        for number, prompt in enumerate(("A fox", "A boat"), 1)
    ]
    batch_rows.take(farm.hall, caller, batch.id, rows)
    batches.close(farm.hall, caller.account.id, batch.id)
    runs(farm, "gpu-generate", {})
    runs(farm, "gpu-generate", failure=Failure(FailureClass.POLICY, "content_policy_violation", "Not this."))
    farm.clock.advance(s=5)
    farm.tick()
    deliverer.deliver_due()
    sent, body = told(post)
    assert event_of(sent) == ("video.batch.completed", batch.id)
    assert batch.id.startswith("video_batch_")
    assert (body["batch_id"], body["object"], body["status"]) == (batch.id, "video.batch", "completed")
    assert (body["total_jobs"], body["completed"], body["failed"], body["total_credits"]) == (2, 1, 1, 0)
    first, second = body["jobs"]
    assert (first["prompt"], first["status"], first["credits"]) == ("A fox", "completed", 0)
    assert first["id"].startswith("vid_") and first["output_url"].startswith("https://files.test/")
    assert (second["status"], second["output_url"], second["error_message"]) == ("failed", None, "Not this.")
    assert body["completed_at"].endswith("Z")


def test_an_endpoint_may_listen_for_either_name_and_a_replay_keeps_it(
    farm: Farm, post: Post, deliverer: Deliverer
) -> None:
    """C-221: one event for each terminal status; C-222: none before it; C-226: the id leads to the status."""
    caller = farm.caller(balance_mc=20_000)
    for path, events in (
        ("1", ("job.completed",)),
        ("2", ("voice.generation.completed",)),
        ("3", ("job.failed",)),
    ):
        webhooks.add_endpoint(farm.hall, caller.account, NewEndpoint(f"{URL}/{path}", events=events))
    job_id = asks(farm, caller, GenerateVoice(text=TEXT), "voice", url=None)
    farm.tick()
    assert deliverer.deliver_due() == 0
    runs(farm, "cpu-render", {"duration_s": 1.0})
    deliverer.deliver_due()
    assert sorted(sent.url for sent in post.sent) == [f"{URL}/1", f"{URL}/2"]
    found = deliveries.list_deliveries(farm.hall, None, subject=job_id)
    assert {delivery.event for delivery in found} == {"voice.generation.completed"}
    before = {sent.webhook_id for sent in post.sent}
    deliveries.replay(farm.hall, None, found[0].id)
    deliverer.deliver_due()
    assert {sent.webhook_id for sent in post.sent} == before


def test_c213_c223_c224_x01_the_api_key_itself_signs_the_raw_body(
    farm: Farm, post: Post, deliverer: Deliverer
) -> None:
    account = accounts.ensure_account(farm.hall, "ada", "pro")
    key = accounts.create_key(farm.hall, account).text
    asks(farm, accounts.caller_of(farm.hall, key), GenerateVideo(prompt="A fox"), "vgen")
    runs(farm, "gpu-generate", {})
    deliverer.deliver_due()
    sent, _ = told(post)
    expected = hmac.new(key.encode(), sent.body, hashlib.sha256).hexdigest()
    assert sent.headers["X-CreativeAI-Signature"] == f"sha256={expected}"


def test_a_chart_says_its_length_in_seconds(farm: Farm, post: Post, deliverer: Deliverer) -> None:
    asked = GenerateChart(chart=CHART, title="Growth", length_s=Decimal(2))
    asks(farm, farm.caller(balance_mc=20_000), asked, "chart")
    runs(farm, "gpu-generate", {"duration_s": 2.0})
    deliverer.deliver_due()
    _, body = told(post)
    assert (body["title"], body["animation_style"], body["duration_seconds"]) == ("Growth", "build_up", 2.0)
    assert body["credits"] == 15


def test_a_video_in_openais_shape_is_told_as_openai_tells_it_and_its_client_unwraps_that(
    farm: Farm, post: Post, deliverer: Deliverer
) -> None:
    """`video.completed` and `video.failed` tell the id alone; an endpoint may listen for them by name."""
    farm.clock.at = time.time()  # a receiver believes no old letter
    farm.worker("gpu-generate", pool="gpu-generate")
    caller = farm.caller(balance_mc=20_000)
    hears = NewEndpoint(URL, events=("video.completed", "video.failed"))
    _, secret = webhooks.add_endpoint(farm.hall, caller.account, hears)
    for failure, event in (
        (None, "video.completed"),
        (Failure(FailureClass.POLICY, "content_policy_violation", "Not this."), "video.failed"),
    ):
        spec = JobSpec(params=GenerateVideo(prompt="A fox"), surface=VIDEOS_SURFACE, id_prefix="video")
        job_id = submit(farm.hall, caller, spec).job_id
        runs(farm, "gpu-generate", {}, failure=failure)
        deliverer.deliver_due()
        sent = post.sent[-1]
        assert event_of(sent) == (event, job_id)
        with openai.OpenAI(api_key="-", webhook_secret=secret) as client:
            heard = client.webhooks.unwrap(sent.body, sent.headers)
        assert heard.to_dict() == {
            "id": f"evt_{job_id}",
            "object": "event",
            "created_at": int(farm.clock.at),
            "type": event,
            "data": {"id": job_id},
        }
    assert len(post.sent) == 2
