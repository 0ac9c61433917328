"""No encoder makes a worker's process a real-time one. It can only show where the tests run as root."""

import os
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from workers.media.priority import ordinary_priority

pytestmark = pytest.mark.slow


@pytest.fixture(params=["SCHED_OTHER", "SCHED_BATCH"])
def usual(request: pytest.FixtureRequest) -> Iterator[int]:
    """How this thread is scheduled, and so all that it starts; an engine's are batch work."""
    policy: int = getattr(os, request.param)
    before = os.sched_getscheduler(0)
    os.sched_setscheduler(0, policy, os.sched_param(0))
    yield policy
    os.sched_setscheduler(0, before, os.sched_param(0))


def thread_ids() -> set[int]:
    return {int(thread.name) for thread in Path("/proc/self/task").iterdir()}


def test_svt_av1_does_not_go_before_everything_else(tmp_path: Path, usual: int) -> None:
    before = thread_ids()
    with av.open(str(tmp_path / "film.mp4"), "w") as container:
        stream = container.add_stream("libsvtav1", rate=24)
        stream.width, stream.height, stream.pix_fmt = 320, 192, "yuv420p"
        with ordinary_priority():
            stream.codec_context.open()
        threads = thread_ids() - before
        assert len(threads) > 4
        assert {os.sched_getscheduler(thread) for thread in threads} == {usual}
        for packet in stream.encode(av.VideoFrame(320, 192, "yuv420p")):
            container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    assert os.sched_getscheduler(0) == usual
