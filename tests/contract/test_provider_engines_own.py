"""What is one API's own, of the engines of services: uploads, edits, lengths, queues that others use too."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from farm.errors import FailureClass
from tests.contract.engine_bench import FILM_OF_PICTURE, PICTURE, Bench, failure_of, of, stopped
from tests.media import coded, write_jpeg
from tests.provider_protocols.replicate import ReplicateServer
from tests.provider_protocols.server import Sale
from workers.gpu_generate import previews

pytestmark = pytest.mark.slow

C = FailureClass


@of("replicate")
def test_replicate_is_sent_large_pictures_as_files(bench: Bench, tmp_path: Path) -> None:
    assert isinstance(bench.server, ReplicateServer)
    noise = write_noise(tmp_path / "noise.png")
    bench.perform(bench.task(FILM_OF_PICTURE, files=[noise]))
    (sale,) = bench.server.sold
    assert sale.order["start_image"] == f"{bench.server.url}/files/file-1"
    assert len(bench.server.files["file-1"]) > 256 << 10


def write_noise(path: Path) -> Path:
    pixels = np.random.default_rng(1).integers(0, 255, (700, 900, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@of("openai")
def test_openai_edits_what_the_mask_shows_and_the_rest_stays(bench: Bench, tmp_path: Path) -> None:
    photo = np.full((256, 256, 3), (200, 40, 40), np.uint8)
    hole = np.zeros((256, 256), np.uint8)
    hole[64:192, 64:192] = 255
    Image.fromarray(photo).save(tmp_path / "photo.png")
    Image.fromarray(hole).save(tmp_path / "mask.png")
    files = [tmp_path / "photo.png", tmp_path / "mask.png"]
    said = {"images": ["asset-0"], "mask": "asset-1", "width": 256, "height": 256}
    (made,) = bench.perform(bench.task(PICTURE, files=files, kind="edit-image", **said)).outputs
    (request,) = bench.server.asked
    assert request.path == "/v1/images/edits"
    mask = Image.open(BytesIO(request.files["mask"][0]))
    assert (mask.size, mask.mode) == ((256, 256), "RGBA")
    assert (mask.getpixel((128, 128))[3], mask.getpixel((10, 10))[3]) == (0, 255)  # type: ignore[index]  # RGBA
    after = np.asarray(Image.open(made.path).convert("RGB")).astype(int)
    assert np.abs(after[:40] - photo[:40]).max() < 4
    assert np.abs(after[100:150, 100:150] - photo[100:150, 100:150]).max() > 20


@of("openai")
def test_openai_gets_pictures_of_characters_beside_the_prompt(bench: Bench, tmp_path: Path) -> None:
    photos = [write_jpeg(tmp_path / f"{n}.jpg", coded(n, 96, 64)) for n in (1, 2)]
    bench.perform(bench.task(PICTURE, files=photos, images=["asset-0", "asset-1"]))
    (request,) = bench.server.asked
    assert (request.path, len(request.files["image[]"])) == ("/v1/images/edits", 2)


@of("openai")
def test_openai_gets_lengths_and_sizes_that_it_has(bench: Bench) -> None:
    bench.perform(bench.task(width=640, height=368, length_s="5"))
    (sale,) = bench.server.sold
    assert (sale.order["seconds"], sale.order["size"]) == ("8", "1280x720")
    failure = failure_of(bench, bench.task(length_s="14"))
    assert failure.failure is C.UNSUPPORTED


@of("comfyui")
def test_comfyui_tells_how_far_it_is_and_works_without_a_socket(bench: Bench) -> None:
    bench.server.looks = 4
    attempt = bench.attempt()
    bench.perform(bench.task(), attempt)
    assert any(0.0 < fraction < 0.9 for fraction in attempt.fractions)
    bench.server.has_socket = False  # type: ignore[attr-defined]  # its own switch
    assert bench.perform(bench.task(_key="kf_two")).outputs


@of("comfyui")
def test_what_comfyui_draws_is_seen_on_the_way(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Previews of any size become small ones; what is no picture, or another event, is passed over."""
    server: Any = bench.server
    jpeg, png = BytesIO(), BytesIO()
    for file, kind in ((jpeg, "JPEG"), (png, "PNG")):
        Image.fromarray(coded(3, 512, 288)).save(file, kind)
    numbers = (1).to_bytes(4), (2).to_bytes(4)
    server.shown = [
        numbers[1] + numbers[0] + jpeg.getvalue(),  # UNENCODED_PREVIEW_IMAGE
        numbers[0] + numbers[0] + jpeg.getvalue(),
        numbers[0] + numbers[1] + png.getvalue(),
        numbers[0] + numbers[1] + b"no picture",
        numbers[0] + numbers[0] + jpeg.getvalue(),  # after one that failed there are no more
        b"\0",
    ]
    server.looks = 4
    at_once = classmethod(lambda cls, context, _catalog: cls(context.preview, 1e-9))
    monkeypatch.setattr(previews.Previews, "of", at_once)
    monkeypatch.setattr(previews, "_MOST_SHARE", float("inf"))
    attempt = bench.attempt()
    assert bench.perform(bench.task(), attempt).outputs
    assert len(attempt.previews) == 2
    for data in attempt.previews:
        with Image.open(BytesIO(data)) as image:
            assert (image.format, image.size) == ("JPEG", (256, 144))


@of("comfyui")
def test_comfyui_interrupts_nobody_elses_prompt(bench: Bench) -> None:
    server: Any = bench.server
    server.sales["other"] = Sale("other", {"graph": {}}, "never")  # it runs, and ours waits behind it
    attempt = bench.attempt()
    stopped(bench, bench.next("never").task(), attempt)
    assert attempt.drops == 1
    assert (server.interrupted, server.called_off) == ([], attempt.refs)
