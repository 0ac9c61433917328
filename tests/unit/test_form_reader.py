"""Forms with files, taken apart as they come, whole or by the byte: hostile ones too (rows A-067, A-068)."""

import random
from pathlib import Path

import pytest

from farm.api.surfaces.postproduction.form import FileRules, FormReader, Sent
from farm.errors import BadRequest
from farm.timeline import MediaKind
from tests.timed_jobs import wav

SOUND = wav(0.1)
RULES = FileRules("audio", MediaKind.AUDIO, most=1, file_bytes=10_000, total_bytes=10_000)
END = b"--b--\r\n"


def part(headers: str, body: bytes) -> bytes:
    return b"--b\r\n" + headers.encode() + b"\r\n\r\n" + body + b"\r\n"


def sound(file_name: str = "a.wav", body: bytes = SOUND) -> bytes:
    return part(f'Content-Disposition: form-data; name="audio"; filename="{file_name}"', body)


def said(text: bytes = b'{"a": 1}', name: str = "metadata") -> bytes:
    return part(f'Content-Disposition: form-data; name="{name}"', text)


def read(folder: Path, body: bytes, step: int = 0) -> Sent:
    reader = FormReader(b"b", folder, RULES, 1_000)
    try:
        for at in range(0, len(body), step or len(body) or 1):
            reader.feed(body[at : at + (step or len(body))])
        return reader.sent()
    finally:
        reader.close()


def faults(sent: Sent) -> list[tuple[str, str]]:
    return [(fault.code, fault.path) for fault in sent.faults]


@pytest.mark.parametrize("step", [0, 1, 7])
@pytest.mark.parametrize("is_sound_first", [True, False])
def test_a067_parts_come_in_any_order_and_in_any_pieces(
    tmp_path: Path, step: int, is_sound_first: bool
) -> None:
    body = sound() + said() if is_sound_first else said() + sound()
    sent = read(tmp_path, body + END + b"after it", step)
    assert (sent.metadata, faults(sent)) == ({"a": 1}, [])
    (file,) = sent.files
    assert (file.file_name, file.size_bytes, file.path.read_bytes()) == ("a.wav", len(SOUND), SOUND)
    assert file.path.parent == tmp_path


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.wav", "passwd.wav"),
        ("C:\\tapes\\one.wav", "one.wav"),
        ("..", "audio-1.wav"),
        ("a\u202egpj.wav", "audio-1.wav"),
        ("港 ä.wav", "港 ä.wav"),
        ("n" * 400 + ".wav", "n" * 251 + ".wav"),
        ("%2e%2e%2fx.wav", "audio-1.wav"),
    ],
)
def test_a068_a_files_name_is_no_path_and_hides_nothing(tmp_path: Path, given: str, kept: str) -> None:
    (file,) = read(tmp_path, sound(given) + END).files
    assert file.file_name == kept
    assert [path.parent for path in tmp_path.rglob("*")] == [tmp_path]


def test_a068_a_file_is_what_its_bytes_are_not_what_is_said(tmp_path: Path) -> None:
    told = 'Content-Disposition: form-data; name="audio"; filename="a.mp3"\r\nContent-Type: audio/mpeg'
    (file,) = read(tmp_path, part(told, SOUND) + END).files
    assert (file.file_name, file.content_type) == ("a.mp3", "audio/wav")


def test_a068_a_pictures_size_is_seen_behind_a_long_preview(tmp_path: Path) -> None:
    preview = b"\xff\xe1\xc0\x00" + bytes(0xC000 - 2)  # an APP1 segment
    frame = b"\xff\xc0\x00\x11\x08" + (20_000).to_bytes(2) + (10).to_bytes(2) + bytes(20)
    headers = 'Content-Disposition: form-data; name="p"; filename="p.jpg"'
    reader = FormReader(b"b", tmp_path, FileRules("p", MediaKind.IMAGE, 1, 100_000, 100_000), 1_000)
    reader.feed(part(headers, b"\xff\xd8" + preview + frame) + END)
    sent = reader.sent()
    assert (faults(sent), sent.files) == ([("unsupported_media", "/p")], [])


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (said(), {("missing_field", "/audio")}),
        (said(name="other"), {("missing_field", "/audio"), ("unknown_field", "/other")}),
        (said() + said(), {("missing_field", "/audio"), ("duplicate_field", "/metadata")}),
        (said(b"x" * 1001), {("missing_field", "/audio"), ("file_too_large", "/metadata")}),
        (said(name="audio"), {("wrong_type", "/audio")}),
        (sound() + sound(), {("too_many_files", "/audio")}),
        (sound(body=b""), {("unsupported_media", "/audio")}),
        (
            sound(body=SOUND + bytes(10_000)) + said(b"{"),
            {("file_too_large", "/audio"), ("not_json", "/metadata")},
        ),
        (sound() + said(b"\xff"), {("not_json", "/metadata")}),
        (sound() + said(b"1e400"), {("not_json", "/metadata")}),
        (sound() + said(b"[" * 500 + b"]" * 500), {("not_json", "/metadata")}),
        (sound() + said(b'{"a": 1, "a": 2}'), {("not_json", "/metadata")}),
        (sound() + part("X-What: this", b"?"), {("unknown_field", "/")}),
    ],
)
def test_a068_all_that_is_wrong_with_a_form_is_told_at_once(
    tmp_path: Path, body: bytes, found: set[tuple[str, str]]
) -> None:
    assert set(faults(read(tmp_path, body + END))) == found


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n",
        b"no form",
        sound() + said(),
        (sound() + said() + END)[:-4],
        sound()[:-50],
        (sound() + END).replace(b"\r\n", b"\n"),
        part("X: " + "y" * 5_000, b"") + END,
        part("\r\n".join(f"X{n}: y" for n in range(100)), b"") + END,
        part("Two words: y", b"") + END,
        said() * 10_000 + END,
    ],
)
def test_a068_what_is_no_form_is_refused(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(BadRequest):
        read(tmp_path, body)


def test_whatever_a_form_is_made_of_it_is_read_or_refused(tmp_path: Path) -> None:
    rng, outcomes = random.Random(5), {"read": 0, "refused": 0}
    seeds = [
        b"",
        b"\r\n",
        b"--b",
        b'"',
        b";",
        b"\0",
        b"*=",
        b"%ff",
        b"'",
        b":",
        b"filename*0*=",
        b"\xff",
        b"=",
    ]
    whole = sound(body=SOUND[:60]) + said() + END
    for number in range(600):
        body = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(body))
            body[at : at + rng.randint(0, 3)] = rng.choice(seeds)
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            read(folder, bytes(body))
            outcomes["read"] += 1
        except BadRequest:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 50, outcomes
