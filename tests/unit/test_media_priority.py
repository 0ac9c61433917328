"""No encoder makes a worker's process a real-time one. It can only show where the tests run as root."""

import os
from pathlib import Path

import av
import pytest

from workers.media.priority import ordinary_priority

pytestmark = pytest.mark.slow


def test_svt_av1_does_not_go_before_everything_else(tmp_path: Path):
    with av.open(str(tmp_path / "film.mp4"), "w") as container:
        stream = container.add_stream("libsvtav1", rate=24)
        stream.width, stream.height, stream.pix_fmt = 320, 192, "yuv420p"
        with ordinary_priority():
            stream.codec_context.open()
        threads = [int(thread.name) for thread in Path("/proc/self/task").iterdir()]
        assert len(threads) > 4
        assert {os.sched_getscheduler(thread) for thread in threads} == {os.SCHED_OTHER}
        for packet in stream.encode(av.VideoFrame(320, 192, "yuv420p")):
            container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
