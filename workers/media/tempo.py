"""Makes sound quicker or slower and keeps its pitch, by libavfilter's atempo."""

from collections.abc import Iterable, Iterator
from itertools import chain

import av
import numpy as np
from av.audio.frame import AudioFrame

from workers.media.sound import Samples


def at_tempo(pieces: Iterable[Samples], sample_rate: int, tempo: float) -> Iterator[Samples]:
    """Pieces of one channel, of shape (n,), at `tempo` times their speed: 0.5 to 2. At 1 as they are."""
    if tempo == 1:
        yield from pieces
        return
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=sample_rate, format="flt", layout="mono")
    changed = graph.add("atempo", f"{tempo:g}")
    sink = graph.add("abuffersink")
    source.link_to(changed)
    changed.link_to(sink)
    graph.configure()
    for piece in chain(pieces, [None]):
        graph.push(None if piece is None else _frame(piece, sample_rate))
        while (done := _pulled(graph)) is not None:
            yield done


def _frame(piece: Samples, sample_rate: int) -> AudioFrame:
    frame = AudioFrame.from_ndarray(piece[None], format="flt", layout="mono")
    frame.sample_rate = sample_rate
    return frame


def _pulled(graph: av.filter.Graph) -> Samples | None:
    """What the graph has ready, if it has."""
    try:
        frame = graph.pull()
    except (av.error.BlockingIOError, av.error.EOFError):
        return None
    assert isinstance(frame, AudioFrame)
    samples: Samples = np.asarray(frame.to_ndarray()[0], np.float32)
    return samples
