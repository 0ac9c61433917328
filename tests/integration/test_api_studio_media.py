"""The studio's pictures, sounds, speech and keys over HTTP. The worker is played."""

from typing import Any

import httpx
import pytest

from tests.api import png
from tests.studio import MP3, PNG, Studio, offering_api, refused, studio

__all__ = ["offering_api", "studio"]  # fixtures
pytestmark = pytest.mark.slow

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + bytes(64)
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x0f\x00\x00\x0f\x00\x00" + bytes(64)
MIB = 1 << 20


def uploaded(customer: Studio, content: bytes, name: str = "me.png", kind: str = PNG) -> httpx.Response:
    return customer.call("POST", "/api/upload-image", files={"image": (name, content, kind)})


# --- pictures ---------------------------------------------------------------------------------------


def test_b080_b081_one_job_for_each_picture(studio: Studio) -> None:
    body = {"prompt": "a lighthouse", "model": "sd15", "count": 3, "seed": 40, "width": 512, "height": 512}
    made = studio.asked("/api/generate-image", body)
    assert len(made["job_ids"]) == 3 and made["credits"] == 6  # B-452: 2 each
    asked_for = [studio.params(job_id) for job_id in made["job_ids"]]
    assert [params["seed"] for params in asked_for] == [40, 41, 42]
    assert {params["count"] for params in asked_for} == {1}
    assert studio.status(made["job_ids"][1])["type"] == "image"
    assert len(studio.asked("/api/generate-image", {"prompt": "a lighthouse"})["job_ids"]) == 1


@pytest.mark.parametrize(
    ("model", "credits"),
    [("sd15", 2), ("flux", 5), ("flux-dev", 8)],  # B-424 B-452, B-425 B-453, B-426 B-454
)
def test_b452_to_b454_a_picture_costs_what_its_model_does(studio: Studio, model: str, credits: int) -> None:
    assert (
        studio.asked("/api/generate-image", {"prompt": "a lighthouse", "model": model})["credits"] == credits
    )


def test_b427_b455_a_picture_is_changed_by_the_model_that_does(studio: Studio) -> None:
    source = uploaded(studio, png(64, 64)).json()["filename"]
    body = {"prompt": "at night", "model": "flux-edit", "image_filename": source}
    made = studio.asked("/api/generate-image", body)
    assert made["credits"] == 6
    assert studio.params(made["job_ids"][0])["images"] == [source.removesuffix(".png")]
    del body["image_filename"]
    assert refused(studio.post("/api/generate-image", body)) == (400, "image_filename")


def test_the_same_key_makes_the_same_pictures(studio: Studio) -> None:
    body = {"prompt": "a lighthouse", "count": 2}
    sent = [
        studio.post("/api/generate-image", body, headers={"Idempotency-Key": "light"}).json()
        for _ in range(2)
    ]
    assert sent[0] == sent[1]
    assert len(studio.get("/api/image-generations").json()["generations"]) == 2


def test_b087_to_b091_pictures_are_listed_downloaded_and_deleted(studio: Studio) -> None:
    job_ids = studio.asked("/api/generate-image", {"prompt": "a lighthouse", "count": 3})["job_ids"]
    name = studio.finish(job_ids[0], png(), PNG, {"width": 16, "height": 16, "seed": 4})
    listed = studio.get("/api/image-generations").json()["generations"]  # B-087
    assert [one["job_id"] for one in listed] == job_ids[::-1]
    assert (listed[-1]["filename"], listed[-1]["width"]) == (name, 16)
    page = studio.get("/api/image-generations?limit=1&offset=2").json()  # B-088, B-089
    assert [one["job_id"] for one in page["generations"]] == [job_ids[0]] and not page["has_more"]
    given = studio.get(f"/api/image/{name}")  # B-091
    assert (given.content, given.headers["Content-Type"]) == (png(), PNG)
    assert refused(studio.other().get(f"/api/image/{name}")) == (404, "filename")
    path = f"/api/image-generations/{listed[-1]['id']}"
    assert refused(studio.call("DELETE", path.replace("image-", ""))) == (404, "id")  # it is no video
    assert studio.call("DELETE", path).json()["deleted"]  # B-090
    assert refused(studio.get(f"/api/image/{name}")) == (404, "filename")
    assert len(studio.get("/api/image-generations").json()["generations"]) == 2


@pytest.mark.parametrize(
    ("content", "name", "kind", "ending"),
    [(png(20, 10), "a.png", PNG, "png"), (JPEG, "b.jpg", "image/jpeg", "jpg"), (WEBP, "c", "", "webp")],
)
def test_b092_to_b094_a_picture_is_uploaded_and_served(
    studio: Studio, content: bytes, name: str, kind: str, ending: str
) -> None:
    said = uploaded(studio, content, name, kind or "application/octet-stream").json()
    assert said["filename"].endswith(f".{ending}") and said["size_bytes"] == len(content)
    given = studio.get(said["url"])  # B-094
    assert given.content == content and given.headers["Content-Type"] == said["content_type"]
    assert refused(studio.other().get(said["url"])) == (404, "filename")
    assert refused(httpx.get(studio.api.url + said["url"])) == (401, None)


def test_b093_what_is_no_such_picture_or_too_large_is_refused(studio: Studio) -> None:
    gif = b"GIF89a\x10\x00\x10\x00\x00\x00\x00;"
    html = b"<html><script>alert(1)</script></html>"
    for content, name in ((gif, "a.png"), (html, "a.png"), (b"", "a.png"), (b"\0", "../../x.png")):
        assert refused(uploaded(studio, content, name)) == (400, "image")
    huge = png().ljust(10 * MIB + 1, b"\0")
    assert refused(uploaded(studio, huge)) == (413, "image")
    assert uploaded(studio, png().ljust(10 * MIB, b"\0")).status_code == 200
    named = uploaded(studio, png(), "../../etc/pass\u202ewd.png").json()["filename"]
    assert named.startswith("asset_") and studio.get(f"/api/input-image/{named}").status_code == 200
    wrong = studio.call("POST", "/api/upload-image", files={"photo": ("a.png", png(), PNG)})
    assert wrong.status_code == 400
    assert refused(studio.post("/api/upload-image", {"image": "x"})) == (400, "Content-Type")


def test_attacks_on_the_upload_end_in_one_refusal_or_do_no_harm(studio: Studio) -> None:
    many = [("image", (f"{number}.png", png(), PNG)) for number in range(200)]
    assert refused(studio.call("POST", "/api/upload-image", files=many)) == (400, "image")
    bomb = png(1, 1).replace(b"\0\0\0\x01\0\0\0\x01", b"\0\0\xc3\x50\0\0\xc3\x50", 1)  # 50k x 50k
    assert refused(uploaded(studio, bomb))[0] == 400
    polyglot = png() + b"<script>alert(1)</script>"
    said = uploaded(studio, polyglot, "x.html", "text/html").json()
    given = studio.get(said["url"])
    assert given.headers["Content-Type"] == PNG and given.headers["X-Content-Type-Options"] == "nosniff"
    assert given.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in given.headers["Content-Security-Policy"]
    cut = {"content": b"--x\r\nContent-Disposition: form-data; name=image; filename=a.png\r\n\r\nabc"}
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    assert refused(studio.call("POST", "/api/upload-image", headers=kind, **cut))[0] == 400


# --- sounds -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "credits"), [(30, 8), (31, 9), (15, 4), (1, 1), (3.75, 1), (3.76, 2), (300, 80), (None, 8)]
)
def test_b099_b456_x19_sound_costs_eight_for_thirty_seconds_by_its_length(
    studio: Studio, seconds: float | None, credits: int
) -> None:
    asked = {} if seconds is None else {"duration_seconds": seconds}
    assert studio.asked("/api/generate-audio", {"prompt": "calm piano", **asked})["credits"] == credits


def test_b095_to_b098_music_is_queued_with_its_words(studio: Studio) -> None:
    body: dict[str, Any] = {"prompt": "sunrise", "duration_seconds": 12.5, "tags": "lofi, calm"}
    params = studio.params(studio.asked("/api/generate-audio", body)["job_id"])
    assert (params["prompt"], params["duration_s"], params["tags"]) == ("sunrise", "12.5", ["lofi", "calm"])
    body["tags"] = ["lofi", "calm"]
    assert studio.params(studio.asked("/api/generate-audio", body)["job_id"])["tags"] == ["lofi", "calm"]
    for wrong, field in (
        ({"prompt": ""}, "prompt"),
        ({"duration_seconds": 0}, "duration_seconds"),
        ({"duration_seconds": 301}, "duration_seconds"),
        ({"tags": 5}, "tags.list[constrained-str]"),
        ({"model": "sora-9"}, "model"),
    ):
        status, param = refused(studio.post("/api/generate-audio", {**body, **wrong}))
        assert status == 400 and str(param).startswith(field.partition(".")[0])


def test_b456_x43_a_model_of_a_service_is_offered_by_name_or_refused_by_it(studio: Studio) -> None:
    answer = studio.post("/api/generate-audio", {"prompt": "calm piano", "model": "ace-step"})
    assert refused(answer) == (503, "model") and "routes.text-to-audio.ace-step" in answer.json()["error"]


def test_b100_to_b102_sounds_are_listed_downloaded_and_deleted(studio: Studio) -> None:
    made = studio.asked("/api/generate-audio", {"prompt": "calm piano"})
    name = studio.finish(made["job_id"], b"ID3 mp3", MP3, {"duration_s": 30.0})
    (listed,) = studio.get("/api/audio-generations").json()["generations"]  # B-100
    assert (listed["filename"], listed["duration_seconds"], listed["type"]) == (name, 30.0, "audio")
    given = studio.get(f"/api/audio/{name}")  # B-102
    assert (given.content, given.headers["Content-Type"]) == (b"ID3 mp3", MP3)
    assert refused(studio.other().get(f"/api/audio/{name}")) == (404, "filename")
    assert studio.call("DELETE", f"/api/audio-generations/{listed['id']}").json()["deleted"]  # B-101
    assert refused(studio.get(f"/api/audio/{name}")) == (404, "filename")


def test_b120_b132_to_b135_the_documents_voices(studio: Studio) -> None:
    said = studio.get("/api/tts/voices").json()["voices"]
    names = ["en_gb_male", "en_gb_female", "en_us_male", "en_us_female"]  # B-132, B-133, B-134, B-135
    assert [voice["voice_id"] for voice in said] == names
    for name in names:
        assert studio.asked("/api/tts/generate", {"text": "Hello there.", "voice_id": name})["job_id"]


def test_b121_to_b126_b457_x19_speech_is_held_by_the_minute_and_opens_with_creator(studio: Studio) -> None:
    body = {"text": "word " * 180, "voice_id": "en_gb_female", "speed": 1.25}  # B-122, B-123, B-124
    made = studio.asked("/api/tts/generate", body)
    assert made["credits"] == 9  # 909 letters at 9 a second and a quarter quicker: 80.8 s
    params = studio.params(made["job_id"])
    assert (params["voice"], params["speed"]) == ("lark", 1.25)
    assert studio.asked("/api/tts/generate", {**body, "text": "Hi."})["credits"] == 1  # B-125
    for tier in ("free", "starter"):
        answer = studio.other(tier).post("/api/tts/generate", body)
        assert refused(answer) == (403, None) and "creator" in answer.json()["error"]  # B-126, B-477
    assert studio.other("creator").asked("/api/tts/generate", body)["job_id"]
    for wrong, field in (
        ({"voice_id": "en_au_male"}, "voice_id"),
        ({"text": ""}, "text"),
        ({"speed": 9}, "speed"),
    ):
        assert refused(studio.post("/api/tts/generate", {**body, **wrong})) == (400, field)
    assert refused(studio.post("/api/tts/generate", {**body, "text": " ... "}))[0] == 400


def test_b103_to_b105_b127_to_b131_x23_a_sound_is_put_onto_a_video(studio: Studio) -> None:
    _, film = studio.made()
    spoken = studio.asked("/api/tts/generate", {"text": "Hello.", "voice_id": "en_us_male"})
    sound = studio.finish(spoken["job_id"], b"mp3", MP3)
    made = studio.asked("/api/video/add-audio", {"video_filename": film, "audio_filename": sound})
    assert made["credits"] == 3
    assert studio.params(made["job_id"])["replace_audio"] is True
    said = {"video_filename": film, "tts_filename": sound, "offset_seconds": 1.5, "volume": 0.8}
    made = studio.asked("/api/tts/add-to-video", said)
    assert made["credits"] == 3
    params = studio.params(made["job_id"])
    assert (params["replace_audio"], params["offset_s"], params["audio_volume"]) == (False, 1.5, 0.8)
    swapped = {"video_filename": sound, "audio_filename": film}
    assert refused(studio.post("/api/video/add-audio", swapped)) == (400, "video_filename")
    assert refused(studio.other().post("/api/video/add-audio", swapped)) == (404, "video_filename")


# --- keys -------------------------------------------------------------------------------------------


def test_b002_b003_b014_to_b024_an_account_handles_its_own_keys(studio: Studio) -> None:
    made = studio.asked("/api/keys", {"name": "My App"})  # B-015, B-023
    assert made["key"].startswith(made["prefix"]) and made["is_active"] and made["last_used"] is None  # B-024
    listed = studio.get("/api/keys").json()["keys"]  # B-014
    assert [key["name"] for key in listed][-1] == "My App"  # B-019
    shown = {
        "id",
        "prefix",
        "name",
        "created_at",
        "last_used",
        "is_active",
    }  # B-017, B-018, B-020, B-021, B-022
    assert set(listed[-1]) == shown and "key" not in listed[-1]  # B-003
    assert listed[0]["last_used"] is not None  # the one that asks
    new = {"Authorization": f"Bearer {made['key']}"}
    free = studio.other("free")
    theirs = free.asked("/api/keys", {"name": "theirs"})
    body = {"prompt": "a fox", "frames": 82}
    inherited = httpx.post(
        f"{studio.api.url}/api/generate", json=body, headers={"Authorization": f"Bearer {theirs['key']}"}
    )
    assert refused(inherited) == (403, "frames")  # B-002
    assert httpx.get(f"{studio.api.url}/api/generations", headers=new).status_code == 200
    assert refused(studio.call("DELETE", f"/api/keys/{theirs['id']}")) == (404, "id")
    assert studio.call("DELETE", f"/api/keys/{made['id']}").json() == {
        "id": made["id"],
        "revoked": True,
    }  # B-016
    assert httpx.get(f"{studio.api.url}/api/generations", headers=new).status_code == 401  # B-007
    assert not studio.get("/api/keys").json()["keys"][-1]["is_active"]
    assert refused(studio.call("DELETE", f"/api/keys/{made['id']}")) == (404, "id")
    assert refused(studio.post("/api/keys", {})) == (400, "name")


def test_b004_b008_b009_b010_x25_refusals_have_one_sentence_whatever_they_are(studio: Studio) -> None:
    assert refused(studio.get("/api/generations/5/nothing"))[0] == 404  # B-009
    assert refused(studio.call("PUT", "/api/queue"))[0] == 405
    assert (
        refused(studio.other("free").post("/api/tts/generate", {"text": "Hi.", "voice_id": "en_us_male"}))[0]
        == 403
    )  # B-008
    free = studio.other("free")
    answers = [free.post("/api/generate", {"prompt": ""}) for _ in range(11)]
    assert refused(answers[-1])[0] == 429 and answers[-1].headers["Retry-After"]  # B-010, X-22
    assert {answer.status_code for answer in answers[:10]} == {400}


def test_b005_success_is_200_and_b011_a_defect_is_one_sentence(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert studio.post("/api/generate-audio", {"prompt": "calm piano"}).status_code == 200
    assert studio.get("/api/queue").status_code == 200

    def breaks(*_: object) -> int:
        raise RuntimeError("a defect, with a secret")

    monkeypatch.setattr("farm.doors.line.length_of", breaks)
    broken = studio.get("/api/queue")
    assert refused(broken) == (500, None)
    assert "secret" not in broken.text and broken.headers["x-request-id"] in broken.json()["error"]


def test_b012_x22_bodies_and_calls_have_bounds(studio: Studio) -> None:
    assert refused(studio.post("/api/generate", {"prompt": "x" * MIB}))[0] == 413
    answers = {tier: studio.other(tier).post("/api/generate", {}) for tier in ("free", "pro", "enterprise")}
    limits = {tier: answer.headers["X-RateLimit-Limit"] for tier, answer in answers.items()}
    assert limits == {"free": "10", "pro": "100", "enterprise": "1000"}


def test_x20_x21_what_the_document_leaves_open_is_marked_as_ours(studio: Studio) -> None:
    schemas = httpx.get(f"{studio.api.url}/openapi.json").json()["components"]["schemas"]
    assert schemas["ImageBody"]["x-seed"] == "inferred"
    fields = schemas["GenerateBody"]["properties"]
    ours = {name for name, field in fields.items() if field.get("x-seed") == "inferred"}
    assert ours == {"image_filename", "end_image_filename", "audio_filename", "driving_video_filename"}
