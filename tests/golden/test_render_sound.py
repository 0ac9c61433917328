"""The sound of a finished film, decoded again: loudness, peaks, ducking, effects on the cuts, fades, length.

One film with everything in it: music, a clip with sound, an effect on each cut, a voice, photos.
"""

import numpy as np
import pytest

from farm.encoders import EncoderProfile
from farm.timeline import AudioClip, AudioTrack, Media, MediaKind
from tasks.media_render import MediaRender, RenderAsset, timeline_of
from tests.loudness import read_meter, sound_of
from tests.media import level_at, real_photo, tone, write_clip, write_sound
from workers.cpu_render.demo.tune import write_tune
from workers.cpu_render.render import render
from workers.cpu_render.sfx import sounds
from workers.cpu_render.soundtrack import Soundtrack
from workers.media.ahead import Ahead
from workers.media.ducking import DUCK_DB
from workers.media.master import TARGET_LUFS

pytestmark = pytest.mark.slow

SR = 48_000
SECONDS = 12
FAST = EncoderProfile(options={"preset": "ultrafast", "crf": "40"})
# A tone in the music, far from its notes, whose level tells how loud the music is; likewise in the clip.
MARK_HZ, CLIP_HZ = 10_007, 7001
SPOKEN = ((6.0, 8.0),)


def asset(name, kind):
    return RenderAsset(asset_id=name, file_name=name, media_kind=kind)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four visuals of 3 s: a photo, a clip with a tone, two photos; and music with a mark in it."""
    folder = tmp_path_factory.mktemp("sound")
    write_tune(folder / "tune.wav")
    music = sound_of(folder / "tune.wav").astype(np.float32) / 32_768
    write_sound(folder / "music.mp3", music[:, : 14 * SR] + tone(MARK_HZ, 14, level=0.02))
    write_clip(folder / "2-clip.mp4", frames=90, sound=tone(CLIP_HZ, 3, level=0.02))
    write_sound(folder / "voice.wav", sum(tone(150 * n, 2, level=0.1 / n) for n in range(1, 9)))
    for number, name in ((1, "astronaut"), (3, "coffee"), (4, "flower")):
        (folder / f"{number}-photo.png").symlink_to(real_photo(name))
    return folder


def film_of(folder, out, *, spoken=False, **params):
    """Render the folder with these parameters, quickly and coarsely as far as pictures go."""
    names = sorted(path.name for path in folder.iterdir() if path.suffix in (".png", ".mp4"))
    assets = [asset(name, MediaKind.VIDEO if name.endswith("mp4") else MediaKind.IMAGE) for name in names]
    assets.append(asset("music.mp3", MediaKind.AUDIO))
    timeline = timeline_of(MediaRender(assets=tuple(assets), aspect_ratio="1:1", fps=10.0, **params))
    if spoken:
        words = tuple(
            AudioClip(media="voice.wav", start_sample=round(start * SR), end_sample_exclusive=round(end * SR))
            for start, end in SPOKEN
        )
        voice = AudioTrack(clips=words, name="voice", role="voice")
        medium = Media(id="voice.wav", kind=MediaKind.AUDIO, name="voice.wav")
        timeline = timeline.model_copy(
            update={"audio": (*timeline.audio, voice), "media": (*timeline.media, medium)}
        )
    small = timeline.model_copy(update={"width": 128, "height": 128})
    files = {medium.id: folder / medium.id for medium in small.media if medium.builtin is None}
    render(small, files, out, profile=FAST, progress=lambda done, stage: None, checkpoint=lambda: None)
    return sound_of(out)


@pytest.fixture(scope="module")
def film(folder, tmp_path_factory):
    """The decoded sound of a film with all of it."""
    out = tmp_path_factory.mktemp("film") / "film.mp4"
    return film_of(folder, out, spoken=True, bgm_asset_id="music.mp3", sfx=True, sfx_types=["click", "hit"])


def test_it_is_as_loud_as_platforms_want_it_and_peaks_below_one_decibel(film):
    reading = read_meter(film)
    assert reading.integrated == pytest.approx(TARGET_LUFS, abs=0.5)
    assert reading.true_peak <= -1.0


def test_it_lasts_exactly_as_long_as_the_pictures(film):
    assert 0 <= film.shape[1] - SECONDS * SR < 1024


def test_d071_music_gives_way_to_the_voice_by_its_measure(film):
    """Away from the strokes of the effects, at which the limiter works, and from the fades."""
    ((start, end),) = SPOKEN
    under = level_at(film, SR, MARK_HZ, start + 0.3, end - 0.1)
    beside = [level_at(film, SR, MARK_HZ, *span) for span in ((0.5, 2.5), (10, 10.4))]
    for level in beside:
        assert 20 * np.log10(level / under) == pytest.approx(DUCK_DB, abs=1.0)


def test_the_clips_own_sound_is_kept(film):
    assert level_at(film, SR, CLIP_HZ, 3.5, 5.5) > 10 * level_at(film, SR, CLIP_HZ, 1, 2.5)


def test_music_comes_in_and_goes_out_in_a_fade(film):
    steady = level_at(film, SR, MARK_HZ, 1, 2)
    assert level_at(film, SR, MARK_HZ, 0.0, 0.06) < 0.3 * steady
    assert level_at(film, SR, MARK_HZ, 11.8, 11.99) < 0.2 * steady
    assert np.abs(film[:, -1024:]).max() < 0.02


def test_d072_an_effect_is_heard_on_each_cut(film):
    """By likeness: where its own samples fit best within a second around the cut."""
    for name, cut in (("click", 3), ("hit", 6), ("click", 9)):
        effect = sounds()[name].samples()[0, : SR // 10]
        around = film[0, (cut * SR) - SR // 2 : cut * SR + SR // 2]
        fit = np.correlate(around, effect, mode="valid")
        assert np.abs(fit).argmax() - SR // 2 == pytest.approx(0, abs=SR // 500)


def test_muted_clips_and_volumes_of_zero_are_not_heard(folder, tmp_path):
    quiet = film_of(folder, tmp_path / "quiet.mp4", clip_volume=0.0, bgm_asset_id="music.mp3", bgm_volume=0.5)
    assert level_at(quiet, SR, CLIP_HZ, 3.5, 5.5) < 0.001
    assert read_meter(quiet).integrated == pytest.approx(TARGET_LUFS, abs=0.5)
    silent = film_of(
        folder, tmp_path / "silent.mp4", clip_volume=0.0, bgm_asset_id="music.mp3", bgm_volume=0.0, sfx=True,
        sfx_volume=0.0,
    )  # fmt: skip
    assert np.abs(silent).max() < 1e-4
    assert 0 <= silent.shape[1] - SECONDS * SR < 1024


def test_d098_to_d107_effects_alone_make_a_film_of_full_loudness(folder, tmp_path):
    placed = [{"sfx_type": name, "start_s": 1.1 * n} for n, name in enumerate(sounds())]
    film = film_of(folder, tmp_path / "effects.mp4", clip_volume=0.0, sfx_placements=placed)
    reading = read_meter(film)
    assert reading.integrated == pytest.approx(TARGET_LUFS, abs=0.5)
    assert reading.true_peak <= -1.0


def an_hour_of(folder):
    """A photo and music that take long to mix."""
    asked = MediaRender(
        assets=(asset("1-photo.png", MediaKind.IMAGE), asset("music.mp3", MediaKind.AUDIO)),
        durations=[{"asset_id": "1-photo.png", "duration_s": 3600}],
        bgm_asset_id="music.mp3",
    )
    return timeline_of(asked), {name: folder / name for name in ("1-photo.png", "music.mp3")}


def test_a_cancel_does_not_wait_until_all_is_mixed(folder, tmp_path):
    class Cancelled(Exception):
        pass

    def checkpoint():
        nonlocal calls
        calls += 1
        if calls > 1:  # the first is before anything is done
            raise Cancelled

    def progress(fraction, stage):
        raise AssertionError("a picture was encoded")

    calls = 0
    timeline, files = an_hour_of(folder)
    with pytest.raises(Cancelled):
        render(timeline, files, tmp_path / "out.mp4", profile=FAST, progress=progress, checkpoint=checkpoint)
    assert list(tmp_path.iterdir()) == []


def test_a_soundtrack_that_nobody_wants_any_more_ends_while_it_is_mixed(folder, tmp_path):
    timeline, files = an_hour_of(folder)
    track = Soundtrack(timeline, files, tmp_path)
    with Ahead(track, depth=2, name="mix"):
        track.stop()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StopIteration):
        next(iter(track))
