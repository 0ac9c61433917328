"""The demo's input, drawn and synthesised at run time: a few pictures and a short tune.

    python -m workers.cpu_render.demo DIR

Nothing here is used by the engine; nothing is read from the network or from the package.
"""

from pathlib import Path

from workers.cpu_render.demo.design import city, ribbons, sunset
from workers.cpu_render.demo.nature import aurora, dawn, moon_path
from workers.cpu_render.demo.tune import write_tune

__all__ = ["PICTURES", "draw"]

# In the order in which a slide show looks best.
PICTURES = (dawn, city, ribbons, moon_path, sunset, aurora)


def draw(folder: Path) -> list[Path]:
    """Fill `folder` (made if missing) with numbered JPEG pictures and `tune.wav`; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, picture in enumerate(PICTURES, start=1):
        path = folder / f"{number:02}-{picture.__name__.replace('_', '-')}.jpg"
        picture().save(path, quality=92)
        files.append(path)
    write_tune(folder / "tune.wav")
    return [*files, folder / "tune.wav"]
