"""Chat over HTTP (C-194 … C-197): handed on as it comes, failed over before the first byte, paid by use."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from sqlalchemy import select, update
from starlette.requests import Request
from starlette.types import Message

from farm.api.llm.breakers import Breakers
from farm.api.llm.calling import Calling, Wanted
from farm.api.llm.exchange import Asked, Exchange
from farm.catalog import read_catalog
from farm.doors import accounts
from farm.doors.hall import Hall
from farm.errors import FarmUnavailable
from farm.settings import Settings
from farm.store.schema import accounts as account_rows
from farm.store.schema import jobs, ledger
from schedulers.wishes import fail_overdue
from tasks.chat import Chat
from tests.api import Api, api_under
from tests.integration import test_api_envelope
from tests.llm_service import KEY, USAGE, WORDS, LlmServices

pytestmark = pytest.mark.slow

CONFIG = """
[providers.first]
pool = "cpu-render"
url = "{first}"
key_env = "FIRST_LLM_KEY"
[providers.second]
pool = "cpu-render"
url = "{second}"
[providers.keyless]
pool = "cpu-render"
url = "{first}"
key_env = "NOBODY_SET_THIS_KEY"
[routes.chat.gpt-4o-mini]
fallbacks = ["gemini-2.0-flash"]
offers = [{{ provider = "first", price = "1", estimated_s = 10.0 }}]
[routes.chat."gemini-2.0-flash"]
offers = [{{ provider = "second", price = "0.5", estimated_s = 10.0 }}]
[routes.chat."gpt-*"]
offers = [{{ provider = "second", price = "1", estimated_s = 10.0 }}]
[routes.chat.my-llama]
offers = [{{ provider = "second", price = "1", estimated_s = 10.0 }}]
[routes.chat."claude-x"]
offers = [{{ provider = "keyless", price = "1", estimated_s = 10.0 }}]
[auto]
chat = "gemini-2.0-flash"
[failover]
min_calls = 1000
unreachable_in_row = 3
"""
RULES = """
[chat]
first_byte_s = 0.5
answer_s = 0.5
call_s = 3.0
per_account = 2
[chat.prices."*"]
input = "1"
output = "2"
[chat.prices."gpt-4o-mini*"]
input = "1"
output = "2"
[chat.prices."gemini-2.0-flash*"]
input = "1"
output = "2"
"""
HELLO: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello!"}]}
PRICE = 1 + 2 * 2  # of USAGE, in credits


@dataclass
class Talker:
    """A customer with 1,000 credits, and the services behind the farm."""

    api: Api
    services: LlmServices
    http: httpx.Client

    def say(self, **changes: Any) -> httpx.Response:
        return self.http.post("/v1/chat/completions", json={**HELLO, **changes})

    def stream(self, **changes: Any) -> Any:
        return self.http.stream("POST", "/v1/chat/completions", json={**HELLO, "stream": True, **changes})

    @property
    def balance(self) -> Decimal:
        return Decimal(str(self.http.get("/farm/v1/credits").json()["balance"]))

    def job(self) -> Any:
        """The customer's latest call, once it has ended."""
        found = until(lambda: self._ended())
        with self.api.hall.store.read() as connection:
            entries = connection.execute(select(ledger).where(ledger.c.job_seq == found.seq)).all()
        assert [entry.entry for entry in entries] == [
            "hold",
            "settle" if found.charged_mc else entries[1].entry,
        ]
        assert sum(entry.amount_mc for entry in entries) == -found.charged_mc
        return found

    def _ended(self) -> Any:
        own = select(account_rows.c.id).where(account_rows.c.name == self.api.account).scalar_subquery()
        query = select(jobs).where(jobs.c.account_id == own).order_by(jobs.c.seq.desc()).limit(1)
        with self.api.hall.store.read() as connection:
            row = connection.execute(query).one()
        return row if row.ended_at is not None else None


def check_error(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """C-014: the envelope; returns what is under `error`."""
    test_api_envelope.check_error(answer, status, code)
    error: dict[str, Any] = answer.json()["error"]
    return error


def until(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 20
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)
    return found


@pytest.fixture(scope="module")
def services() -> Iterator[LlmServices]:
    with LlmServices() as running:
        yield running


@pytest.fixture(scope="module")
def served(services: LlmServices, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    config = tmp_path_factory.mktemp("config")
    urls = {name: services.url(name) for name in ("first", "second")}
    (config / "providers.toml").write_text(CONFIG.format(**urls))
    (config / "chat.toml").write_text(RULES)
    with api_under(tmp_path_factory.mktemp("chat"), config_dir=config) as running:
        yield running


@pytest.fixture
def ada(served: Api, services: LlmServices, monkeypatch: pytest.MonkeyPatch) -> Iterator[Talker]:
    monkeypatch.setenv("FIRST_LLM_KEY", KEY)
    name = served.hall.ids.public("talker")
    account = accounts.ensure_account(served.hall, name, "enterprise", balance_mc=1_000_000)
    key = accounts.create_key(served.hall, account).text
    for service in (services.at("first"), services.at("second")):
        service.__init__(service.name)  # type: ignore[misc]  # a fresh one, under the name the handler knows
    served.app.state.exchange.breakers = Breakers(served.hall.clock)
    customer = replace(served, key=key, account=name)
    with customer.client() as http:
        yield Talker(customer, services, http)


def begun(answer: httpx.Response) -> Iterator[str]:
    """The lines behind the first event of a stream. The stream is open for as long as somebody has them."""
    lines = answer.iter_lines()
    assert any(line.startswith("data: ") for line in lines)
    return lines


def events_of(text: str) -> list[Any]:
    data = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    return [one if one == "[DONE]" else json.loads(one) for one in data]


def test_c194_an_answer_is_handed_on_and_paid_by_what_the_service_counted(ada: Talker):
    answer = ada.say(temperature=0.5, made_up={"kept": True})
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == "".join(WORDS)
    assert answer.json()["usage"] == USAGE
    assert answer.headers["x-model-actual"] == "gpt-4o-mini"  # C-195
    assert answer.headers["x-failover-used"] == "false"  # C-196
    assert ada.balance == 1000 - PRICE
    asked = ada.services.at("first")
    assert asked.keys == [f"Bearer {KEY}"] and asked.paths == ["chat/completions"]
    assert asked.asked[0]["temperature"] == 0.5 and asked.asked[0]["made_up"] == {"kept": True}
    assert asked.asked[0]["max_completion_tokens"] == 4096 and "failover" not in asked.asked[0]
    job = ada.job()
    assert (job.kind, job.state, job.charged_mc) == ("chat", "completed", PRICE * 1000)
    assert job.result["chat"]["completion_tokens"] == 2000
    assert "Hello!" not in json.dumps(job.params)
    assert job.held_mc > job.charged_mc


def test_c194_a_stream_comes_piece_by_piece_and_the_count_is_for_who_asked(ada: Talker):
    service = ada.services.at("first").next("waits")
    with ada.stream() as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-model-actual"] == "gpt-4o-mini"
        lines = answer.iter_lines()
        first = next(line for line in lines if line.startswith("data: "))
        assert (
            json.loads(first[6:])["choices"][0]["delta"]["content"] == WORDS[0]
        )  # the rest is not there yet
        service.released.set()
        rest = events_of("\n".join(lines))
    assert rest[-1] == "[DONE]"
    assert [one["choices"][0]["delta"].get("content") for one in rest[:-2]] == list(WORDS[1:])
    assert service.asked[0]["stream_options"] == {"include_usage": True}
    assert ada.job().charged_mc == PRICE * 1000
    with ada.stream(stream_options={"include_usage": True}) as answer:
        told = events_of(answer.read().decode())
    assert told[-2]["usage"] == USAGE and told[-2]["choices"] == []


def test_c195_openais_client_talks_and_streams(ada: Talker):
    with openai.OpenAI(api_key=ada.api.key, base_url=f"{ada.api.url}/v1", max_retries=0) as client:
        raw = client.chat.completions.with_raw_response.create(**HELLO)
        assert raw.headers["x-model-actual"] == "gpt-4o-mini"
        assert raw.parse().choices[0].message.content == "".join(WORDS)
        pieces = list(client.chat.completions.create(**HELLO, stream=True))
        assert "".join(one.choices[0].delta.content or "" for one in pieces) == "".join(WORDS)
        text = client.completions.create(model="gpt-4o-mini", prompt="Say hello")  # C-197
        assert text.choices[0].text == "".join(WORDS)
    service = ada.services.at("first")
    assert service.paths[-1] == "completions" and service.asked[-1]["max_tokens"] == 4096


FAILING = ("busy", "broken", "drop", "mute", "refuse", "missing", "garbage")


@pytest.mark.parametrize(
    ("plan", "stream"),
    [*((plan, stream) for plan in FAILING for stream in (False, True)), ("error_event", True)],
)
def test_c196_another_model_stands_in_before_the_first_byte(ada: Talker, plan: str, stream: bool):
    ada.services.at("first").next(*[plan] * (2 if plan == "drop" else 1))  # a broken line is tried again
    answer = ada.say(stream=stream)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-model-actual"] == "gemini-2.0-flash"
    assert answer.headers["x-failover-used"] == "true"
    assert ada.services.at("second").asked[0]["model"] == "gemini-2.0-flash"
    job = ada.job()
    assert job.result["chat"]["failover_used"] is True
    assert job.charged_mc == PRICE * 500  # half the price there


@pytest.mark.parametrize(
    ("plan", "status", "code", "param"),
    [("bad", 400, "too_high", "temperature"), ("policy", 400, "content_policy_violation", "messages")],
)
def test_c016_what_the_service_refuses_is_never_shopped_around(
    ada: Talker, plan: str, status: int, code: str, param: str
):
    ada.services.at("first").next(plan)
    error = check_error(ada.say(), status, code)
    assert error["param"] == param and KEY not in error["message"]
    assert ada.services.at("second").asked == []
    assert ada.balance == 1000 and ada.job().state == "failed"


def test_c020_only_when_all_are_down_is_it_said_and_nothing_is_charged(ada: Talker):
    ada.services.at("first").next("refuse")
    ada.services.at("second").next("broken")
    answer = ada.say()
    error = check_error(answer, 503, "provider_unavailable")
    assert answer.headers["Retry-After"]
    assert "refused the farm's key" in error["message"] and KEY not in answer.text
    assert ada.balance == 1000


def test_c007_when_to_ask_again_is_what_the_busy_provider_asked_for(ada: Talker):
    ada.services.at("first").next("busy")
    answer = ada.say(failover=False)
    check_error(answer, 503, "provider_unavailable")
    assert answer.headers["Retry-After"] == "7"
    ada.api.clock.ahead_s += 4
    rests = ada.say(failover=False)
    assert len(ada.services.at("first").asked) == 1 and 1 <= int(rests.headers["Retry-After"]) <= 3
    ada.api.clock.ahead_s = 0


def test_without_failover_only_the_first_is_asked(ada: Talker):
    ada.services.at("first").next("broken")
    check_error(ada.say(failover=False), 503, "provider_unavailable")
    assert ada.services.at("second").asked == []


def test_x43_a_farm_without_the_provider_or_its_key_names_the_setting(ada: Talker):
    unrouted = check_error(ada.say(model="claude-opus"), 503, "provider_unavailable")
    assert "routes.chat.claude-opus" in unrouted["message"]
    assert ada.say(model="claude-opus").headers["x-should-retry"] == "false"  # else SDKs ask thrice
    keyless = check_error(ada.say(model="claude-x"), 503, "provider_unavailable")
    assert "NOBODY_SET_THIS_KEY" in keyless["message"]
    check_error(ada.say(model="no-such-model"), 404, "model_not_found")
    ada.services.at("second").next("missing")
    check_error(ada.say(model="gpt-6-typo"), 404, "model_not_found")  # a pattern led there, and it has none
    assert ada.balance == 1000


def test_auto_and_patterns_lead_to_a_model(ada: Talker):
    assert ada.say(model="auto").headers["x-model-actual"] == "gemini-2.0-flash"
    assert ada.say(model="gpt-5-nano").headers["x-model-actual"] == "gpt-5-nano"
    assert ada.services.at("second").asked[-1]["model"] == "gpt-5-nano"
    listed = {one["id"]: one for one in ada.http.get("/v1/models").json()["data"]}
    assert listed["gemini-2.0-flash"]["available"] and listed["gpt-*"]["available"]
    assert listed["gemini-2.0-flash"]["owned_by"] == "Google"
    own = ada.http.get("/v1/models/my-llama").json()  # the catalog knows nothing of it
    assert own == listed["my-llama"] and own["capabilities"] == ["chat"]
    assert ada.say(model="my-llama").headers["x-model-actual"] == "my-llama"


def test_a_caller_who_hangs_up_ends_the_call_upstream_and_pays_for_what_came(ada: Talker):
    service = ada.services.at("first").next("waits")
    with ada.stream() as answer:
        begun(answer)
    assert service.hung_up.wait(20)
    job = ada.job()
    assert job.state == "completed" and job.result["chat"]["counted"] is False
    assert 0 < job.charged_mc < PRICE * 1000


def test_a_caller_who_hangs_up_before_anything_came_pays_nothing(ada: Talker):
    service = ada.services.at("first").next("mute")
    with pytest.raises(httpx.ReadTimeout):
        ada.http.post("/v1/chat/completions", json=HELLO, timeout=0.2)
    assert service.hung_up.wait(20)
    assert ada.job().state == "cancelled" and ada.balance == 1000


BREAKING = [("breaks", 3), ("fails", 3), ("garbled", 3), ("half", 4)]


@pytest.mark.parametrize(("plan", "events"), BREAKING)
def test_a_stream_that_breaks_off_says_so_and_costs_nothing(ada: Talker, plan: str, events: int):
    """Also where the provider says why, and where one of two choices has ended."""
    ada.services.at("first").next(plan)
    with ada.stream(n=2) as answer:
        text = answer.read().decode()
    told = events_of(text)
    assert told[-1]["error"]["code"] == "provider_unavailable" and KEY not in text
    assert len(told) == events
    assert ada.job().state == "failed" and ada.balance == 1000
    assert ada.services.at("second").asked == []  # the first byte was out


def test_an_answer_that_goes_on_for_ever_ends_when_its_time_is_up(ada: Talker):
    ada.services.at("first").next("hums", "hums")
    with ThreadPoolExecutor() as aside, ada.stream() as stream:
        whole = aside.submit(ada.say)
        told = events_of(stream.read().decode())
    assert told[-1]["error"]["code"] == "provider_unavailable"
    check_error(whole.result(), 503, "provider_unavailable")
    until(lambda: ada.balance == 1000)


def test_openais_client_raises_what_broke_off(ada: Talker):
    ada.services.at("first").next("fails")
    with openai.OpenAI(api_key=ada.api.key, base_url=f"{ada.api.url}/v1", max_retries=0) as client:
        pieces = client.chat.completions.create(**HELLO, stream=True)
        with pytest.raises(openai.APIError, match="broke the answer off") as broken:
            list(pieces)
    assert broken.value.code == "provider_unavailable"


def test_a_stream_that_is_done_ends_though_its_service_leaves_it_open(ada: Talker):
    service = ada.services.at("first").next("stays")
    with ada.stream() as answer:
        text = answer.read().decode()
    assert events_of(text)[-1] == "[DONE]" and service.hung_up.wait(20)
    assert ada.job().charged_mc == PRICE * 1000


def test_what_the_service_does_not_count_is_estimated_by_its_length(ada: Talker):
    ada.services.at("first").next("uncounted", "uncounted")
    assert ada.say().status_code == 200
    whole = ada.job()
    with ada.stream() as answer:
        answer.read()
    streamed = ada.job()
    assert not whole.result["chat"]["counted"] and not streamed.result["chat"]["counted"]
    assert whole.result["chat"]["completion_tokens"] == -(-len("".join(WORDS)) // 4)
    assert streamed.result["chat"]["completion_tokens"] == whole.result["chat"]["completion_tokens"]


def test_c018_what_cannot_be_held_is_refused_before_anybody_is_asked(ada: Talker):
    with ada.api.hall.store.write() as connection:
        poor = update(account_rows).where(account_rows.c.name == ada.api.account)
        connection.execute(poor.values(balance_mc=1000))
    check_error(ada.say(), 402, "insufficient_credits")
    assert ada.services.at("first").asked == []
    assert ada.say(max_tokens=100).status_code == 200  # held for less


def test_c021_words_that_are_not_allowed_are_refused_before_anything(ada: Talker):
    said = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "child porn"}]
    error = check_error(ada.say(messages=said), 400, "content_policy_violation")
    assert error["param"] == "messages[1].content"
    parts = [{"role": "user", "content": [{"type": "text", "text": "ch1ld p0rn"}]}]
    check_error(ada.say(messages=parts), 400, "content_policy_violation")
    assert ada.services.at("first").asked == [] and ada.balance == 1000


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_completion_tokens": 10_000_000}, "max_completion_tokens"),
        ({"n": 9}, "n"),
        ({"stream": "yes"}, "stream"),
        ({"model": "bad model\n"}, "model"),
    ],
)
def test_c015_bad_requests_name_the_field(ada: Talker, change: dict[str, Any], param: str):
    error = check_error(ada.say(**change), 400, "invalid_request_error")
    assert error["param"] == param
    assert ada.services.at("first").asked == []


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "http://169.254.169.254/latest/meta-data"}},
        {"type": "input_image", "image_url": "http://localhost:6379/"},
        {"type": "video_url", "video_url": {"url": "file:///etc/passwd"}},
        {"type": "image_url", "image_url": {"url": "https://user:word@10.0.0.1/a.png"}},
        {"type": "image_url", "image_url": ["http://10.0.0.1/a.png"]},
        {"type": "file", "file": {"file_uri": "gopher://10.0.0.1/"}},
        {"type": "image", "image": "http://10.0.0.1/a.png"},
    ],
)
def test_a_service_is_not_led_to_what_lies_inside(ada: Talker, part: dict[str, Any]):
    messages = [{"role": "user", "content": "hello"}, {"role": "user", "content": [part]}]
    error = check_error(ada.say(messages=messages), 400, "url_refused")
    assert error["param"] == "messages[1].content"
    assert ada.services.at("first").asked == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tools", [{"type": "mcp", "server_label": "x", "server_url": "http://169.254.169.254/"}]),
        ("api_base", "http://10.0.0.1/v1"),
        ("kv_transfer_params", {"remote_host": "10.0.0.1"}),
    ],
)
def test_nor_by_what_is_beside_the_messages(ada: Talker, name: str, value: Any):
    error = check_error(ada.say(**{name: value}), 400, "url_refused")
    assert error["param"] == name
    assert ada.services.at("first").asked == []


def test_addresses_that_are_words_are_nobodys_business(ada: Talker):
    said = {"type": "text", "text": "http://localhost:6379/ is refused, why?"}
    schema = {"type": "object", "properties": {"url": {"type": "string", "default_url": "http://localhost/"}}}
    tool = {"type": "function", "function": {"name": "get", "parameters": schema}}
    call = {"id": "1", "type": "function", "function": {"name": "get", "arguments": "http://localhost/"}}
    turns = [
        {"role": "user", "content": [said]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
    ]
    assert ada.say(messages=turns, tools=[tool], metadata={"url": "http://localhost/"}).status_code == 200


def test_a_picture_in_the_call_itself_is_handed_on_and_no_call_has_urls_without_end(ada: Talker):
    data = "A" * 3_000_000  # as photos are
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    assert ada.say(messages=[{"role": "user", "content": [part]}]).status_code == 200
    assert ada.services.at("first").asked[0]["messages"][0]["content"] == [part]
    many = [{"type": "image_url", "image_url": {"url": f"https://93.184.216.34/{n}.png"}} for n in range(51)]
    error = check_error(ada.say(messages=[{"role": "user", "content": many}]), 400, "invalid_request_error")
    assert error["param"] == "messages[0].content"


def test_calls_at_once_are_bounded_for_an_account(ada: Talker):
    service = ada.services.at("first").next("waits", "waits")
    with ada.stream() as one, ada.stream() as other:
        streams = [begun(one), begun(other)]
        refused = ada.say()
        check_error(refused, 429, "rate_limit_exceeded")
        assert refused.headers["Retry-After"]
        service.released.set()
        assert all("data: [DONE]" in lines for lines in streams)
    until(lambda: ada.say().status_code == 200)


def test_a_provider_that_cannot_be_reached_rests_and_is_not_asked(ada: Talker):
    first = ada.services.at("first").next("drop", "drop", "drop")
    for _ in range(5):
        assert ada.say().headers["x-failover-used"] == "true"
    assert len(first.asked) == 3
    ada.api.clock.ahead_s += 60
    assert ada.say().headers["x-failover-used"] == "false"  # one probe, and it is well
    ada.api.clock.ahead_s = 0


def test_a_call_under_a_key_is_made_once_and_one_that_failed_is_made_again(ada: Talker):
    ada.http.headers["Idempotency-Key"] = "talk-1"
    ada.services.at("first").next("broken")
    ada.services.at("second").next("broken")
    assert ada.say().status_code == 503
    answers = [ada.say() for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert ada.balance == 1000 - PRICE
    assert len(ada.services.at("first").asked) == 2


def test_a_call_cannot_be_cancelled_for_free_and_what_a_dead_process_left_is_released(ada: Talker):
    service = ada.services.at("first").next("waits")
    with ada.stream() as answer:
        lines = begun(answer)
        (job,) = ada.http.get("/farm/v1/jobs").json()["data"]
        assert job["id"].startswith("chat_") and job["state"] == "running"
        check_error(ada.http.post(f"/farm/v1/jobs/{job['id']}/cancel"), 409, "not_cancellable")
        assert ada.balance < 1000
        ada.api.clock.ahead_s += 10_000
        _sweep(ada.api.hall)
        assert ada.balance == 1000
        service.released.set()
        assert "data: [DONE]" in lines
    ada.api.clock.ahead_s = 0
    assert ada.job().error_code == "deadline_exceeded"


def _sweep(hall: Hall) -> None:
    with hall.store.write() as connection:
        fail_overdue(hall, connection, hall.clock.now())


def test_a_process_that_stops_gives_back_what_its_calls_hold(ada: Talker):
    service = ada.services.at("first").next("mute")
    record = Chat(model="gpt-4o-mini", input_tokens=10, output_tokens=100)
    wanted = Wanted(Asked("chat/completions", HELLO), record, input_tokens=3)

    async def never() -> Message:
        await asyncio.sleep(60)
        raise AssertionError

    async def call_is_ended_from_outside() -> None:
        exchange = Exchange(ada.api.hall.clock, {"FIRST_LLM_KEY": KEY})
        caller = accounts.caller_of(ada.api.hall, ada.api.key)
        request = Request({"type": "http"}, never)
        calling = Calling(request, ada.api.app.state.desk, caller, exchange, "generations")
        task = asyncio.create_task(calling.answer(wanted))
        while not service.asked:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await exchange.aclose()

    asyncio.run(call_is_ended_from_outside())
    assert ada.job().state == "cancelled" and ada.balance == 1000


def test_nobody_submits_a_call_as_a_job(ada: Talker):
    params = {"model": "gpt-4o-mini", "input_tokens": 1, "output_tokens": 1}
    refused = ada.http.post("/farm/v1/jobs", json={"kind": "chat", "params": params})
    check_error(refused, 400, "invalid_request")


def test_c005_c017_the_envelope_of_the_surface(ada: Talker):
    answer = ada.say()
    assert answer.headers["X-RateLimit-Limit"] == "1000" and answer.headers["x-request-id"]
    with ada.api.client("farm_live_nobody") as stranger:
        error = check_error(stranger.post("/v1/chat/completions", json=HELLO), 401, "authentication_error")
    assert error["type"] == "authentication_error"


def test_a_chat_model_without_a_url_is_said_at_the_start(tmp_path: Path):
    (tmp_path / "providers.toml").write_text(
        '[providers.x]\npool = "cpu-render"\n'
        '[routes.chat.y]\noffers = [{ provider = "x", price = "1", estimated_s = 1.0 }]\n'
    )
    with pytest.raises(FarmUnavailable, match=r"routes\.chat\.y is offered by 'x', which has no url"):
        read_catalog(Settings(config_dir=tmp_path))
