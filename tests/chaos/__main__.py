"""One storm, any seed and size: python -m tests.chaos [SEED] [JOBS] [KILLS].

The same seed makes the same jobs and the same blows at the same moments; what processes do between them is
their own. The logs stay in the folder that is printed when a promise was broken.
"""

import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.monkey import VICTIMS
from tests.chaos.storm import storm
from tests.postgres import Postgres


def main(seed: int, jobs: int, kills: int) -> int:
    print(f"seed {seed}, {jobs} jobs, {kills} kills", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="kinefarm-chaos-"))
    folder.chmod(0o755)
    (folder / "postgresql").mkdir()
    server = Postgres(folder / "postgresql", fsync=False)
    try:
        report = storm(seed, jobs, kills, folder, server)
    except BaseException:
        print(f"logs: {folder}")
        raise
    finally:
        server.stop()
    print(report)
    if report.problems:
        print(f"logs: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    defaults = [random.randrange(10**6), 300, 4 * len(VICTIMS)]
    sys.exit(main(*(numbers + defaults[len(numbers) :])))
