"""compose-otio's files on a whole farm (rows A-036, A-040): a worker writes what the API would answer."""

import httpx
import pytest

from tasks.compose_otio import compose
from tests.manifests import example
from tests.running import RunningFarm

pytestmark = pytest.mark.slow


def test_a_job_has_every_file_byte_by_byte(running_farm: RunningFarm):
    headers = {"X-API-Key": running_farm.key}
    manifest = example(output__targetConsumer="fcpx", output__formats=["edl", "otioz"])
    taken = httpx.post(
        f"{running_farm.url}/postproduction/v1/compose-otio",
        json=manifest,
        headers={**headers, "Prefer": "respond-async"},
    ).json()
    assert {warning["format"] for warning in taken["meta"]["warnings"]} == {None, "fcpxml", "edl", "otioz"}
    url = running_farm.url + taken["data"]["statusUrl"]
    job = httpx.get(url, params={"wait": 60}, headers=headers, timeout=90).json()
    assert job["state"] == "completed", job
    made = compose(manifest)
    wanted = {"otio": made.otio.encode()} | {
        f"{file.format}-{file.part}" if file.part else file.format: file.content for file in made.files()
    }
    assert set(wanted) == {"otio", "fcpxml", "edl-v1", "edl-a1", "otioz"}
    for name, content in wanted.items():
        artifact = httpx.get(f"{url}/artifacts/{name}", headers=headers).json()
        assert httpx.get(artifact["download_url"]).content == content, name
