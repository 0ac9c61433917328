"""`python -m tests.benchmarks [NAME ...] [--runs N]`: run benchmarks, by default all.

Exits with 1 when a target is missed.
"""

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from tests.benchmarks.report import Benchmark, publish

_TABLE_WIDTH = 110


def benchmarks() -> Mapping[str, Benchmark]:
    """What the modules beside this one declare as `BENCHMARK`."""
    found: dict[str, Benchmark] = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)], "tests.benchmarks."):
        if not module.name.endswith("__main__"):
            declared = getattr(importlib.import_module(module.name), "BENCHMARK", None)
            if isinstance(declared, Benchmark):
                found[declared.name] = declared
    return found


def main() -> int:
    known = benchmarks()
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(sorted(known))}")
    parser.add_argument("--runs", type=int, default=3, help="runs to take the median of (default 3)")
    options = parser.parse_args()
    if unknown := set(options.names) - set(known):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
    console = Console()
    console.width = max(console.width, _TABLE_WIDTH)
    missed = 0
    for name in options.names or sorted(known):
        rows = known[name].run(options.runs)
        console.print(f"written to {publish(name, rows, console)}")
        missed += sum(row.ok is False for row in rows)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
