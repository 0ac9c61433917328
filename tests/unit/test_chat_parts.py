"""The parts of chat: who may answer, what tokens cost, how streams are cut and counted."""

from decimal import Decimal
from typing import Any

import pytest

from farm.api.llm.breakers import Breakers
from farm.api.llm.events import Events, data_of, event_of, json_of
from farm.api.llm.meter import Meter, said_bytes, tokens_in, usage_of
from farm.api.llm.refusals import Missed
from farm.api.surfaces.generations.chat_wire import (
    ChatRequest,
    CompletionRequest,
    pictures_in,
    text_bytes,
)
from farm.catalog import read_catalog
from farm.chat import ChatRules, Line, TokenPrice, Usage, lines_of
from farm.doors.llm import AnswerTooLong
from farm.errors import BadRequest, ModelNotOffered, NotFound
from farm.providers import ProviderBook
from farm.settings import Settings
from tests.farm import HandClock

BOOK = read_catalog(Settings()).providers
RULES = ChatRules(
    prices={
        "*": TokenPrice(input=Decimal("1"), output=Decimal("2")),
        "gpt-*": TokenPrice(input=Decimal("0.1"), output=Decimal("0.2")),
        "gpt-4o-mini": TokenPrice(input=Decimal("0.01"), output=Decimal("0.02")),
    }
)


def book(routes: dict[str, Any], auto: str = "") -> ProviderBook:
    made = {"chat": routes}
    named = {"x": {"pool": "cpu-render", "url": "http://x"}, "y": {"pool": "cpu-render", "url": "http://y"}}
    said = BOOK.model_dump() | {"routes": made, "providers": named, "auto": {"chat": auto} if auto else {}}
    return ProviderBook.model_validate(said | {"models": BOOK.models})


def offer(provider: str, *fallbacks: str) -> dict[str, Any]:
    route: dict[str, Any] = {"offers": [{"provider": provider, "price": "1", "estimated_s": 1.0}]}
    return route | ({"fallbacks": fallbacks} if fallbacks else {})


def asked(found: ProviderBook, model: str, *, failover: bool = True) -> list[tuple[str, str]]:
    return [(line.provider, line.model) for line in lines_of(found, model, failover=failover)]


def test_a_model_has_the_price_of_its_own_entry_or_of_the_longest_pattern():
    assert [RULES.price_of(name).input for name in ("gpt-4o-mini", "gpt-4o", "llama")] == [
        Decimal("0.01"),
        Decimal("0.1"),
        Decimal("1"),
    ]
    assert ChatRules(prices={}).price_of("x").output == 0


def test_a_price_is_exact_and_rounded_up_to_a_thousandth():
    line = Line(provider="x", model="gpt-4o-mini", share=Decimal("0.5"))
    assert line.price_mc(RULES, Usage(input_tokens=1, output_tokens=0)) == 1
    assert line.price_mc(RULES, Usage(input_tokens=100_000, output_tokens=50_000)) == 1000
    assert line.price_mc(RULES, Usage(input_tokens=0, output_tokens=0)) == 0


def test_who_may_answer_comes_in_order_with_those_that_stand_in():
    found = book({"gpt-4o": offer("x", "llama"), "llama": offer("y"), "gpt-*": offer("y")}, auto="llama")
    assert asked(found, "gpt-4o") == [("x", "gpt-4o"), ("y", "llama")]
    assert asked(found, "gpt-4o", failover=False) == [("x", "gpt-4o")]
    assert asked(found, "gpt-5") == [("y", "gpt-5")]
    assert asked(found, "auto") == [("y", "llama")]
    # Any number of names behind a pattern has one breaker.
    assert {line.key for name in ("gpt-5", "gpt-6") for line in lines_of(found, name)} == {("y", "gpt-*")}


def test_x43_what_nobody_offers_names_the_setting_and_what_there_is_not_is_not_found():
    with pytest.raises(ModelNotOffered, match=r"routes\.chat\.gpt-4o"):
        lines_of(book({}), "gpt-4o")
    with pytest.raises(ModelNotOffered, match=r"under routes\.chat"):
        lines_of(book({}), "auto")
    with pytest.raises(ModelNotOffered):
        lines_of(book({"gpt-*": offer("x")}), "gpt-*")
    with pytest.raises(NotFound) as refused:
        lines_of(book({"gpt-*": offer("x")}), "llama")
    assert refused.value.public_code == "model_not_found"


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
def test_a_stream_is_cut_into_events_wherever_its_pieces_break(end: bytes):
    line = end[: len(end) // 2]
    whole = b": hi" + end + b"event: x" + line + b'data: {"a": 1}' + end + b"data: [DONE]" + end
    for size in range(1, len(whole)):
        cut = Events(100)
        pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
        events = [event for piece in pieces for event in cut.feed(piece)]
        assert b"".join(events) == whole
        assert [data_of(event) for event in events] == [b"", b'{"a": 1}', b"[DONE]"]


def test_an_event_without_end_is_refused():
    cut = Events(10)
    with pytest.raises(AnswerTooLong):
        list(cut.feed(b"data: 123456789"))


def test_what_an_event_carries_is_read_as_json_or_not_at_all():
    assert json_of(data_of(event_of({"a": "ü"}))) == {"a": "ü"}
    assert json_of(data_of(b"data: {\ndata: }\n\n")) == {}
    for other in (b"", b"[DONE]", b"[1]", b"{", b"\xff", b"[" * 100_000):
        assert json_of(other) is None


def test_the_services_own_count_goes_before_an_estimate():
    meter = Meter(input_tokens=7)
    for word in ("Hello", " you", None):
        meter.read({"choices": [{"delta": {"role": "assistant", "content": word}}]})
    assert meter.usage == Usage(input_tokens=7, output_tokens=3, counted=False)
    assert not meter.has_finished
    meter.read({"choices": [{"index": 1, "delta": {}, "finish_reason": "stop"}]})
    assert not meter.has_finished  # the other choice goes on
    meter.read({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    meter.read({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}})
    assert meter.usage == Usage(input_tokens=5, output_tokens=2)
    assert meter.has_finished


@pytest.mark.parametrize(
    "usage",
    [None, 7, {}, {"prompt_tokens": "5"}, {"prompt_tokens": -1}, {"prompt_tokens": True}],
)
def test_a_count_that_is_none_is_not_believed(usage: object):
    assert usage_of({"usage": usage}) is None


def test_all_that_a_model_writes_counts():
    call = {"id": "call_1", "type": "function", "function": {"name": "ab", "arguments": "{}"}}
    assert (
        said_bytes({"choices": [{"message": {"role": "assistant", "content": "ü", "tool_calls": [call]}}]})
        == 6
    )
    assert said_bytes({"choices": [{"text": "abc"}, {"text": "d"}]}) == 4
    assert said_bytes({"choices": "no"}) == 0


def test_a_provider_that_begins_and_never_ends_rests_too():
    breakers = Breakers(HandClock())
    rules = BOOK.failover.model_copy(update={"min_calls": 4, "failure_share": 0.5})
    for _ in range(2):
        with breakers.through(("x", "y"), rules):
            pass
        breakers.broke(("x", "y"), rules)
    with pytest.raises(Missed, match="rests"), breakers.through(("x", "y"), rules):
        pass


def test_what_is_held_is_more_than_any_tokeniser_makes_of_a_request():
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 10_000}}
    told = {"messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}, picture]}]}
    assert pictures_in(told) == 1
    assert 5 < text_bytes(told) < 200
    assert tokens_in(400, 2, 1000) == 2100
    sound = {"type": "input_audio", "input_audio": {"data": "A" * 640_000, "format": "wav"}}  # ten seconds
    assert 10 * 10 < text_bytes([sound]) < 25_000
    document = {"type": "file", "file": {"file_data": "data:application/pdf;base64," + "A" * 80_000}}
    assert 10_000 < text_bytes([document]) < 11_000


def test_the_most_that_may_come_is_what_the_request_says_for_all_choices():
    said = {"messages": [{"role": "user", "content": "x"}]}
    rules = ChatRules(default_output_tokens=50, most_output_tokens=1000)
    for more, most in (({}, 50), ({"max_tokens": 7, "n": 3}, 21), ({"max_completion_tokens": 9}, 9)):
        assert ChatRequest.model_validate(said | more).output_tokens(rules) == most
    prompts = CompletionRequest(prompt=["a", "b"], best_of=3)
    assert prompts.output_tokens(rules) == 300
    assert CompletionRequest(prompt="a", n=2, best_of=3).output_tokens(rules) == 150
    assert CompletionRequest(prompt=[1, 2, 3]).output_tokens(rules) == 50
    with pytest.raises(BadRequest) as refused:
        ChatRequest.model_validate(said | {"max_tokens": 1001}).output_tokens(rules)
    assert refused.value.param == "max_tokens"


def test_a_request_is_handed_on_as_it_was_with_a_bound_and_without_our_own_fields():
    body = ChatRequest.model_validate(
        {
            "model": "x",
            "failover": False,
            "stream": True,
            "stream_options": {"own": 1},
            "messages": [{"role": "user", "content": "x", "name": "ada"}],
            "seed": 7,
        }
    )
    assert body.handed_on("max_tokens", ChatRules(default_output_tokens=50)) == {
        "stream": True,
        "stream_options": {"own": 1, "include_usage": True},
        "messages": [{"role": "user", "content": "x", "name": "ada"}],
        "seed": 7,
        "max_tokens": 50,
    }
    assert body.texts == {"messages[0].content": "x"}
