"""Runs a part of a benchmark in a process of its own: `python -m tests.benchmarks.apart MODULE:FUNCTION`.

Else the threads and the garbage of all that was measured before it would count in it.
"""

import importlib
import json
import subprocess
import sys
from typing import Any


def apart(part: str) -> Any:
    """What `module:function` returns, which must be plain JSON values. It must not print."""
    command = [sys.executable, "-m", "tests.benchmarks.apart", part]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def main(part: str) -> None:
    module, function = part.split(":")
    print(json.dumps(getattr(importlib.import_module(module), function)()))


if __name__ == "__main__":
    main(sys.argv[1])
