"""Every job that the media render document shows, as it stands: only the ids of a project are put in.

The bodies lie in `seed_004/jobs/`, what it shows of a body in `seed_004/parts/`, its Node program in
`seed_004/reference.mjs`.
"""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from farm.doors.jobs import job, list_jobs
from tasks.media_render import MediaRender, as_planned, timeline_of
from tests.api import MEDIA_RENDER, Api, png, wav
from tests.examples.test_seed_004 import padded_mp4, padded_png

pytestmark = pytest.mark.slow

BLOCKS = Path(__file__).parent / "seed_004"
MP4 = b"\0\0\0\x18ftypisom\0\0\2\0isomiso2mp41\0\0\0\x08free"
KINDS = {"png": "image/png", "mp4": "video/mp4", "mp3": "audio/mpeg"}
CONTENTS = {"png": png(), "mp4": MP4, "mp3": b"ID3\x04\0\0\0\0\0\0" + wav()}
OF_THE_DOCUMENT = ("intro.mp4", "product.png", "music.mp3")
# What each block is to become, once it is planned: its tasks now, and for how many seconds it is seen.
EXPECTED: dict[str, tuple[list[str], float]] = {
    "from_a_prefix": (["render"], 30),
    "with_instructions": (["look", "plan"], 7.5),
    "simple_controls": (["render"], 6),
    "hook_only": (["render"], 6),
    "let_ai_cook": (["look", "listen", "plan"], 3),
    "clip_timing": (["render"], 10),
    "text_overlays": (["render"], 12),
    "durations_only": (["look", "plan"], 12),
    "voiceover_text": (["look", "plan"], 6),
    "voiceover_json": (["look", "plan"], 6),
}


def names_in(body: Any) -> Iterator[str]:
    """Every file that a body names."""
    if isinstance(body, dict):
        yield from (value for key, value in body.items() if key.lower().endswith("filename"))
        for value in body.values():
            yield from names_in(value)
    elif isinstance(body, list):
        for value in body:
            yield from names_in(value)


def project_for(api: Api, body: dict[str, Any]) -> dict[str, Any]:
    named = [name for name in names_in(body) if name not in ("launch-montage.mp4", "rendered.mp4")]
    is_whole = any(not name.endswith(".mp3") for name in named) and "asset_intro" not in str(body)
    needed = list(dict.fromkeys(named if is_whole else [*OF_THE_DOCUMENT, *named]))
    if "textOverlays" in body:  # its last text is seen at 10 s
        needed = [f"{number}.png" for number in range(4)]
    files = [(name, KINDS[name[-3:]], CONTENTS[name[-3:]]) for name in needed]
    return api.project(*files)


def a_voice(api: Api) -> str:
    """What the document says to do first: list the voices and take one."""
    with api.client() as client:
        found = client.get(f"{MEDIA_RENDER}/voices", params={"language": "en", "gender": "female"}).json()
    return str(found["voices"][0]["voiceoverVoiceId"])


@pytest.mark.parametrize("block", EXPECTED)
def test_d060_to_d136_a_block_is_accepted_as_it_stands(api: Api, block: str) -> None:
    text = (BLOCKS / "jobs" / f"{block}.json").read_text()
    made = project_for(api, json.loads(text))
    ids = {upload["fileName"]: upload["assetId"] for upload in made["uploads"]}
    text = text.replace("user-id/media-render/mrproj_.../", made["directoryPrefix"])
    text = text.replace("mrproj_...", made["projectId"]).replace("asset_intro", ids.get("intro.mp4", ""))
    if "dvoice_..." in text:
        text = text.replace("dvoice_...", a_voice(api))
    with api.client() as client:
        answer = client.post(
            f"{MEDIA_RENDER}/jobs", content=text, headers={"Content-Type": "application/json"}
        )
    assert answer.status_code == 202, answer.text
    assert answer.json()["estimatedCredits"] >= 2
    newest = list_jobs(api.hall, None, limit=1)[0]
    tasks, seconds = EXPECTED[block]
    assert [task.name for task in job(api.hall, None, newest.id).tasks] == tasks
    assert timeline_of(as_planned(MediaRender.model_validate(newest.params))).duration == pytest.approx(
        seconds
    )


@pytest.mark.parametrize("part", ["texts", "automatic_effects", "placed_effects", "transitions"])
def test_d073_d075_d082_d088_a_part_is_accepted_in_the_smallest_body(api: Api, part: str) -> None:
    shown = json.loads((BLOCKS / "parts" / f"{part}.json").read_text())
    names = ("01-hook.png", "02-proof.mp4", "03-result.png")
    made = api.project(*((name, KINDS[name[-3:]], CONTENTS[name[-3:]]) for name in names))
    with api.client() as client:
        answer = client.post(f"{MEDIA_RENDER}/jobs", json={"projectId": made["projectId"], **shown})
    assert answer.status_code == 202, answer.text


def test_the_reference_program_runs_with_its_upload_step_added(api: Api, tmp_path: Path) -> None:
    """The document leaves the upload to its reader; a worker is played here, and its 5 s are short."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    padded_mp4(tmp_path / "intro.mp4")
    padded_png(tmp_path / "product.png")
    snippet = (BLOCKS / "reference.mjs").read_text().replace("https://www.subclip.app", api.url)
    comment = "// Upload every file to its matching uploads.uploads[i].uploadUrl.\n"
    assert comment in snippet
    script = tmp_path / "reference.mjs"
    script.write_text(SHORT_WAIT + snippet.replace(comment, comment + UPLOAD))
    worker = threading.Thread(target=plays_the_worker, args=[api, tmp_path / "made"])
    worker.start()
    done = subprocess.run(
        [node, script.name],
        cwd=tmp_path,
        env={**os.environ, "SUBCLIP_API_KEY": api.key},
        capture_output=True,
        text=True,
        timeout=60,
    )
    worker.join(60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("http")


SHORT_WAIT = """const wait = globalThis.setTimeout;
globalThis.setTimeout = (then, ms, ...rest) => wait(then, ms === 5000 ? 50 : ms, ...rest);
"""
UPLOAD = """
import { createReadStream, statSync } from "node:fs";
for (const upload of uploads.uploads) {
const put = await fetch(upload.uploadUrl, {
method: upload.method,
headers: {
"Content-Type": upload.mediaType === "video" ? "video/mp4" : "image/png",
"Content-Length": String(statSync(upload.fileName).size),
},
body: createReadStream(upload.fileName),
duplex: "half",
});
if (!put.ok) throw new Error(await put.text());
}
"""


def plays_the_worker(api: Api, path: Path) -> None:
    """Finish the first render that comes."""
    for _ in range(600):
        newest = list_jobs(api.hall, None, limit=1)
        if newest and newest[0].state == "queued" and newest[0].params["instructions"] is not None:
            api.finish_job(newest[0].id, b"an MP4, let us say", path)
            return
        threading.Event().wait(0.1)
