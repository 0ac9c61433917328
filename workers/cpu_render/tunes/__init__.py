"""The tunes that the farm synthesises itself: one score a file, found by its name.

What may be asked for, and what each tune is like, is in tasks/media_render/tunes.py; here is how it sounds.
To add a tune: a file here with a SCORE, and its entry there.
"""

from functools import cache, lru_cache

from farm.errors import BadRequest
from tasks.media_render.tunes import BUNDLED
from workers.cpu_render.registry import scan
from workers.cpu_render.tunes.score import Score, Sound
from workers.cpu_render.tunes.synth import play

_HELD = 2  # tunes, of up to 25 MB each: one render after another often asks for the same


@cache
def scores() -> dict[str, Score]:
    """Every score by its name."""
    return scan(__name__, "SCORE", Score)


@lru_cache(maxsize=_HELD)
def tune_sound(name: str) -> Sound:
    """A bundled tune, one loop of it, float32 of shape (2, n) at 48 kHz; not to be changed.

    Raises BadRequest naming the known ones.
    """
    tempi = {tune.name: tune.bpm for tune in BUNDLED}
    bpm = tempi.get(name)
    if bpm is None or name not in scores():
        known = ", ".join(sorted(scores()))
        raise BadRequest(f"There is no tune {name!r}. Known: {known}.", param="bgm_query")
    sound = play(scores()[name], bpm)
    sound.setflags(write=False)
    return sound
