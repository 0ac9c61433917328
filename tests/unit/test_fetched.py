"""Files that callers name by URL, fetched from a real server: what becomes an asset, and what is refused."""

import asyncio
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from farm.account import Account
from farm.api.desk import Desk
from farm.api.fetched import FILMS, SOUNDS, Wanted, fetched
from farm.api.links import link
from farm.api.picture_size import picture_size
from farm.asset import Asset
from farm.doors import jobs
from farm.doors.accounts import caller_of, ensure_account
from farm.doors.submit import submit
from farm.errors import BadRequest
from farm.job import JobSpec
from farm.net.guard import Guard
from farm.rules.running import OutboundRules
from tasks.generate_video import GenerateVideo
from tests.api import Api, png, wav
from tests.receiver import Receiver, answer, endless, raw, receiving

BASE = "https://farm.test"


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def desk(api: Api, server: Receiver) -> Desk:
    """One that may call the server, and little else."""
    desk: Desk = api.app.state.desk
    guard = Guard(OutboundRules(allow_hosts=(f"127.0.0.1:{server.port}",)), own={("farm.test", 443)})
    limits = desk.hall.catalog.limits.model_copy(update={"fetch_picture_bytes": 20_000, "fetch_s": 5.0})
    catalog = desk.hall.catalog.model_copy(update={"limits": limits})
    return replace(desk, hall=replace(desk.hall, guard=guard, catalog=catalog))


@pytest.fixture
def account(api: Api) -> Account:
    return ensure_account(api.hall, api.account, "enterprise")


def fetch(desk: Desk, account: Account, *wanted: Wanted) -> list[Asset]:
    return asyncio.run(fetched(desk, account, wanted, BASE))


def test_c_059_a_public_picture_becomes_an_asset_with_its_size(
    desk: Desk, account: Account, server: Receiver, tmp_path: Path
) -> None:
    picture = png(48, 32)
    server.script = [
        answer(200, picture, Content_Type="text/html")
    ]  # what it says of its type counts nothing

    (asset,) = fetch(desk, account, Wanted(f"{server.url}/a%20cat.PNG?size=2", "image_url"))

    assert (asset.file_name, asset.content_type, asset.state) == ("a-cat.png", "image/png", "ready")
    assert asset.meta == {"width": 48, "height": 32}
    desk.blobs.fetch(asset.blob_key, tmp_path / "kept")
    assert (tmp_path / "kept").read_bytes() == picture
    assert "cookie" not in server.heard[0].headers


def test_a_url_that_is_named_twice_is_called_once(desk: Desk, account: Account, server: Receiver) -> None:
    server.script = [answer(200, png())]
    one, again = fetch(desk, account, Wanted(server.url, "image_url"), Wanted(server.url, "keyframe_url"))
    assert one == again
    assert server.connections == 1


def test_a_sound_and_a_film_are_told_by_their_bytes(desk: Desk, account: Account, server: Receiver) -> None:
    server.script = [answer(200, wav())]
    (sound,) = fetch(desk, account, Wanted(f"{server.url}/x", "audio_url", SOUNDS))
    assert (sound.content_type, sound.file_name) == ("audio/wav", "x.wav")

    server.script = [answer(200, wav())]
    with pytest.raises(BadRequest, match="a WAV file, not a video") as refused:
        fetch(desk, account, Wanted(f"{server.url}/x", "video_url", FILMS))
    assert (refused.value.param, refused.value.public_code) == ("video_url", "asset_unreadable")


@pytest.mark.parametrize(
    ("behave", "code", "said"),
    [
        (answer(404, b"no"), "url_unreachable", "answers 404"),
        (answer(302, Location="http://127.0.0.1/"), "url_unreachable", "redirects are not followed"),
        (answer(200, b"<html>an error page</html>"), "asset_unreadable", "an HTML page, not a picture"),
        (answer(200, b""), "asset_unreadable", "empty"),
        (answer(200, b"#EXTM3U\nfile:///etc/passwd"), "asset_unreadable", "an HLS playlist"),
        (answer(200, png(50_000, 3)[:5000]), "asset_unreadable", "at most 16384 a side"),
        (answer(200, b"\x1f\x8b" + bytes(100), Content_Encoding="gzip"), "asset_unreadable", "gzip data"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + png()), "url_unreachable", "broke off"),
        (raw(b""), "url_unreachable", "broke off"),
        (endless(b"HTTP/1.1 200 OK\r\n\r\n" + png(), b"x" * 4096), "file_too_large", "more than 20000 bytes"),
    ],
)
def test_what_is_no_picture_is_refused_at_its_field(
    desk: Desk, account: Account, server: Receiver, behave: object, code: str, said: str
) -> None:
    server.script = [behave]  # type: ignore[list-item]  # one behaviour a case
    with pytest.raises(BadRequest, match=said) as refused:
        fetch(desk, account, Wanted(server.url, "prompts[3].image_url"))
    assert (refused.value.param, refused.value.public_code) == ("prompts[3].image_url", code)


def test_a_server_that_drips_is_left_in_time(desk: Desk, account: Account, server: Receiver) -> None:
    limits = desk.hall.catalog.limits.model_copy(update={"fetch_s": 0.3})
    catalog = desk.hall.catalog.model_copy(update={"limits": limits})
    hasty = replace(desk, hall=replace(desk.hall, catalog=catalog))
    server.script = [endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x", 0.05)]
    with pytest.raises(BadRequest, match=r"within 0\.3 s") as refused:
        fetch(hasty, account, Wanted(server.url, "image_url"))
    assert refused.value.public_code == "url_unreachable"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://0/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[fe80::1%25eth0]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/",
        "http://168.63.129.16/",
        "http://100.100.100.200/",
        "http://user:p@127.0.0.1/",
        "http://good.test\\@127.0.0.1/",
        "http://127.0.0.1#@good.test/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "data:image/png;base64,iVBORw0KGgo=",
        "ftp://good.test/a.png",
        "http://1.1.1.1:6379/",
        "http://good.test/\r\nHost: evil",
        "https://farm.test/farm/v1/workers",
        "https://farm.test/farm/v1/blobs/attempts/1/job_x/1/video.mp4",
        f"https://good.test/{'a' * 3000}",
        "not a url",
    ],
)
def test_c_059_no_url_leads_the_farm_into_its_own_network(desk: Desk, account: Account, url: str) -> None:
    with pytest.raises(BadRequest) as refused:
        fetch(desk, account, Wanted(url, "image_url"))
    assert (refused.value.param, refused.value.public_code) == ("image_url", "url_refused")


def test_an_output_of_the_farm_is_copied_for_its_own_account_only(
    api: Api, desk: Desk, account: Account, tmp_path: Path
) -> None:
    """As the document's workflow does: a cleaned picture's output_url is the next call's image_url."""
    made = submit(desk.hall, caller_of(desk.hall, api.key), JobSpec(GenerateVideo(prompt="a cat")))
    picture = png(20, 10)
    api.finish_job(made.job_id, picture, tmp_path / "out")
    (artifact,) = jobs.job_artifacts(desk.hall, account.id, made.job_id)
    url = link(desk, artifact, BASE)

    (asset,) = fetch(desk, account, Wanted(url, "image_url"))
    assert asset.blob_key != artifact.blob_key
    assert asset.meta == {"width": 20, "height": 10}

    in_a_bucket = url.replace("/farm/v1/blobs/", "/bucket/a/prefix/")  # as S3's own signed URLs are
    (asset,) = fetch(desk, account, Wanted(in_a_bucket, "image_url"))
    assert asset.meta == {"width": 20, "height": 10}

    stranger = ensure_account(api.hall, "mallory", "enterprise")
    with pytest.raises(BadRequest, match="no file of this account"):
        fetch(desk, stranger, Wanted(url, "image_url"))


def test_a_photo_taken_upright_is_as_wide_as_it_is_seen() -> None:
    tiff = b"MM\0*" + struct.pack(">IH", 8, 1) + struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
    exif = b"\xff\xe1" + struct.pack(">H", len(tiff) + 8) + b"Exif\0\0" + tiff
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, 3000, 4000, 1) + b"\x01\x11\0"
    assert picture_size(b"\xff\xd8" + exif + frame + bytes(20)) == (3000, 4000)
    assert picture_size(b"\xff\xd8" + frame + bytes(20)) == (4000, 3000)
    assert picture_size(b"no picture") is None
