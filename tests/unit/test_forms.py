"""Forms with files, taken apart piece by piece: what they hold, and what is refused by its field."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import BaseModel

from farm.api.form_reader import MORE_PARTS, TEXT_BYTES, FileRule, Form, FormReader
from farm.api.forms import values_of
from farm.errors import BadRequest, TooLarge
from farm.timeline import MediaKind
from tests.api import png

RULES = {
    "image": FileRule((MediaKind.IMAGE,), max_bytes=10_000, most=2),
    "sound": FileRule((MediaKind.AUDIO, MediaKind.VIDEO), max_bytes=50_000),
}
Part = tuple[str, str | None, bytes]  # field, file name, content


def body(*parts: Part, boundary: str = "b") -> bytes:
    out = b""
    for name, file_name, content in parts:
        given = "" if file_name is None else f'; filename="{file_name}"'
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{given}\r\n\r\n'
        out += head.encode() + content + b"\r\n"
    return out + f"--{boundary}--\r\n".encode()


def read(folder: Path, content: bytes, pieces: int = 1) -> Form:
    reader = FormReader(b"b", folder, RULES)
    size = -(-len(content) // pieces)
    try:
        for start in range(0, len(content), size):
            reader.feed(content[start : start + size])
        return reader.form()
    finally:
        reader.close()


@pytest.mark.parametrize("pieces", [1, 7, 200])
def test_texts_and_files_come_in_their_order_however_they_are_cut(tmp_path: Path, pieces: int) -> None:
    sent = body(
        ("prompt", None, "a fox, très belle".encode()),
        ("image[]", "one.png", png(20, 10)),
        ("tag[]", None, b"a"),
        ("image[]", "../../two.png", png(8, 9)),
        ("tag[]", None, b"b"),
    )
    form = read(tmp_path, sent, pieces)
    assert form.text("prompt") == "a fox, très belle" and form.text("none") is None
    assert form.texts["tag"] == ("a", "b")
    one, two = form.files["image"]
    assert (one.file_name, one.content_type, one.width, one.height) == ("one.png", "image/png", 20, 10)
    assert (two.file_name, two.path.read_bytes()) == ("two.png", png(8, 9))
    with pytest.raises(BadRequest, match="tag: came 2 times"):
        form.text("tag")


@pytest.mark.parametrize(
    ("parts", "param", "told"),
    [
        ([("image", "a.png", b"<svg")], "image", "a picture is wanted"),
        ([("sound", "a.png", png())], "sound", "a sound or a video is wanted"),
        ([("face", "a.png", png())], "face", "known: image, sound"),
        ([("image", None, b"text")], "image", "send it as a file"),
        ([("image", "a.png", png())] * 3, "image", "at most 2"),
        ([("prompt", None, b"\xff\xfe")], "prompt", "not UTF-8"),
        ([("prompt", None, b"a\0b")], "prompt", "NUL"),
        ([(f"t{number}", None, b"x") for number in range(MORE_PARTS + 4)], None, "parts"),
    ],
)
def test_what_may_not_come_is_refused_by_its_field(
    tmp_path: Path, parts: Sequence[Part], param: str | None, told: str
) -> None:
    with pytest.raises(BadRequest, match=told) as refused:
        read(tmp_path, body(*parts))
    assert refused.value.param == param


def test_more_than_may_come_is_refused_as_soon_as_it_is_there(tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="image: has more than 10000 bytes"):
        read(tmp_path, body(("image", "a.png", png() + bytes(10_001)))[:-20])  # before its end came
    with pytest.raises(TooLarge, match="texts"):
        read(tmp_path, body(("prompt", None, b"x" * (TEXT_BYTES + 50)))[:-20])


def test_what_breaks_off_or_is_no_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest) as broken:
        read(tmp_path, body(("prompt", None, b"x"))[:-8])
    assert broken.value.public_code == "body_incomplete"
    with pytest.raises(BadRequest) as nonsense:
        read(tmp_path, b"nonsense")
    assert nonsense.value.public_code == "broken_form"


def test_a_file_that_was_not_chosen_is_none(tmp_path: Path) -> None:
    assert read(tmp_path, body(("image", "", b""), ("prompt", None, b"x"))).files["image"] == ()


def test_two_calls_are_the_same_by_texts_and_contents(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    calls = (("x", png()), ("x", png()), ("x", png(5, 5)))
    told = [
        read(folder, body(("prompt", None, text.encode()), ("image", "a.png", content))).told
        for folder, (text, content) in zip(folders, calls, strict=True)
    ]
    assert told[0] == told[1] != told[2]


class Wish(BaseModel):
    """What a form may say."""

    prompt: str
    size: str = ""
    count: int = 1
    scale: float | None = None
    failover: bool = True


def test_texts_become_what_their_fields_want(tmp_path: Path) -> None:
    said = {"prompt": b"42", "size": b"", "count": b"3", "scale": b"2.5", "failover": b"False", "user": b"u"}
    form = read(tmp_path, body(*((name, None, text) for name, text in said.items())))
    assert values_of(form, Wish) == {"prompt": "42", "count": 3, "scale": 2.5, "failover": False}
    (tmp_path / "more").mkdir()
    empty = read(tmp_path / "more", body(("prompt", None, b""), ("count", None, b"many")))
    assert values_of(empty, Wish) == {"prompt": "", "count": "many"}  # for the model to refuse
