"""Heavy models: loaded once, shared, and let go of when memory is short, never while one is in use."""

import threading

import pytest

from workers.media.models import ModelKeeper, available_bytes

FREE = 1_000


class Machine:
    """A machine whose free memory the test sets."""

    def __init__(self, look_s: float = 3600) -> None:
        self.free: int | None = 10 * FREE
        self.loads: list[str] = []
        self.keeper = ModelKeeper(lambda: self.free, look_s=look_s)

    def use(self, name):
        return self.keeper.used(name, lambda: self.loads.append(name) or bytearray(8), FREE)


@pytest.fixture
def machine():
    return Machine()


def test_a_model_is_loaded_once_for_all_jobs(machine):
    with machine.use("large") as first:
        pass
    with machine.use("large") as again, machine.use("large") as beside:
        assert again is first and beside is first
    assert machine.loads == ["large"]
    assert machine.keeper.names == ("large",)


def test_short_memory_takes_the_longest_unused_first_and_none_in_use(machine):
    for name in ("old", "young"):
        with machine.use(name):
            pass
    with machine.use("busy"):
        machine.free = FREE - 1
        machine.keeper.relieve()
        assert machine.keeper.names == ("busy",), "nothing idle is kept, for it stayed short"
    assert machine.loads == ["old", "young", "busy"]


def test_as_soon_as_there_is_room_no_more_is_taken(machine):
    freed = iter([FREE - 1, 2 * FREE, 2 * FREE])
    for name in ("old", "young"):
        with machine.use(name):
            pass
    keeper = machine.keeper
    keeper._available_bytes = lambda: next(freed)
    keeper.relieve()
    assert keeper.names == ("young",)


def test_an_idle_model_goes_without_anybody_asking():
    machine = Machine(look_s=0.01)
    with machine.use("idle"):
        pass
    machine.free = 0
    gone = threading.Event()
    for _ in range(500):
        if not machine.keeper.names:
            break
        gone.wait(0.01)
    assert machine.keeper.names == ()


def test_where_nobody_tells_how_much_is_free_models_stay(machine):
    machine.free = None
    with machine.use("kept"):
        pass
    machine.keeper.relieve()
    assert machine.keeper.names == ("kept",)


def test_a_model_that_cannot_be_loaded_leaves_nothing_behind(machine):
    def broken():
        raise ValueError("no such file")

    with pytest.raises(ValueError, match="no such file"), machine.keeper.used("broken", broken, FREE):
        pytest.fail("there is nothing to use")
    assert machine.keeper.names == ()


def test_this_machine_tells_how_much_is_free():
    found = available_bytes()
    assert found is None or found > 0
