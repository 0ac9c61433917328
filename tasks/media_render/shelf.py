"""The tunes of this farm: the bundled ones and those of the operator's folder (configs/tunes.toml).

Read once per process, like all of the configuration.
"""

import re
import tomllib
from functools import cache, lru_cache
from pathlib import Path

from pydantic import Field, ValidationError

from farm.catalog import read_catalog
from farm.errors import FarmUnavailable
from farm.media_types import CONTENT_TYPES, content_type_of
from farm.noun import Noun
from farm.rules.films import TuneRules
from farm.settings import Settings
from farm.timeline import MediaKind
from farm.validation import first_fault
from tasks.media_render.tune_query import Found, choose
from tasks.media_render.tunes import BUNDLED, Energy, Tune


class Sidecar(Noun):
    """What `song.toml` says of `song.mp3`; all of it may be left out."""

    title: str | None = Field(default=None, min_length=1, max_length=100)
    tags: tuple[str, ...] = ()
    energy: Energy = "medium"
    bpm: float | None = Field(default=None, gt=20, lt=400)
    key: str = Field(default="", max_length=40)
    description: str = Field(default="", max_length=300)


def tunes_here() -> tuple[Tune, ...]:
    """Every tune that can be asked for. Raises FarmUnavailable naming the file that is wrong."""
    settings = Settings()
    return _read(read_catalog(settings).tunes, settings.root)


def tune_for(query: str) -> Found:
    """The tune that fits a query best. Raises BadRequest when this farm has none, and FarmUnavailable."""
    settings = Settings()
    return _found(query, read_catalog(settings).tunes, settings.root)


@lru_cache(maxsize=256)  # a submit lays out and prices the same request several times
def _found(query: str, rules: TuneRules, root: Path) -> Found:
    return choose(query, _read(rules, root), rules.fallback)


@cache
def _read(rules: TuneRules, root: Path) -> tuple[Tune, ...]:
    own = _folder(root / Path(rules.folder).expanduser()) if rules.folder else {}
    bundled = [tune for tune in BUNDLED if rules.bundled and tune.name not in own]
    return (*bundled, *own.values())


def _folder(folder: Path) -> dict[str, Tune]:
    """Its sounds by name, in the order of their names."""
    if not folder.is_dir():
        raise FarmUnavailable(f"tunes.toml: there is no folder {folder}.", param="tunes.folder")
    found: dict[str, Tune] = {}
    for path in sorted(folder.iterdir()):
        kind = content_type_of(path.name)
        if path.name.startswith(".") or not path.is_file() or kind is None:
            continue
        if CONTENT_TYPES[kind] is not MediaKind.AUDIO:
            continue
        tune = _tune(path)
        if tune.name in found:
            raise FarmUnavailable(f"{path} and {found[tune.name].file} are both called {tune.name!r}.")
        found[tune.name] = tune
    return found


def _tune(path: Path) -> Tune:
    """A file's tune. Without a sidecar the words of its name are its tags."""
    beside = path.with_suffix(".toml")
    words = re.findall(r"[^\W_]+", path.stem.casefold())
    try:
        said = Sidecar.model_validate(tomllib.loads(beside.read_text("utf-8")) if beside.is_file() else {})
        return Tune(
            name="-".join(words)[:100].strip("-"),
            title=said.title or path.stem[:100],
            tags=tuple(dict.fromkeys(tag.casefold() for tag in (*said.tags, *words))),
            energy=said.energy,
            bpm=said.bpm,
            key=said.key,
            description=said.description,
            file=path,
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FarmUnavailable(f"{beside} is not valid TOML: {error}.") from error
    except ValidationError as error:
        fault = first_fault(error)
        file = beside if beside.is_file() else path
        raise FarmUnavailable(f"{file}: {fault.where}: {fault.text}.") from error
