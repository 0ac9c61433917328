"""Memory that was freed goes back where the C library is GNU's, and nothing breaks where it is not."""

import subprocess
import sys

from workers.media import memory

FREED = """
import threading
from workers.media import memory
memory.hold_little()

def resident_mb():
    return int(next(l for l in open("/proc/self/status") if l.startswith("VmRSS")).split()[1]) / 1024

def work():
    pieces = [bytearray(b"x" * (1 << 18)) for _ in range(200)]  # 50 MB in this thread's heap
    kept.append(pieces[0])  # what lies above it cannot fall back by itself

kept = []
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
memory.give_back()
print(resident_mb())
"""


def test_what_threads_have_freed_goes_back():
    done = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 60  # of the 200 MB that they had


def test_a_renderer_asks_linux_for_no_huge_pages():
    """What Linux says of it."""
    told = (
        "from workers.media.memory import hold_little; hold_little(); print(open('/proc/self/status').read())"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert "THP_enabled:\t0" in done.stdout


def test_what_a_c_library_does_not_have_is_left_alone() -> None:
    missing = memory._of_the_c_library("no_function_of_any_library")
    assert missing is memory._nothing
    missing(-8, 2)
