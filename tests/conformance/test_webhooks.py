"""Webhooks on both engines: one delivery per event and endpoint, sent on time, never by two at once."""

import hashlib
import hmac
import itertools
import json
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select
from standardwebhooks import Webhook

from farm.account import Caller
from farm.batch import Batch, NewBatch
from farm.doors import accounts, batch_retry, batch_rows, batches, deliveries, jobs, webhooks, work
from farm.doors.batch_rows import NewRow
from farm.doors.submit import order
from farm.doors.webhooks import EndpointChange
from farm.errors import BadRequest, Conflict, FailureClass, NotFound
from farm.job import Failure, JobSpec
from farm.net.guard import Guard
from farm.net.http import CallFailed, GuardedHttp, Reply
from farm.secrets import Secrets
from farm.settings import Settings
from farm.states import Outcome
from farm.store.engine import Store, StoreAway
from farm.store.rows import AnyRow
from farm.store.schema import outbox
from farm.webhook import Delivery, DeliveryState, EndpointState, NewEndpoint
from schedulers.webhooks.deliverer import Deliverer
from tasks.probe import Probe
from tests.farm import Farm

URL = "https://example.com/hook"
HOUR_S, DAY_S = 3600.0, 86_400.0


@dataclass
class Sent:
    url: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def webhook_id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Post:
    """Notes what is sent, and answers from `script`: a status, or why there is no answer. Then 200."""

    farm: Farm
    script: list[int | str] = field(default_factory=list)
    always: int | str = 200
    sent: list[Sent] = field(default_factory=list)

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Reply:
        assert method == "POST"
        self.sent.append(Sent(url, headers, body, self.farm.clock.now()))
        said = self.script.pop(0) if self.script else self.always
        if isinstance(said, str):
            raise CallFailed(said)
        return Reply(said, {}, b"answer")


@pytest.fixture
def farm(store_url: str) -> Iterator[Farm]:
    """A farm whose guard finds every name on the internet."""
    made = Farm(store_url)
    made.hall = replace(made.hall, guard=Guard(resolve=lambda _host, _port: ["93.184.216.34"]))
    made.worker()
    yield made
    made.close()


@pytest.fixture
def post(farm: Farm) -> Post:
    return Post(farm)


@pytest.fixture
def deliverer(farm: Farm, post: Post) -> Deliverer:
    return new_deliverer(farm, post)


def new_deliverer(farm: Farm, post: Post) -> Deliverer:
    return Deliverer(farm.hall, post, lambda row: f"https://files.test/{row.file_name}")


def endpoint(farm: Farm, caller: Caller, url: str = URL, *events: str) -> str:
    return webhooks.add_endpoint(farm.hall, caller.account, NewEndpoint(url, events=events))[0].id


def all_deliveries(farm: Farm, **query: str) -> list[Delivery]:
    return deliveries.list_deliveries(farm.hall, None, **query)  # type: ignore[arg-type]  # test shorthand


def only(farm: Farm) -> Delivery:
    (found,) = all_deliveries(farm)
    return found


def finished(farm: Farm, caller: Caller, webhook_url: str | None = None) -> str:
    """A job that has completed. Returns its id."""
    farm.worker()  # however much time has gone by
    job_id = farm.submit(caller, webhook_url=webhook_url)
    farm.run_next()
    return job_id


def outbox_rows(farm: Farm, state: str) -> list[AnyRow]:
    with farm.store.read() as connection:
        return list(connection.execute(select(outbox).where(outbox.c.state == state)))


def over_time(farm: Farm, deliverer: Deliverer, until_s: float) -> None:
    """Deliver whatever becomes due, moving the clock from one due time to the next."""
    end = farm.clock.now() + until_s
    deliverer.deliver_due()
    while True:
        dues = [found.due_at for found in all_deliveries(farm) if found.due_at is not None]
        if not dues or min(dues) > end:
            farm.clock.at = end
            return
        farm.clock.at = max(farm.clock.at, min(dues))
        deliverer.deliver_due()


def test_one_event_goes_to_the_jobs_url_and_to_each_endpoint_once(
    farm: Farm, post: Post, deliverer: Deliverer
) -> None:
    ada, eve = farm.caller("ada"), farm.caller("eve")
    first, second = endpoint(farm, ada, URL + "/1"), endpoint(farm, ada, URL + "/2")
    endpoint(farm, eve, URL + "/eve")
    job_id = finished(farm, ada, webhook_url=URL + "/job")
    other = new_deliverer(farm, post)

    assert [deliverer.deliver_due(), other.deliver_due(), deliverer.deliver_due()] == [3, 0, 0]

    assert sorted(sent.url for sent in post.sent) == [URL + "/1", URL + "/2", URL + "/job"]
    assert len({sent.webhook_id for sent in post.sent}) == 3
    assert len({sent.body for sent in post.sent}) == 1
    found = all_deliveries(farm, subject=job_id)
    assert {delivery.endpoint_id for delivery in found} == {None, first, second}
    assert {(d.state, d.tries, d.last_status, d.response) for d in found} == {
        (DeliveryState.DELIVERED, 1, 200, "answer")
    }


def test_the_body_is_flat_with_urls_and_ends_in_the_seeds_words(
    farm: Farm, post: Post, deliverer: Deliverer
) -> None:
    caller = farm.caller(balance_mc=10_000)
    job_id = farm.submit(caller, webhook_url=URL, reference="order-7")
    file = work.StoredOutput("video", "blobs/video", "cut.mp4", "video/mp4", 10, "0" * 64, {})
    farm.run_next(outputs=[file])
    deliverer.deliver_due()
    sent = post.sent[0]
    body = json.loads(sent.body)
    assert body["id"] == sent.headers["X-CreativeAI-Delivery-Id"] == job_id
    assert (body["status"], body["type"], body["reference"]) == ("completed", "job.completed", "order-7")
    assert body["output_url"] == body["outputs"][0]["url"]
    assert body["output_url"].startswith("https://files.test/")
    assert (body["error"], body["error_message"]) == (None, None)
    assert body["completed_at"] == "1970-01-12T13:46:40.000Z"
    assert sent.headers["X-CreativeAI-Event"] == "job.completed"


def test_a_failed_jobs_event_says_why_and_what_is_given_back(
    farm: Farm, post: Post, deliverer: Deliverer
) -> None:
    farm.submit(farm.caller(), webhook_url=URL)
    farm.fail_next(FailureClass.INVALID_INPUT, "The picture is broken.")
    deliverer.deliver_due()
    body = json.loads(post.sent[0].body)
    assert (body["status"], body["error_message"]) == ("failed", "The picture is broken.")
    assert body["error"]["type"] == "invalid_request_error"
    assert body["credits"] == 0


def test_a_job_nobody_wants_to_hear_of_writes_nothing(farm: Farm, deliverer: Deliverer) -> None:
    caller = farm.caller()
    finished(farm, caller)
    endpoint(farm, caller)
    assert (outbox_rows(farm, "pending"), deliverer.deliver_due()) == ([], 0)


def test_c065_a_job_with_auto_retry_gets_a_second_round_before_it_says_that_it_failed(
    farm: Farm, post: Post, deliverer: Deliverer
) -> None:
    rounds = farm.hall.catalog.retry["crash"].max_attempts
    caller = farm.caller(balance_mc=1000)
    plain, stubborn = (
        farm.submit(caller, Probe(price_mc=100), webhook_url=URL, auto_retry=auto) for auto in (False, True)
    )
    for _ in range(3 * rounds):
        farm.fail_next(FailureClass.CRASH)
        farm.clock.advance(s=12.0)
        farm.worker()
    deliverer.deliver_due()
    (told,) = [json.loads(sent.body) for sent in post.sent if json.loads(sent.body)["id"] == plain]
    assert told["status"] == "failed"
    assert [len(farm.attempts(job_id)) for job_id in (plain, stubborn)] == [rounds, 2 * rounds]
    assert farm.ledger(stubborn) == [("hold", -100), ("release", 100)]

    lucky = farm.submit(caller, Probe(price_mc=100), webhook_url=URL, auto_retry=True)
    for _ in range(rounds):
        farm.fail_next(FailureClass.CRASH)
        farm.clock.advance(s=12.0)
        farm.worker()
    farm.run_next()
    deliverer.deliver_due()
    said = [json.loads(sent.body)["status"] for sent in post.sent if json.loads(sent.body)["id"] == lucky]
    assert said == ["completed"]
    assert farm.ledger(lucky) == [("hold", -100), ("settle", 0)]


def run_rows(farm: Farm, fails: Collection[str] = ()) -> None:
    """Run all that waits, and end what has ended with it."""
    farm.tick()
    while messages := farm.post.take():
        for message in messages:
            claimed = farm.claim(message)
            assert claimed is not None
            failed = farm.job(claimed.job_id).custom_id in fails
            failure = Failure(FailureClass.INVALID_INPUT, "bad", "It is bad.") if failed else None
            report = work.Report(Outcome.FAILED if failed else Outcome.SUCCEEDED, failure)
            work.finish(farm.hall, claimed.attempt_id, claimed.token, report)
        farm.tick()
    farm.clock.advance(s=1.5)
    farm.tick()


def batch_of(farm: Farm, caller: Caller, *fails: bool) -> Batch:
    """A closed batch of probes, one for each, run to its end: those fail that are said to."""
    rows = [
        NewRow(1, name, name, order(farm.hall, JobSpec(params=Probe(price_mc=50))))
        for name in (f"r{number}" for number in range(len(fails)))
    ]
    new = NewBatch(name="catalog", webhook_url=URL)
    made = batch_rows.create_with_rows(farm.hall, caller, new, rows)
    run_rows(farm, [f"r{number}" for number in range(len(fails)) if fails[number]])
    return batches.batch(farm.hall, None, made.id)


def test_a_batchs_end_is_told_with_its_counts_under_both_signatures(
    farm: Farm, post: Post, deliverer: Deliverer
) -> None:
    key = accounts.create_key(farm.hall, accounts.ensure_account(farm.hall, "ada", "pro"))
    caller = accounts.caller_of(farm.hall, key.text)
    listening = endpoint(farm, caller, "https://example.com/all", "batch.completed")
    made = batch_of(farm, caller, False, True, False)
    deliverer.deliver_due()
    assert [sent.url for sent in post.sent] == [URL, "https://example.com/all"]
    body = json.loads(post.sent[0].body)
    assert post.sent[1].body == post.sent[0].body
    assert (body["id"], body["object"], body["type"]) == (made.id, "batch", "batch.completed")
    assert (body["status"], body["name"], body["partial_failure"]) == ("completed", "catalog", True)
    counts = ("total_jobs", "completed", "failed", "cancelled", "rejected", "credits")
    assert [body[name] for name in counts] == [3, 2, 1, 0, 0, 0.1]
    assert body["completed_at"] == body["timestamp"]
    headers = post.sent[0].headers
    assert headers["X-CreativeAI-Delivery-Id"] == made.id
    assert headers["X-CreativeAI-Event"] == "batch.completed"
    assert fits(webhooks.key_secret(farm.hall, caller), post.sent[0])
    digest = hmac.new(key.text.encode(), post.sent[0].body, hashlib.sha256).hexdigest()
    assert headers["X-CreativeAI-Signature"] == f"sha256={digest}"
    assert {found.endpoint_id for found in all_deliveries(farm, subject=made.id)} == {None, listening}


def test_a_batch_that_ends_again_after_a_retry_is_another_event(
    farm: Farm, post: Post, deliverer: Deliverer
) -> None:
    caller = farm.caller()
    made = batch_of(farm, caller, True, False)
    deliverer.deliver_due()
    batch_retry.retry_failed(farm.hall, caller, made.id, limit=10)
    run_rows(farm)
    deliverer.deliver_due()
    first, second = (json.loads(sent.body) for sent in post.sent)
    assert [(body["completed"], body["failed"]) for body in (first, second)] == [(1, 1), (2, 0)]
    assert post.sent[0].webhook_id != post.sent[1].webhook_id


def test_the_jobs_own_url_is_tried_at_0_5_and_30_seconds_then_left(
    farm: Farm, post: Post, deliverer: Deliverer
) -> None:
    """INVENTORY C-220 and X-02: exactly three attempts."""
    post.script = [500, "No answer came.", 302]
    job_id = finished(farm, farm.caller(), webhook_url=URL)
    began = farm.clock.now()
    over_time(farm, deliverer, DAY_S)
    assert [sent.at - began for sent in post.sent] == [0, 5, 30]
    assert [sent.headers["X-Farm-Attempt"] for sent in post.sent] == ["1", "2", "3"]
    assert len({sent.webhook_id for sent in post.sent}) == 1
    assert {sent.headers["X-CreativeAI-Delivery-Id"] for sent in post.sent} == {job_id}
    stamps = [int(sent.headers["webhook-timestamp"]) for sent in post.sent]
    assert stamps == [int(sent.at) for sent in post.sent]
    left = only(farm)
    assert (left.state, left.tries, left.due_at) == (DeliveryState.FAILED, 3, None)
    assert left.last_error == "It answered 302; redirects are not followed."


def test_an_endpoint_is_tried_for_more_than_a_day(farm: Farm, post: Post, deliverer: Deliverer) -> None:
    post.always = 503
    caller = farm.caller()
    endpoint(farm, caller)
    finished(farm, caller)
    began = farm.clock.now()
    over_time(farm, deliverer, 3 * DAY_S)
    pauses = [later.at - before.at for before, later in zip(post.sent, post.sent[1:], strict=False)]
    assert pauses == [5, 300, 1800, 2 * HOUR_S, 5 * HOUR_S, 10 * HOUR_S, 10 * HOUR_S]
    assert post.sent[0].at == began
    assert only(farm).state is DeliveryState.FAILED


def test_an_attempt_that_succeeds_ends_it(farm: Farm, post: Post, deliverer: Deliverer) -> None:
    post.script = ["No answer came.", 204]
    finished(farm, farm.caller(), webhook_url=URL)
    over_time(farm, deliverer, DAY_S)
    assert len(post.sent) == 2
    assert only(farm).state is DeliveryState.DELIVERED


def test_an_endpoint_hears_what_it_listens_for(farm: Farm, post: Post, deliverer: Deliverer) -> None:
    caller = farm.caller()
    endpoint(farm, caller, URL + "/failed", "job.failed")
    endpoint(farm, caller, URL + "/all")
    finished(farm, caller)
    farm.submit(caller)
    farm.fail_next(FailureClass.INVALID_INPUT)
    cancelled = farm.submit(caller)
    jobs.cancel(farm.hall, None, cancelled)
    farm.tick()
    over_time(farm, deliverer, 1)
    heard = sorted((sent.url, sent.headers["X-CreativeAI-Event"]) for sent in post.sent)
    assert heard == [
        (URL + "/all", "job.cancelled"),
        (URL + "/all", "job.completed"),
        (URL + "/all", "job.failed"),
        (URL + "/failed", "job.failed"),
    ]


def test_an_endpoint_registered_later_does_not_hear_of_before(
    farm: Farm, post: Post, deliverer: Deliverer
) -> None:
    caller = farm.caller()
    finished(farm, caller, webhook_url=URL)
    farm.clock.advance(s=1)
    endpoint(farm, caller, URL + "/late")
    deliverer.deliver_due()
    assert [sent.url for sent in post.sent] == [URL]


def test_an_accounts_own_event_goes_to_its_endpoints(farm: Farm, post: Post, deliverer: Deliverer) -> None:
    caller = farm.caller()
    endpoint(farm, caller)
    now = farm.clock.now()
    event = {"account_id": caller.account.id, "event": "budget.warning", "endpoint": "", "due_at": now}
    told = {"payload": {"percent": 80}, "state": "pending", "created_at": now}
    with farm.store.write() as connection:
        connection.execute(insert(outbox).values(event | told))
    deliverer.deliver_due()
    body = json.loads(post.sent[0].body)
    assert (body["type"], body["percent"]) == ("budget.warning", 80)
    assert "X-CreativeAI-Signature" not in post.sent[0].headers


def test_gone_disables_the_endpoint_and_gives_the_rest_up(
    farm: Farm, post: Post, deliverer: Deliverer
) -> None:
    caller = farm.caller()
    endpoint_id = endpoint(farm, caller)
    finished(farm, caller)
    post.script = [503, 410]
    deliverer.deliver_due()
    finished(farm, caller)
    deliverer.deliver_due()
    stopped = webhooks.endpoint(farm.hall, caller.account, endpoint_id)
    assert (stopped.state, stopped.disabled_because) == (EndpointState.DISABLED, "It answered 410 Gone.")
    assert {found.state for found in all_deliveries(farm)} == {DeliveryState.FAILED}
    finished(farm, caller)
    over_time(farm, deliverer, DAY_S)
    assert len(post.sent) == 2


def test_gone_ends_a_jobs_own_url_at_once(farm: Farm, post: Post, deliverer: Deliverer) -> None:
    post.script = [410]
    finished(farm, farm.caller(), webhook_url=URL)
    over_time(farm, deliverer, DAY_S)
    assert (len(post.sent), only(farm).state) == (1, DeliveryState.FAILED)


def test_five_days_without_a_success_disable_an_endpoint(
    farm: Farm, post: Post, deliverer: Deliverer
) -> None:
    caller = farm.caller()
    endpoint_id = endpoint(farm, caller)
    post.always = 503
    for _ in range(5):
        finished(farm, caller)
        over_time(farm, deliverer, DAY_S)
    assert webhooks.endpoint(farm.hall, caller.account, endpoint_id).state is EndpointState.ENABLED
    finished(farm, caller)
    over_time(farm, deliverer, HOUR_S)
    stopped = webhooks.endpoint(farm.hall, caller.account, endpoint_id)
    assert stopped.state is EndpointState.DISABLED
    assert stopped.disabled_because == "It failed for 5 days without one success."

    back = webhooks.change_endpoint(farm.hall, caller.account, endpoint_id, EndpointChange(enabled=True))
    assert (back.state, back.failing_since, back.disabled_because) == (EndpointState.ENABLED, None, None)


def test_one_success_in_five_days_keeps_an_endpoint(farm: Farm, post: Post, deliverer: Deliverer) -> None:
    caller = farm.caller()
    endpoint_id = endpoint(farm, caller)
    for day in range(8):
        post.always = 200 if day == 3 else 503
        finished(farm, caller)
        over_time(farm, deliverer, DAY_S)
    assert webhooks.endpoint(farm.hall, caller.account, endpoint_id).state is EndpointState.ENABLED


def test_a_deliverer_that_dies_after_sending_sends_again_under_the_same_id(
    farm: Farm, post: Post, deliverer: Deliverer
) -> None:
    """At least once: the receiver drops the double by its webhook-id."""
    finished(farm, farm.caller(), webhook_url=URL)
    dying = new_deliverer(farm, post)
    dying._record = lambda claimed, answer: None  # type: ignore[method-assign]  # dies before it records
    assert dying.deliver_due() == 1
    assert only(farm).tries == 0

    assert deliverer.deliver_due() == 0
    farm.clock.advance(s=farm.hall.catalog.webhooks.lease_s)
    assert deliverer.deliver_due() == 1
    first, again = post.sent
    assert first.webhook_id == again.webhook_id
    assert [first.headers["X-Farm-Attempt"], again.headers["X-Farm-Attempt"]] == ["1", "1"]
    assert (only(farm).tries, only(farm).state) == (1, DeliveryState.DELIVERED)


def test_an_answer_is_recorded_when_the_store_is_back(
    farm: Farm, post: Post, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, whatever was being sent while the database restarted was sent again."""
    finished(farm, farm.caller(), URL)
    write, writes = farm.store.write, itertools.count(1)

    @contextmanager
    def away(_store: Store, *, durable: bool | None = None, apart: bool = False) -> Iterator[Connection]:
        number = next(writes)  # the first takes the attempt
        if number == 2:
            raise StoreAway("it restarts")
        with write(durable=durable, apart=apart) as connection:
            yield connection
        if number == 3:
            raise StoreAway("the answer was lost")

    monkeypatch.setattr(Store, "write", away)
    monkeypatch.setattr("schedulers.webhooks.deliverer._AFTER_ERROR_S", 0.0)
    deliverer.deliver_due()
    assert next(writes) == 5
    over_time(farm, deliverer, DAY_S)
    assert len(post.sent) == 1
    assert (only(farm).state, only(farm).tries) == (DeliveryState.DELIVERED, 1)


def test_a_deliverer_whose_lease_has_ended_records_nothing(
    farm: Farm, post: Post, deliverer: Deliverer
) -> None:
    caller = farm.caller()
    endpoint_id = endpoint(farm, caller)
    finished(farm, caller)
    slow = new_deliverer(farm, post)
    claims = slow._claim(1)
    farm.clock.advance(s=farm.hall.catalog.webhooks.lease_s)
    deliverer.deliver_due()
    slow._record(claims[0], "No answer came.")
    found = only(farm)
    assert (found.state, found.tries, found.last_error) == (DeliveryState.DELIVERED, 1, None)
    assert webhooks.endpoint(farm.hall, caller.account, endpoint_id).failing_since is None


def test_one_accounts_pile_does_not_hold_up_another(farm: Farm, post: Post) -> None:
    ada, eve = farm.caller("ada"), farm.caller("eve")
    for _ in range(20):
        finished(farm, ada, webhook_url=URL + "/ada")
    farm.clock.advance(s=1)
    finished(farm, eve, webhook_url=URL + "/eve")
    assert new_deliverer(farm, post).deliver_due() == 9
    assert [sent.url for sent in post.sent].count(URL + "/ada") == 8
    assert post.sent[-1].url == URL + "/eve"


def test_a_replay_keeps_id_and_body_and_starts_over(farm: Farm, post: Post, deliverer: Deliverer) -> None:
    post.script = [500, 500, 500]
    caller = farm.caller()
    finished(farm, caller, webhook_url=URL)
    over_time(farm, deliverer, DAY_S)
    again = deliveries.replay(farm.hall, caller.account.id, only(farm).id)
    assert (again.state, again.tries) == (DeliveryState.PENDING, 0)
    with pytest.raises(Conflict, match="under way"):
        deliveries.replay(farm.hall, caller.account.id, again.id)
    deliverer.deliver_due()
    deliveries.replay(farm.hall, caller.account.id, again.id)
    deliverer.deliver_due()
    assert len(post.sent) == 5
    assert len({(sent.webhook_id, sent.body) for sent in post.sent}) == 1
    assert len({sent.headers["webhook-timestamp"] for sent in post.sent}) == 4
    assert only(farm).state is DeliveryState.DELIVERED


def test_a_replay_needs_an_endpoint_that_listens(farm: Farm, post: Post, deliverer: Deliverer) -> None:
    caller = farm.caller()
    endpoint_id = endpoint(farm, caller)
    finished(farm, caller)
    deliverer.deliver_due()
    webhooks.change_endpoint(farm.hall, caller.account, endpoint_id, EndpointChange(enabled=False))
    with pytest.raises(Conflict, match="disabled"):
        deliveries.replay(farm.hall, caller.account.id, only(farm).id)
    webhooks.remove_endpoint(farm.hall, caller.account, endpoint_id)
    with pytest.raises(Conflict, match="deleted"):
        deliveries.replay(farm.hall, caller.account.id, only(farm).id)


def test_both_secrets_sign_for_a_day_after_a_rotation(farm: Farm, post: Post, deliverer: Deliverer) -> None:
    caller = farm.caller()
    made, old = webhooks.add_endpoint(farm.hall, caller.account, NewEndpoint(URL))
    rotated, new = webhooks.rotate_secret(farm.hall, caller.account, made.id)
    assert rotated.old_secret_until == farm.clock.now() + DAY_S
    for pause_s in (0, DAY_S - 1, 1):
        farm.clock.advance(s=pause_s)
        finished(farm, caller)
        deliverer.deliver_due()
    counts = [len(sent.headers["webhook-signature"].split()) for sent in post.sent]
    assert counts == [2, 2, 1]
    assert [fits(old, sent) for sent in post.sent] == [True, True, False]
    assert all(fits(new, sent) for sent in post.sent)


def fits(secret: str, sent: Sent) -> bool:
    """Whether the secret made one of the signatures, whatever the time."""
    at = datetime.fromtimestamp(int(sent.headers["webhook-timestamp"]), UTC)
    made = Webhook(secret).sign(sent.webhook_id, at, sent.body.decode())
    return made in sent.headers["webhook-signature"].split()


def test_a_jobs_own_url_is_signed_for_its_api_key(farm: Farm, post: Post, deliverer: Deliverer) -> None:
    """INVENTORY C-224 and X-01: the API key signs the seed's way, its own whsec_ the standard's."""
    account = accounts.ensure_account(farm.hall, "ada", "pro")
    key = accounts.create_key(farm.hall, account)
    caller = accounts.caller_of(farm.hall, key.text)
    finished(farm, caller, webhook_url=URL)
    accounts.revoke_key(farm.hall, key.prefix)
    deliverer.deliver_due()
    sent = post.sent[0]
    digest = hmac.new(key.text.encode(), sent.body, hashlib.sha256).hexdigest()
    assert sent.headers["X-CreativeAI-Signature"] == f"sha256={digest}"
    assert fits(webhooks.key_secret(farm.hall, caller), sent)


def test_custom_headers_are_sent_and_never_shown(farm: Farm, post: Post, deliverer: Deliverer) -> None:
    caller = farm.caller()
    new = NewEndpoint(URL, headers={"Authorization": "Bearer receiver"})
    made, _ = webhooks.add_endpoint(farm.hall, caller.account, new)
    assert made.header_names == ("Authorization",)
    assert "receiver" not in repr(made) + repr(new)
    finished(farm, caller)
    deliverer.deliver_due()
    assert post.sent[0].headers["Authorization"] == "Bearer receiver"


def test_data_of_another_secret_key_is_a_failed_attempt_not_a_stuck_farm(farm: Farm, post: Post) -> None:
    caller = farm.caller()
    endpoint(farm, caller)
    finished(farm, caller, webhook_url=URL)
    farm.hall = replace(farm.hall, secrets=Secrets("another secret key, also long enough for it"))
    assert new_deliverer(farm, post).deliver_due() == 2
    assert post.sent == []
    assert all("FARM_SECRET_KEY" in (found.last_error or "") for found in all_deliveries(farm))


def test_a_test_event_goes_to_one_endpoint_whatever_it_listens_for(
    farm: Farm, post: Post, deliverer: Deliverer
) -> None:
    caller = farm.caller()
    wanted = endpoint(farm, caller, URL, "job.failed")
    endpoint(farm, caller, URL + "/other")
    delivery_id = webhooks.send_test(farm.hall, caller, wanted)
    deliverer.deliver_due()
    assert [sent.url for sent in post.sent] == [URL]
    assert json.loads(post.sent[0].body)["type"] == "webhook.test"
    sent = deliveries.delivery(farm.hall, caller.account.id, delivery_id)
    assert (sent.event, sent.state) == ("webhook.test", DeliveryState.DELIVERED)
    webhooks.change_endpoint(farm.hall, caller.account, wanted, EndpointChange(enabled=False))
    with pytest.raises(Conflict, match="disabled"):
        webhooks.send_test(farm.hall, caller, wanted)


def test_one_account_never_sees_anothers_endpoints_and_deliveries(farm: Farm, deliverer: Deliverer) -> None:
    ada, eve = farm.caller("ada"), farm.caller("eve")
    endpoint_id = endpoint(farm, ada)
    finished(farm, ada)
    deliverer.deliver_due()
    delivery_id = only(farm).id
    assert webhooks.list_endpoints(farm.hall, eve.account) == []
    assert deliveries.list_deliveries(farm.hall, eve.account.id) == []
    with pytest.raises(NotFound):
        webhooks.endpoint(farm.hall, eve.account, endpoint_id)
    with pytest.raises(NotFound):
        webhooks.rotate_secret(farm.hall, eve.account, endpoint_id)
    with pytest.raises(NotFound):
        webhooks.remove_endpoint(farm.hall, eve.account, endpoint_id)
    with pytest.raises(NotFound):
        webhooks.send_test(farm.hall, eve, endpoint_id)
    with pytest.raises(NotFound):
        deliveries.replay(farm.hall, eve.account.id, delivery_id)


def test_an_endpoint_is_changed_only_where_it_is_told_to(farm: Farm) -> None:
    caller = farm.caller()
    endpoint_id = endpoint(farm, caller, URL, "job.failed")
    change = EndpointChange(url=URL + "/new", headers={"X-Team": "1"})
    changed = webhooks.change_endpoint(farm.hall, caller.account, endpoint_id, change)
    assert (changed.url, changed.events, changed.header_names) == (URL + "/new", ("job.failed",), ("X-Team",))
    with pytest.raises(BadRequest) as refused:
        bad = EndpointChange(url="http://127.0.0.1/")
        webhooks.change_endpoint(farm.hall, caller.account, endpoint_id, bad)
    assert (refused.value.param, refused.value.public_code) == ("url", "url_refused")


def test_a_deleted_endpoint_is_gone_with_its_secrets(farm: Farm, deliverer: Deliverer) -> None:
    caller = farm.caller()
    endpoint_id = endpoint(farm, caller)
    finished(farm, caller)
    assert webhooks.remove_endpoint(farm.hall, caller.account, endpoint_id).header_names == ()
    assert deliverer.deliver_due() == 0
    assert webhooks.list_endpoints(farm.hall, caller.account) == []
    with pytest.raises(NotFound):
        webhooks.endpoint(farm.hall, caller.account, endpoint_id)


def test_an_account_has_so_many_endpoints_and_no_more(farm: Farm) -> None:
    caller = farm.caller()
    ids = [endpoint(farm, caller) for _ in range(farm.hall.catalog.webhooks.max_endpoints)]
    with pytest.raises(Conflict, match="20 endpoints"):
        endpoint(farm, caller)
    webhooks.remove_endpoint(farm.hall, caller.account, ids[0])
    endpoint(farm, caller)


def test_an_address_that_has_become_private_is_an_attempt_that_failed(farm: Farm) -> None:
    """Rebinding: the guard looks again at each attempt."""
    finished(farm, farm.caller(), webhook_url=URL)
    with GuardedHttp(Guard(resolve=lambda _host, _port: ["169.254.169.254"])) as http:
        Deliverer(farm.hall, http, lambda _row: None).deliver_due()
    assert "private or reserved" in (only(farm).last_error or "")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def shared_farm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Farm]:
    """A farm whose store several connections share."""
    url = f"sqlite:///{tmp_path / 'farm.sqlite3'}"
    if request.param == "postgresql":
        url = Settings(database_url=request.getfixturevalue("postgres").laid_out()).store_url
    made = Farm(url)
    made.hall = replace(made.hall, guard=Guard(resolve=lambda _host, _port: ["93.184.216.34"]))
    made.worker(slots=60)
    yield made
    made.close()


def test_four_deliverers_at_once_send_each_attempt_once(shared_farm: Farm) -> None:
    farm, post = shared_farm, Post(shared_farm)
    for name in ("ada", "eve", "joe"):
        caller = farm.caller(name)
        endpoint(farm, caller)
        for _ in range(15):
            finished(farm, caller, webhook_url=URL)

    def work_off(_number: int) -> int:
        deliverer, made = new_deliverer(farm, post), 0
        while all_deliveries(farm, state="pending") or outbox_rows(farm, "pending"):
            made += deliverer.deliver_due()
        return made

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(work_off, range(4))) == 90
    assert len(post.sent) == len({sent.webhook_id for sent in post.sent}) == 90
