"""Sound that is not there all the time, and sound of a sphere."""

from fractions import Fraction

import av
import numpy as np
import pytest

from tests.media import beeps, level_at, onsets, write_clip
from workers.media.sound import SoundReader

pytestmark = pytest.mark.slow
SR = 48_000


@pytest.mark.parametrize(("late_s", "hole_s"), [(70, 0), (0, 90), (65, 70)])
def test_sound_that_begins_or_goes_on_minutes_later_keeps_its_place(tmp_path, late_s, hole_s):
    """As where a microphone was off: what followed more than a minute of nothing was heard too early."""
    clip = write_clip(tmp_path / "clip.mkv", frames=20, rate=Fraction(5), sound=beeps(1000, 4, [0.5, 2.5]))
    path = tmp_path / "moved.mkv"
    with av.open(str(clip)) as source, av.open(str(path), "w") as moved:
        streams = {s.index: moved.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if not packet.size:
                continue
            if packet.stream.type == "audio":
                away = late_s + (hole_s if packet.pts * packet.time_base >= 1.5 else 0)
                packet.pts += round(away / packet.time_base)
                packet.dts = packet.pts
            packet.stream = streams[packet.stream.index]
            moved.mux(packet)
    with SoundReader(path, sample_rate=SR) as reader:
        heard = onsets(reader.read(170 * SR), SR)
    assert heard == [pytest.approx(at, abs=0.03) for at in (late_s + 0.5, late_s + hole_s + 2.5)]


def test_the_sound_of_a_sphere_is_heard_from_all_around(tmp_path):
    """As 360° cameras record it; it was refused as an invalid argument."""
    path = tmp_path / "sphere.mka"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libopus", rate=SR, layout="quad", options={"mapping_family": "2"})
        for at in range(0, SR, 960):
            sound = np.zeros((4, 960), np.float32)
            sound[0] = 0.5 * np.sin(2 * np.pi * 440 * np.arange(at, at + 960) / SR)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T.reshape(1, -1)), "flt", "quad")
            frame.sample_rate, frame.pts = SR, at
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with SoundReader(path, sample_rate=SR) as reader:
        assert reader._stream.codec_context.layout.name.startswith("ambisonic")
        heard = reader.read(SR)
    assert level_at(heard, SR, 440, 0.2, 0.8) == pytest.approx(0.5, rel=0.05)
