"""Every engine of a remote service against a server of its published schema: what it buys and raises."""

import threading
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from farm.errors import FailureClass
from tests.contract.engine_bench import (
    EACH_WAY,
    FILM,
    FILM_OF_PICTURE,
    KEY_ENV,
    PICTURE,
    Bench,
    configure,
    failure_of,
    of,
    stopped,
)
from tests.media import coded, write_jpeg
from tests.provider_protocols.openai import OpenAiServer
from tests.provider_protocols.server import ProtocolServer
from workers.context import Cancelled, Done

pytestmark = pytest.mark.slow

C = FailureClass


# --- what is bought -----------------------------------------------------------------------------------------


def test_a_film_is_ordered_accepted_fetched_and_looked_at(bench: Bench) -> None:
    attempt = bench.attempt()
    done = bench.perform(bench.task(seed=7), attempt)
    (film,) = done.outputs
    assert (film.name, film.content_type) == ("video", "video/mp4")
    with av.open(str(film.path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == done.result["frames"]
    assert [sale.id for sale in bench.server.sold] == [ref.rpartition("/")[2] for ref in attempt.refs]
    assert (attempt.drops, done.result["model"]) == (0, bench.engine.models[FILM])


def test_pictures_come_as_many_as_were_asked_for(bench: Bench) -> None:
    done = bench.perform(bench.task(PICTURE, count=3, seed=40))
    assert [output.name for output in done.outputs] == ["image-1", "image-2", "image-3"]
    assert [output.meta["seed"] for output in done.outputs] == [40, 41, 42]
    pictures = [Image.open(output.path).tobytes() for output in done.outputs]
    assert len(set(pictures)) == 3
    assert len(bench.server.sold) == 1


def test_a_seed_that_nobody_chose_is_the_purchases_own(bench: Bench) -> None:
    seeds = [bench.perform(bench.task(PICTURE, _key=key)).result["seed"] for key in ("a", "a", "b")]
    assert seeds[0] == seeds[1] != seeds[2]


def test_pictures_are_handed_in_as_the_api_wants_them_and_without_their_metadata(
    bench: Bench, tmp_path: Path
) -> None:
    photo = write_jpeg(tmp_path / "photo.jpg", coded(5, 96, 64), orientation=6)
    bench.perform(bench.task(FILM_OF_PICTURE, files=[photo]))
    assert len(bench.server.sold) == 1
    assert all(b"Exif" not in data for data in sent_pictures(bench))
    (size,) = {Image.open(BytesIO(data)).size for data in sent_pictures(bench)}
    # Upright; OpenAI takes no other size than the film's.
    assert size == ((1280, 720) if bench.engine.name == "openai" else (64, 96))


def sent_pictures(bench: Bench) -> list[bytes]:
    """What the server got of them, however it came."""
    found = [data for request in bench.server.asked for files in request.files.values() for data in files]
    for sale in bench.server.sold:
        values = [v for v in sale.order.values() if isinstance(v, str) and v.startswith("data:")]
        found += [b64decode(value.partition(",")[2]) for value in values]
    assert found
    return found


def test_what_a_model_cannot_take_is_not_bought(bench: Bench, tmp_path: Path) -> None:
    photo = write_jpeg(tmp_path / "photo.jpg", coded(5, 96, 64))
    failure = failure_of(bench, bench.task(FILM_OF_PICTURE, files=[photo, photo]))
    assert (failure.failure, failure.public_code) == (C.UNSUPPORTED, "unsupported_option")
    assert "last_image" in failure.message
    assert bench.server.sold == []


# --- what is raised -----------------------------------------------------------------------------------------

# A film is one, and a picture has no length.
GOODS = [
    *((FILM, plan) for plan in ("black", "short", "cut", "page", "still", "gone")),
    *((PICTURE, plan) for plan in ("black", "cut", "page", "still", "gone", "few")),
]
REFUSALS = {
    "busy": C.CAPACITY,
    "broken": C.TRANSIENT,
    "unavailable": C.TRANSIENT,
    "auth": C.PROVIDER_AUTH,
    "invalid": C.INVALID_INPUT,
    "lacking": C.UNSUPPORTED,
}
SELLERS = {"credit": C.PROVIDER_AUTH, "policy": C.POLICY}  # ComfyUI sells nothing and forbids nothing


@EACH_WAY
@pytest.mark.parametrize("plan", REFUSALS)
def test_a_refusal_is_what_the_table_calls_it_and_buys_nothing(bench: Bench, plan: str, makes: str) -> None:
    attempt = bench.attempt()
    failure = failure_of(bench, bench.next(plan).task(makes), attempt)
    assert failure.failure is {**REFUSALS, **SELLERS}[plan]
    assert failure.retry_after_s == (7.0 if plan == "busy" else None)
    assert (bench.server.sold, attempt.refs) == ([], [])


@of("openai", "replicate", "fal")
@pytest.mark.parametrize("plan", SELLERS)
def test_a_seller_refuses_for_money_or_for_what_is_asked(bench: Bench, plan: str) -> None:
    for makes in (FILM, PICTURE):
        test_a_refusal_is_what_the_table_calls_it_and_buys_nothing(bench, plan, makes)


@pytest.mark.parametrize(
    ("plan", "expected"),
    [("fails", C.TRANSIENT), ("late_policy", C.POLICY), ("memory", C.OOM), ("full", C.CAPACITY)],
)
def test_what_fails_after_it_was_accepted_is_dropped(bench: Bench, plan: str, expected: FailureClass) -> None:
    attempt = bench.attempt()
    failure = failure_of(bench, bench.next(plan).task(), attempt)
    assert (failure.failure, attempt.drops, len(attempt.refs)) == (expected, 1, 1)
    if bench.engine.name == "comfyui":
        assert len(bench.server.freed) == (plan == "memory")  # type: ignore[attr-defined]  # its own book


@pytest.mark.parametrize(("makes", "plan"), GOODS)
def test_what_is_of_no_use_is_told_before_it_counts(bench: Bench, plan: str, makes: str) -> None:
    said: dict[str, Any] = {"count": 2} if plan == "few" else {}
    task = bench.next(plan).task(makes, **said)
    failure = failure_of(bench, task)
    assert failure.failure is C.CORRUPT_OUTPUT
    assert len(bench.server.sold) == 1


@of("replicate", "fal")
def test_a_file_that_lies_in_a_private_network_is_not_fetched(bench: Bench) -> None:
    failure = failure_of(bench, bench.next("elsewhere").task())
    assert failure.failure is C.CORRUPT_OUTPUT
    assert "private or reserved" in failure.message


def test_nobody_there_is_a_connection_error_and_buys_nothing(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bench.engine.server() as closed:
        configure(Bench(bench.engine, closed, tmp_path), tmp_path, monkeypatch)
    failure = failure_of(bench, bench.task())
    assert (failure.failure, failure.public_code) == (C.TRANSIENT, "connection")


def test_a_worker_without_the_key_asks_nobody(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_ENV)
    failure = failure_of(bench, bench.task())
    assert (failure.failure, failure.public_code) == (C.PROVIDER_AUTH, "provider_key_missing")
    assert bench.server.asked == []


# --- in doubt, lost, stopped --------------------------------------------------------------------------------


@EACH_WAY
@pytest.mark.parametrize("plan", ["doubt", "drop", "portal", "slow"])
def test_a_purchase_whose_answer_never_came_is_in_doubt(
    bench: Bench, plan: str, makes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if plan == "slow":
        configure(bench, tmp_path, monkeypatch, "call_s = 0.3")
    attempt = bench.attempt()
    failure = failure_of(bench, bench.next(plan).task(makes), attempt)
    assert (failure.failure, attempt.refs) == (C.AMBIGUOUS, [])
    assert len(bench.server.sold) == (plan == "doubt")


@EACH_WAY
def test_what_was_sold_in_doubt_is_found_or_left_but_never_bought_again(bench: Bench, makes: str) -> None:
    failure_of(bench, bench.next("doubt").task(makes))
    again = bench.task(makes, _in_doubt=True)
    if bench.engine.finds:
        assert bench.perform(again).outputs
    else:
        assert failure_of(bench, again).failure is C.AMBIGUOUS
    assert len(bench.server.sold) == 1


def test_what_was_not_sold_in_doubt_is_bought_once_that_is_certain(bench: Bench) -> None:
    failure_of(bench, bench.next("drop").task())
    again = bench.task(_in_doubt=True)
    if bench.engine.name == "fal":  # it lists no queue
        assert failure_of(bench, again).failure is C.AMBIGUOUS
        assert bench.server.sold == []
    else:
        assert bench.perform(again).outputs
        assert len(bench.server.sold) == 1


@pytest.mark.parametrize("makes", [FILM, PICTURE])
@of("openai")
def test_a_service_that_keeps_our_keys_is_simply_asked_again(
    bench: Bench, makes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(bench.server, OpenAiServer)
    bench.server.keeps_keys = True
    configure(bench, tmp_path, monkeypatch, "keeps_keys = true")
    bench.server.next("ok")
    bench.perform(bench.task(makes))
    assert bench.perform(bench.task(makes, _in_doubt=True)).outputs
    assert len(bench.server.sold) == 1


def test_a_doubt_that_cannot_be_looked_up_stays_one(bench: Bench) -> None:
    bench.server.is_deaf = True
    assert failure_of(bench, bench.task(_in_doubt=True)).failure is C.AMBIGUOUS
    assert bench.server.sold == []


def test_a_lost_attempt_is_resumed_by_its_reference(bench: Bench) -> None:
    first = bench.attempt()
    bench.perform(bench.task(), first)
    second = bench.attempt()
    done = bench.perform(bench.task(_provider_ref=first.refs[0]), second)
    assert done.outputs
    assert (len(bench.server.sold), second.refs) == (1, [])


def test_what_the_service_forgot_is_dropped(bench: Bench) -> None:
    attempt = bench.attempt()
    ref = "fal-ai/kling-video/requests/none" if bench.engine.name == "fal" else "none"
    task = bench.task(_provider_ref=f"/{ref}" if bench.engine.name == "fal" else ref)
    failure = failure_of(bench, task, attempt)
    assert (failure.public_code, attempt.drops) == ("provider_lost_it", 1)


def test_what_is_stopped_is_called_off_there(bench: Bench) -> None:
    attempt = bench.attempt()
    outcome = stopped(bench, bench.next("never").task(), attempt)
    assert isinstance(outcome, Cancelled)
    assert len(bench.server.called_off) == 1
    assert attempt.drops == 1


def test_a_service_that_falls_silent_is_looked_at_again(bench: Bench) -> None:
    attempt = bench.attempt()
    bench.next("never")
    came: list[Done] = []
    thread = threading.Thread(target=lambda: came.append(bench.perform(bench.task(), attempt)))
    thread.start()
    assert bench.server.in_call.wait(10)
    bench.server.is_deaf = True
    while not attempt.lines:
        assert thread.is_alive()
        thread.join(0.02)
    bench.server.is_deaf = False
    bench.server.release()
    thread.join(20)
    assert came[0].outputs
    assert len(bench.server.sold) == 1


def test_the_key_is_shown_to_the_service_alone(bench: Bench) -> None:
    bench.perform(bench.task())
    told = {request.headers.get("authorization") for request in bench.server.asked}
    assert told <= {f"Bearer {ProtocolServer.key}", f"Key {ProtocolServer.key}"}
