"""What Flower is told of the attempts that share a message."""

from typing import Any

from farm.broker.message import Message, about
from farm.broker.shown import EventWatcher, header, tell_sent

MINE, BAD, OTHERS = (
    Message(number, 77_000 + number, "cpu-render", 3, "probe@1", about("job_1", "acme", "pro"))
    for number in (1, 2, 3)
)


class Said:
    """Celery's event dispatcher, as far as it is used."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def send(self, event: str, **about: Any) -> None:
        self.events.append((event, about))


def test_each_attempt_is_told_of_under_its_own_name() -> None:
    said = Said()
    messages = [MINE, BAD, OTHERS]
    watcher = EventWatcher(
        said.send, dict(zip([m.attempt_id for m in messages], header(messages), strict=True))
    )
    watcher.began(1)
    watcher.ended(1, None)
    watcher.began(2)
    watcher.ended(2, "timeout: it took long")
    watcher.close()
    assert [(event, about["uuid"]) for event, about in said.events] == [
        ("task-received", "job_1.1"),
        ("task-started", "job_1.1"),
        ("task-succeeded", "job_1.1"),
        ("task-received", "job_1.2"),
        ("task-started", "job_1.2"),
        ("task-failed", "job_1.2"),
        ("task-rejected", "job_1.3"),  # cancelled meanwhile, or another's
    ]
    received, failed = said.events[0][1], said.events[5][1]
    assert (received["name"], received["args"]) == ("probe@1", "acme (pro)")
    assert failed["exception"] == "timeout: it took long"


def test_no_event_carries_a_token() -> None:
    said = Said()
    tell_sent(said.send, MINE)
    ((event, about_it),) = said.events
    assert (event, about_it["uuid"], about_it["queue"]) == ("task-sent", "job_1.1", "cpu-render")
    assert "77001" not in repr([said.events, header([MINE])])


def test_a_message_that_names_nobody_is_still_told_of() -> None:
    """One that a sweep says again, say."""
    assert header([Message(9, 1, "cpu-render", 0, "probe@1")]) == [["attempt.9", "probe@1", ""]]
