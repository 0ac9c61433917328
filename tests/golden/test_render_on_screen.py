"""A film that writes what its voice says, while it says it, beside a text by hand in many scripts."""

import shutil

import numpy as np
import pytest

from farm.timeline import Position, TextClip
from tests.golden.render_scenes import decoded, planes_of
from tests.golden.test_render_voiceover import SENTENCES, SR, WREN, performed, rms, said_by
from workers.cpu_render.text.layer import TextLayer
from workers.media.planes import Planes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed"),
]

LONG = "By the end, the workflow feels simple, and nobody on the team wants to go back to the old one."
BY_HAND = "新登場 وصل الجديد \U0001f680"
SIDE = 540  # of a square preview


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Its luma frame by frame, its sound, and its subtitles' times in ms and words."""
    folder = tmp_path_factory.mktemp("on-screen")
    overlay = {"text": BY_HAND, "start_s": 0, "duration_s": 2, "template": "Headline Bar"}
    voiceover = said_by(WREN, SENTENCES[0], LONG)
    asked = {"voiceover": voiceover, "text_on_screen": True, "text_overlays": [overlay], "subtitles": True}
    done, _, sound = performed(folder, name="Launch", transition_types=["none"], **asked)
    outputs = {output.name: output.path for output in done.outputs}
    frames = [planes_of(frame)[0] for frame in decoded(outputs["video"])]
    return np.stack(frames), sound, outputs["subtitles-srt"].read_text()


def test_d066_each_phrase_is_seen_while_it_is_heard_and_gone_after_the_last_word(film):
    luma, sound, _ = film
    band = luma[:, round(0.8 * SIDE) : round(0.92 * SIDE), 40:-40]
    changes = np.abs(np.diff(band, axis=0)).mean(axis=(1, 2))
    coming = np.flatnonzero(changes > 0.5)  # captions fade; the photos stand still and cut once
    first, last = coming[0] + 1, coming[-1] + 1
    heard = np.flatnonzero(np.abs(sound[0]) > 0.02 * np.abs(sound[0]).max()) / SR * 30
    assert abs(first - heard[0]) <= 2
    assert 0 <= last - heard[-1] <= 10  # a breath longer
    assert rms(sound, (last + 3) / 30, len(luma) / 30) < 0.01 * rms(sound, 0.4, 2)


def test_its_subtitles_say_the_same_once(film):
    blocks = film[2].strip().split("\n\n")
    words = " ".join(" ".join(block.split("\n")[2:]) for block in blocks)
    assert words == f"{BY_HAND} {SENTENCES[0]} {LONG}"


def test_d134_a_text_by_hand_in_many_scripts_is_drawn_as_its_template_draws_it(film):
    luma = film[0]
    clip = TextClip(text=BY_HAND, start_frame=0, end_frame_exclusive=60, template="headline-bar")
    alone = Planes.blank(SIDE, SIDE)
    TextLayer.of(clip, SIDE, SIDE).lay_on(alone, 1.0)
    assert clip.position is Position.TOP
    seen, drawn = luma[30].astype(float), alone.y.astype(float)
    bar = drawn > 200
    assert bar.sum() > 6000 and np.abs(seen[bar] - drawn[bar]).mean() < 6
    letters = (drawn > 16) & (drawn < 90)
    assert letters.sum() > 600 and seen[letters].mean() < 110
    assert np.abs(luma[70] - drawn)[bar].mean() > 60  # gone after two seconds
