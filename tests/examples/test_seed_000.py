"""The postproduction document's own blocks, run as they stand: only host and key are put in.

The block lies in `seed_000/`, its line breaks put back in front of what was a line's comment.
"""

import os
import subprocess
from pathlib import Path

import httpx
import pytest

from tasks.compose_otio import compose
from tests.api import Api
from tests.examples.test_seed_004 import Served, _tool
from tests.manifests import EXAMPLE

pytestmark = pytest.mark.slow

BLOCKS = Path(__file__).parent / "seed_000"
HOST = "https://api.creatornode.io"


def test_x034_a_worker_makes_the_same_file(running_farm: Served, tmp_path: Path):
    headers = {"X-API-Key": running_farm.key}
    address = f"{running_farm.url}/postproduction/v1/compose-otio"
    taken = httpx.post(address, json=EXAMPLE, headers={**headers, "Prefer": "respond-async"}).json()
    url = running_farm.url + taken["data"]["statusUrl"]
    job = httpx.get(url, params={"wait": 60}, headers=headers, timeout=90).json()
    assert (job["state"], job["credits_charged"]) == ("completed", 4.0), job
    link = httpx.get(f"{url}/artifacts/otio", headers=headers).json()["download_url"]
    assert httpx.get(link).text == compose(EXAMPLE).otio


def test_a009_a039_compose_an_otio_timeline(api: Api, tmp_path: Path):
    text = (BLOCKS / "compose.mjs").read_text()
    assert HOST in text
    script = tmp_path / "compose.mjs"
    script.write_text(text.replace(HOST, api.url) + "\nprocess.stdout.write(otioArtifact);\n")
    done = subprocess.run(
        [_tool("node"), script.name],
        cwd=tmp_path,
        env={**os.environ, "CREATORNODE_KEY": api.key},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    disposition, _, artifact = done.stdout.partition("\n")
    assert disposition == 'attachment; filename="forest-morning-cut.otio"'
    assert artifact == compose(EXAMPLE).otio
