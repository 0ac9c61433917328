"""Everything killed at random, on real processes and PostgreSQL: all jobs end right, nothing is paid twice.

CHAOS_SEED, CHAOS_JOBS and CHAOS_KILLS make it another storm, or a bigger one; as does python -m tests.chaos.
"""

import os
from pathlib import Path

import pytest

from tests.chaos.monkey import VICTIMS
from tests.chaos.storm import storm
from tests.postgres import Postgres

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SEED = int(os.environ.get("CHAOS_SEED", "1"))
JOBS = int(os.environ.get("CHAOS_JOBS", "300"))
KILLS = int(os.environ.get("CHAOS_KILLS", str(4 * len(VICTIMS))))


def test_three_hundred_jobs_end_right_while_everything_is_killed(tmp_path: Path, postgres: Postgres) -> None:
    report = storm(SEED, JOBS, KILLS, tmp_path, postgres)
    print(report)
    assert report.problems == []
    assert all(report.kills[victim] >= 3 for victim in VICTIMS)
