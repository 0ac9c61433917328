"""Ducking: music and the clips' own sound give way while a voice speaks, and nothing else does."""

import numpy as np
import pytest

from farm.timeline import EFFECTS_ROLE, VOICE_ROLES, AudioClip, AudioTrack, VideoClip
from tests.media import level_at, tone, write_clip, write_sound
from tests.unit.test_media_audio import SR, heard, with_tracks
from workers.media.ducking import DUCK_DB, HOLD_S, LOOK_S, RELEASE_S, Ducker

pytestmark = pytest.mark.slow

MUSIC_HZ, CLIP_HZ, EFFECT_HZ, VOICE_HZ = 300, 500, 700, 1100
DOWN = 10 ** (-DUCK_DB / 20)


def clip_of(name, start_s, end_s, **options):
    return AudioClip(
        media=name, start_sample=round(start_s * SR), end_sample_exclusive=round(end_s * SR), **options
    )


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """Twelve seconds of music, a clip with sound and an effect; words at 3 to 4, 4.3 to 5 and 8 to 9 s."""
    folder = tmp_path_factory.mktemp("spoken")
    files = {
        "music": write_sound(folder / "music.wav", tone(MUSIC_HZ, 12, level=0.2)),
        "effect": write_sound(folder / "effect.wav", tone(EFFECT_HZ, 12, level=0.2)),
        "voice": write_sound(folder / "voice.wav", tone(VOICE_HZ, 1, level=0.2)),
        "clip": write_clip(folder / "clip.mp4", frames=360, sound=tone(CLIP_HZ, 12, level=0.2)),
    }
    words = (clip_of("voice", 3, 4), clip_of("voice", 4.3, 5), clip_of("voice", 8, 9))
    timeline = with_tracks(
        AudioTrack(clips=(clip_of("music", 0, 12),), role="music"),
        AudioTrack(clips=(clip_of("effect", 0, 12),), role=EFFECTS_ROLE),
        AudioTrack(clips=words, role="voice"),
        clips=[VideoClip(media="clip", start_frame=0, end_frame_exclusive=360)],
    )
    return heard(timeline, files)


def levels(sound, hz, *spans):
    return [level_at(sound, SR, hz, start, end) for start, end in spans]


def test_music_and_clip_sound_go_down_under_the_voice_and_come_back(spoken):
    loud = ((0.1, 2.7), (6.5, 7.7), (10.5, 11.9))
    low = ((3, 4), (4.3, 5), (8, 9))
    for hz in (MUSIC_HZ, CLIP_HZ):
        assert levels(spoken, hz, *loud) == pytest.approx([0.2] * 3, rel=0.03)
        assert levels(spoken, hz, *low) == pytest.approx([0.2 * DOWN] * 3, rel=0.03)


def test_a_short_pause_between_words_brings_nothing_back(spoken):
    assert levels(spoken, MUSIC_HZ, (4, 4.3)) == pytest.approx([0.2 * DOWN], rel=0.03)


def test_effects_and_the_voice_itself_keep_their_level(spoken):
    assert levels(spoken, EFFECT_HZ, (0, 2), (3, 4), (8, 9)) == pytest.approx([0.2] * 3, rel=0.02)
    assert levels(spoken, VOICE_HZ, (3.1, 3.9), (8.1, 8.9)) == pytest.approx([0.2] * 2, rel=0.02)


def test_the_way_down_begins_before_the_word_and_the_way_back_after_a_pause(spoken):
    before, behind = 3 - LOOK_S, 5 + HOLD_S + RELEASE_S
    assert levels(spoken, MUSIC_HZ, (before - 0.1, before)) == pytest.approx([0.2], rel=0.03)
    assert levels(spoken, MUSIC_HZ, (behind + 0.05, behind + 0.15)) == pytest.approx([0.2], rel=0.03)
    halfway = levels(spoken, MUSIC_HZ, (before + 0.08, before + 0.12), (5.8, 5.9))
    assert all(0.2 * DOWN * 1.2 < level < 0.2 * 0.9 for level in halfway)


@pytest.mark.parametrize("role", sorted(VOICE_ROLES))
def test_every_word_for_a_voice_is_understood(tmp_path, role):
    files = {
        "music": write_sound(tmp_path / "music.wav", tone(MUSIC_HZ, 2)),
        "voice": write_sound(tmp_path / "voice.wav", tone(VOICE_HZ, 2)),
    }
    tracks = [
        AudioTrack(clips=(clip_of("music", 0, 2),)),
        AudioTrack(clips=(clip_of("voice", 0, 2),), role=role),
    ]
    sound = heard(with_tracks(*tracks, seconds=2), files)
    assert levels(sound, MUSIC_HZ, (0.02, 1.9)) == pytest.approx([0.5 * DOWN], rel=0.02)  # from the start on


def test_a_silent_voice_track_changes_nothing(tmp_path):
    files = {
        "music": write_sound(tmp_path / "music.wav", tone(MUSIC_HZ, 3)),
        "voice": write_sound(tmp_path / "voice.wav", tone(VOICE_HZ, 3, level=0.001)),
    }
    music = AudioTrack(clips=(clip_of("music", 0, 3),))
    voice = AudioTrack(clips=(clip_of("voice", 0, 3),), role="voice")
    alone, both = (
        heard(with_tracks(music, seconds=3), files),
        heard(with_tracks(music, voice, seconds=3), files),
    )
    assert np.abs(both - alone).max() <= 0.0011


@pytest.mark.parametrize("chunk", [1, 333, 24_000])
def test_the_gain_is_smooth_and_the_length_exact_for_any_chunking(chunk):
    count = 60_000 if chunk > 1 else 2000
    voice = np.zeros((2, count), np.float32)
    voice[:, count // 2 : count // 2 + 200] = 0.3
    flat, nothing = np.ones((2, count), np.float32), np.zeros((2, count), np.float32)
    ducker = Ducker(8000)
    spans = [slice(at, at + chunk) for at in range(0, count, chunk)]
    pieces = [ducker.push(flat[:, span], voice[:, span], nothing[:, span]) for span in spans]
    gains = (np.concatenate([*pieces, ducker.flush()], axis=1) - voice)[0]
    assert gains.size == count
    assert gains.min() == pytest.approx(DOWN, rel=0.3 if chunk == 1 else 1e-4)
    assert np.abs(np.diff(gains)).max() < 0.002
