"""Sound effects: one file each, declaring `SOUND`. To add one, add a file."""

from functools import cache

from farm.errors import BadRequest
from workers.cpu_render.registry import scan, slug
from workers.cpu_render.sfx.contract import Sound


@cache
def sounds() -> dict[str, Sound]:
    """Every sound effect by its name."""
    return scan(__name__, "SOUND", Sound)


def sound_named(name: str) -> Sound:
    """The sound effect of that name. Raises BadRequest naming the known ones."""
    known = sounds()
    try:
        return known[slug(name)]
    except KeyError:
        raise BadRequest(
            f"There is no sound effect {name!r}. Known: {', '.join(sorted(known))}.", param="sfxTypes"
        ) from None
