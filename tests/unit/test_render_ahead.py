"""Iterators that run ahead: bounded, in order, with errors that arrive and threads that end."""

import threading
from itertools import count

import pytest

from workers.media.ahead import Ahead


def alive(name):
    return [thread for thread in threading.enumerate() if thread.name.startswith(name)]


def test_items_come_in_order_to_the_end():
    with Ahead((n * n for n in range(50)), depth=3, name="squares") as squares:
        assert list(squares) == [n * n for n in range(50)]
        assert next(squares, None) is None
    assert not alive("squares")


def test_it_runs_no_further_ahead_than_its_depth():
    made = []
    third_is_made = threading.Event()

    def source():
        for n in count():
            made.append(n)
            if n == 3:
                third_is_made.set()
            yield n

    with Ahead(source(), depth=3, name="bounded") as numbers:
        assert third_is_made.wait(10)  # three wait, and the one after them is made and held
        assert next(numbers) == 0
        assert len(made) <= 5


def test_an_error_of_the_source_reaches_the_reader_after_what_came_before():
    def source():
        yield 1
        raise ValueError("broken in the thread")

    with Ahead(source(), depth=4, name="broken") as numbers:
        assert next(numbers) == 1
        with pytest.raises(ValueError, match="broken in the thread"):
            next(numbers)


def test_closing_stops_an_endless_source_and_lets_it_clean_up():
    cleaned = threading.Event()

    def source():
        try:
            yield from count()
        finally:
            cleaned.set()

    with Ahead(source(), depth=2, name="endless") as numbers:
        assert next(numbers) == 0
    assert cleaned.is_set() and not alive("endless")
    numbers.close()  # twice is fine
