"""The program behind `farm bench gpu`. It says that there is no card before it opens more than torch.

python -m workers.gpu_generate.bench [--tiny] [--only wan]
"""

import argparse
import sys

import torch

NO_CARD = 3  # the exit status where there is nothing to measure


def main() -> int:
    """Print rows. Returns NO_CARD where there is none and tiny models were not asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    if not asked.tiny and not torch.cuda.is_available():
        return NO_CARD
    from workers.gpu_generate.diffusing.bench import measure  # seconds, for nothing where there is no card

    measure(tiny=asked.tiny, only=asked.only)
    return 0


if __name__ == "__main__":
    sys.exit(main())
