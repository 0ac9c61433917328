"""What a sound's header tells of its length, and when it is not believed (rows A-068, A-079)."""

import random
from pathlib import Path

import pytest

from farm.audio_length import audio_length_s
from tests.timed_jobs import wav

_FRAME = b"\xff\xfb\x90\xc4" + bytes(413)  # MP3: 128 kbit/s, 44.1 kHz, 1152 samples
_ID3 = b"ID3\x03\x00\x00\x00\x00\x00\x00"


def length(folder: Path, sound: bytes) -> float | None:
    path = folder / "sound"
    path.write_bytes(sound)
    return audio_length_s(path)


def with_xing(frames: int, size_bytes: int) -> bytes:
    """An MP3's first frame that tells how long all of them are."""
    told = b"Xing\x00\x00\x00\x03" + frames.to_bytes(4) + size_bytes.to_bytes(4)
    return _FRAME[:36] + told + _FRAME[36 + len(told) :]


def adts(frames: int) -> bytes:
    """AAC as broadcast: 1024 samples of 44.1 kHz a frame, and by chance a sync word of an MP3."""
    rng = random.Random(2)
    size = 371
    head = bytes([0xFF, 0xF1, 0x50, 0x80 | size >> 11, size >> 3 & 0xFF, (size & 7) << 5 | 0x1F, 0xFC])
    return b"".join(head + rng.randbytes(size - len(head)) for _ in range(frames))


def test_a079_plain_headers_are_told_to_the_sample(tmp_path: Path) -> None:
    assert length(tmp_path, wav(300)) == 300
    assert length(tmp_path, wav(300.5)) == 300.5
    assert length(tmp_path, _FRAME * 1000) == pytest.approx(1000 * 1152 / 44100, abs=0.06)
    assert length(tmp_path, with_xing(1000, 418_000) + _FRAME * 1000) == pytest.approx(26.12, abs=0.01)


@pytest.mark.parametrize("size", [b"\xff\xff\xff\xff", b"\x00\xff\xff\x7f"])
def test_a068_a_wav_written_as_a_stream_lasts_as_long_as_it_has_bytes(tmp_path: Path, size: bytes) -> None:
    sound = wav(60)
    streamed = sound[:4] + size + sound[8:40] + size + sound[44:]
    assert length(tmp_path, streamed) == pytest.approx(60, abs=0.01)


def test_a068_aac_without_a_container_is_not_read_as_an_mp3(tmp_path: Path) -> None:
    assert length(tmp_path, adts(1500)) is None
    assert length(tmp_path, _ID3 + adts(1500)) is None


def test_a079_a_header_that_leaves_most_of_the_file_out_is_not_believed(tmp_path: Path) -> None:
    assert length(tmp_path, with_xing(38, 16_000) + _FRAME * 20_000) is None


def test_a_header_is_not_looked_for_through_megabytes_of_nothing(tmp_path: Path) -> None:
    assert length(tmp_path, _ID3 + b"\xff" * 1000 + _FRAME * 400) is not None
    assert length(tmp_path, _ID3 + b"\xff" * 1_200_000 + _FRAME * 20_000) is None


@pytest.mark.parametrize("sound", [b"", b"R", b"RIFF\x00\x00\x00\x00WAVE", b"\xff", b"ftyp" * 8, wav(0)])
def test_where_none_tells_nothing_is_told(tmp_path: Path, sound: bytes) -> None:
    assert length(tmp_path, sound) is None
