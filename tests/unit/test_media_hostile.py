"""Files made to hurt: nothing but AssetUnreadable comes out of them, and no other file is read."""

import random
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from farm.errors import AssetUnreadable
from farm.timeline import MediaKind, Rate
from tests import media
from tests.media import coded, quadrants, tone, write_clip, write_sound
from workers.media.open import MAX_STREAMS, open_media
from workers.media.probe import probe
from workers.media.sound import SoundReader
from workers.media.stills import open_still
from workers.media.video import VideoReader

pytestmark = pytest.mark.slow


def use(path):
    """Everything a render does with a file."""
    info = probe(path)
    if info.kind is MediaKind.IMAGE:
        open_still(path)
    if info.kind is MediaKind.VIDEO:
        with VideoReader(path, rate=Rate(num=30), source_start=Fraction(1, 2)) as reader:
            for n in range(0, 60, 3):
                reader.frame(n)
    if info.has_audio:
        with SoundReader(path, sample_rate=48_000, source_start=Fraction(5, 4)) as sound:
            assert np.isfinite(sound.read(96_000)).all()
    return info


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """One small file of each kind."""
    folder = tmp_path_factory.mktemp("samples")
    picture = quadrants(160, 96)
    media.write_jpeg(folder / "a.jpg", picture, orientation=6)
    media.write_heic(folder / "a.heic", picture)
    for suffix in ("png", "webp", "gif"):
        Image.fromarray(picture).save(folder / f"a.{suffix}")
    (folder / "a.svg").write_text('<svg viewBox="0 0 4 3"><rect width="2" height="1" fill="#f00"/></svg>')
    pictures = [coded(index, 160, 96) for index in range(50)]
    for name, video, audio in (
        ("a.mp4", "libx264", "aac"),
        ("a.webm", "libvpx", "libopus"),
        ("a.avi", "mpeg4", "libmp3lame"),
        ("a.ts", "libx264", "aac"),
        ("a.mpg", "mpeg2video", "mp2"),
    ):
        write_clip(
            folder / name,
            frames=50,
            rate=Fraction(25),
            codec=video,
            pictures=pictures,
            sound=tone(440, 2),
            sound_codec=audio,
        )
    for suffix in ("wav", "mp3", "m4a", "ogg", "aac"):
        write_sound(folder / f"s.{suffix}", tone(440, 2))
    return sorted(folder.iterdir())


def test_every_sample_is_good_before_it_is_spoilt(samples):
    for path in samples:
        use(path)


@pytest.mark.parametrize("seed", range(12))
def test_flipped_and_missing_bytes_never_break_more_than_the_file(samples, tmp_path, seed):
    chance = random.Random(seed)
    for sample in samples:
        data = bytearray(sample.read_bytes())
        for _ in range(chance.choice((1, 5, 40))):
            reach = len(data) if chance.random() < 0.5 else min(len(data), 600)
            data[chance.randrange(reach)] = chance.randrange(256)
        if chance.random() < 0.2:
            del data[chance.randrange(len(data)) :]
        path = tmp_path / f"x{sample.suffix}"
        path.write_bytes(data)
        try:
            use(path)
        except AssetUnreadable as refused:
            assert refused.message.startswith(path.name), refused.message


def test_a_wav_that_claims_more_than_it_has_gives_what_it_has(samples, tmp_path):
    good = next(path for path in samples if path.name == "s.wav").read_bytes()
    at = good.index(b"data") + 4
    (tmp_path / "s.wav").write_bytes(good[:at] + struct.pack("<I", 0xFFFFFFF0) + good[at + 4 :])
    with SoundReader(tmp_path / "s.wav", sample_rate=48_000) as sound:
        assert sound.read(48_000 * 60).shape[1] == 96_000


def test_streams_beyond_the_limit_are_not_opened(tmp_path):
    with av.open(str(tmp_path / "many.mkv"), "w") as out:
        streams = [out.add_stream("pcm_s16le", rate=8000) for _ in range(80)]
        for stream in streams:
            silence = np.zeros((1, 1600), np.int16)
            frame = av.AudioFrame.from_ndarray(silence, format="s16", layout="stereo")
            frame.sample_rate = 8000
            out.mux(stream.encode(frame))
    with open_media(tmp_path / "many.mkv") as container:
        assert len(container.streams) == MAX_STREAMS


def test_a_clip_of_one_frame_that_claims_ten_hours_is_a_still_picture(tmp_path):
    times = [Fraction(0), Fraction(36_000)]
    path = write_clip(tmp_path / "long.webm", frames=2, times=times, codec="libvpx")
    assert probe(path).duration > 35_000
    with VideoReader(path, rate=Rate(num=30), source_start=Fraction(18_000)) as reader:
        assert media.read_code(reader.frame(500)) == 0


def test_a_clip_that_claims_days_is_refused(tmp_path):
    path = write_clip(tmp_path / "days.mkv", frames=2, times=[Fraction(0), Fraction(200_000)])
    with pytest.raises(AssetUnreadable, match="claims to last more than 24 hours"):
        probe(path)


def test_a_sound_that_changes_its_rate_midway_goes_on(tmp_path):
    """Two MPEG streams laid end to end, as radio recordings are."""
    first = write_sound(tmp_path / "1.mp3", tone(440, 2, 44_100), 44_100).read_bytes()
    second = write_sound(tmp_path / "2.mp3", tone(440, 2, 48_000, channels=1), 48_000).read_bytes()
    (tmp_path / "both.mp3").write_bytes(first + second)
    with SoundReader(tmp_path / "both.mp3", sample_rate=48_000) as sound:
        samples = sound.read(48_000 * 10)
    assert samples.shape[1] > 3.5 * 48_000
    assert media.level_at(samples, 48_000, 440, 3, 3.5) == pytest.approx(0.5, rel=0.1)


def test_a_playlist_inside_a_container_opens_no_other_file(tmp_path):
    """An MP4 whose only track is a QuickTime reference to a neighbour file has nothing to show."""
    secret = write_clip(tmp_path / "secret.mp4", frames=5)
    for text in (f"#EXTM3U\n#EXTINF:1,\n{secret}\n", f"ffconcat version 1.0\nfile '{secret}'\n"):
        for name in ("a.mp4", "a.ts", "a.mkv", "a.wav"):
            (tmp_path / name).write_text(text)
            with pytest.raises(AssetUnreadable, match=r"list"):
                probe(tmp_path / name)
