"""Which attempts travel in one message: little work that goes ahead of free slots, and no more than pays."""

from farm.broker.message import Message, bundled


def message(number: int, ahead_s: float | None, queue: str = "cpu-render", order: int = 3) -> Message:
    return Message(number, 100 + number, queue, order, "probe@1", ahead_s=ahead_s)


def numbers(messages: list[Message]) -> list[list[int]]:
    return [[message.attempt_id for message in bundle] for bundle in bundled(messages)]


def test_what_a_slot_waits_for_travels_alone() -> None:
    assert numbers([message(n, None) for n in range(4)]) == [[0], [1], [2], [3]]


def test_little_work_ahead_is_bundled_for_two_slots_at_least() -> None:
    assert numbers([message(n, 0.001) for n in range(6)]) == [[0, 1, 2], [3, 4, 5]]
    assert [len(bundle) for bundle in numbers([message(n, 0.001) for n in range(60)])] == [16, 16, 16, 12]


def test_two_or_three_are_not_worth_it() -> None:
    assert numbers([message(n, 0.001) for n in range(3)]) == [[0], [1], [2]]


def test_a_bundle_holds_up_its_last_by_some_milliseconds_only() -> None:
    assert numbers([message(n, 0.008) for n in range(8)]) == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert numbers([message(n, 1.0) for n in range(4)]) == [[0], [1], [2], [3]]


def test_another_queue_or_order_begins_a_bundle_of_its_own() -> None:
    given = [message(0, 0.001), message(1, 0.001), message(2, 0.001, queue="w1"), message(3, 0.001, order=4)]
    assert numbers(given) == [[0, 1], [2], [3]]


def test_the_order_of_turns_is_kept() -> None:
    given = [message(0, None), *(message(n, 0.001) for n in range(1, 6))]
    assert [number for bundle in numbers(given) for number in bundle] == [0, 1, 2, 3, 4, 5]
