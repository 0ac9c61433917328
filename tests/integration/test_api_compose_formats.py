"""compose-otio's files beside the `.otio` over real HTTP: in a zip, in the wrapper (rows A-036 to A-040)."""

import io
import sys
import zipfile
from base64 import b64decode
from typing import Any

import httpx
import pytest

from farm.otio import CONTENT_TYPE
from tasks.compose_otio import compose
from tests.api import Api
from tests.editors.reading import EVERYTHING
from tests.editors.written import with_formats
from tests.integration.test_api_compose_otio import balance, call, listed, metered
from tests.manifests import example

pytestmark = pytest.mark.slow

FORMATS = ("edl", "fcpxml", "otioz")
MANIFEST = with_formats(EVERYTHING, *FORMATS)


def test_a037_a038_a039_more_than_one_file_is_a_zip_of_all(api: Api):
    answers = [call(api, MANIFEST) for _ in range(2)]
    first = answers[0]
    assert (first.status_code, first.headers["content-type"]) == (200, "application/zip")
    assert first.headers["content-disposition"] == 'attachment; filename="everything.zip"'
    assert "dropped_by_format /intent/markers/0/color" in first.headers["x-compose-warnings"]
    assert first.content == answers[1].content
    made = compose(MANIFEST)
    with zipfile.ZipFile(io.BytesIO(first.content)) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    assert found == {"everything.otio": made.otio.encode()} | {f.name: f.content for f in made.files()}
    assert list(found) == sorted(found)


def test_a003_a037_the_wrapper_has_every_file_and_every_loss(api: Api):
    said = call(api, MANIFEST | {"responseFormat": "json"}).json()
    assert said["data"]["contentType"] == CONTENT_TYPE
    made = compose(MANIFEST)
    assert said["data"]["otio"] == made.otio
    found = {file["fileName"]: file for file in said["data"]["files"]}
    assert list(found) == [file.name for file in made.files()]
    for file in made.files():
        view = found[file.name]
        content = view["content"]
        got = content.encode() if view["encoding"] == "text" else b64decode(content)
        assert (view["format"], got) == (file.format, file.content)
    assert found["everything.otioz"]["encoding"] == "base64"
    told = {(w["code"], w["path"], w["format"]) for w in said["meta"]["warnings"]}
    assert ("dropped_by_format", "/intent/markers/0/color", "fcpxml") in told
    assert ("held_frame", "/intent/videoSequence/1", None) in told


def test_a036_a_dry_run_tells_what_would_be_lost_and_writes_nothing(api: Api):
    ada = metered(api, "pro", 3)
    said = call(ada, MANIFEST | {"dryRun": True}).json()
    assert (said["data"]["otio"], said["data"]["files"]) == (None, [])
    assert {w["format"] for w in said["meta"]["warnings"]} == {None, *FORMATS}
    assert balance(ada) == 3.0


def test_a036_a_file_that_cannot_be_is_an_error_at_its_place_and_costs_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch
):
    ada = metered(api, "pro", 10)
    monkeypatch.setitem(sys.modules, "aaf2", None)
    wanted: tuple[dict[str, Any], ...] = (
        example(project__fps=120, output__formats=["edl"]),
        example(output__formats=["aaf"]),
        example(output__formats=["aaf"], dryRun=True),
        example(output__targetConsumer="avid"),
    )
    for body in wanted:
        answer = call(ada, body)
        (error,) = answer.json()["error"]["errors"]
        assert (answer.status_code, error["code"]) == (400, "format_unavailable")
        assert error["path"] in ("/output/formats/0", "/output/targetConsumer")
    assert balance(ada) == 10.0 and listed(ada) == []
    assert call(ada, wanted[1], Prefer="respond-async").status_code == 202  # a worker may have the extra


def test_a036_what_takes_long_to_write_is_a_job_whatever_the_caller_prefers(api: Api):
    pytest.importorskip("otio_aaf_adapter")
    clips = [{"itemId": "img-opening", "fromSec": 0, "toSec": 1}] * 150
    answer = call(api, example(intent__videoSequence=clips, output__formats=["aaf"]))
    assert (answer.status_code, answer.headers.get("preference-applied")) == (202, None)
    assert answer.headers["location"].endswith(answer.json()["data"]["jobId"])
    quick = call(api, example(intent__videoSequence=clips, output__formats=["edl"]))
    assert quick.status_code == 200


def test_a037_the_document_shows_the_zip_and_the_files(api: Api):
    document = httpx.get(f"{api.url}/openapi.json", headers={"X-API-Key": api.key}).json()
    answers = document["paths"]["/postproduction/v1/compose-otio"]["post"]["responses"]["200"]["content"]
    assert "application/zip" in answers
    assert "files" in document["components"]["schemas"]["ComposedView"]["properties"]
