"""Looks at what providers.toml offers: is it all there that would make it, on this host, in this environment?

Nothing is loaded or called: files are looked for by name, keys by their variable.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import get_args

from farm.catalog import Catalog
from farm.errors import TaskFailure
from farm.model_files import FOLDER, file_of
from farm.model_sources import UNPINNED, Source, Sources, sources_of
from farm.models import Engine, Model
from farm.offers import Provider
from farm.remote_model import Word
from farm.settings import Settings

WORKFLOWS = "workflows"  # of ComfyUI, below the configs' folders
SERVICES = ("openai", "replicate", "fal")
_PLACE = re.compile(r"\{([a-z_]+)\}")
_JOBS_WORDS = frozenset((*get_args(Word), "half_steps", "sampler", "scheduler", "shift"))
_INDEX = "model_index.json"
_WEIGHTS = "*.safetensors"


class Verdict(StrEnum):
    """Whether an offer could be kept here."""

    OK = "ok"
    NOTE = "note"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Offered:
    """A model at a provider. `where` is a folder, a repository's commit or a URL; `said` what to do."""

    capability: str
    model: str
    provider: str
    engine: str
    licence: str
    commercial: str
    where: str
    verdict: Verdict
    said: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    where: str
    verdict: Verdict = Verdict.OK
    said: str = ""


@dataclass(frozen=True, slots=True)
class Here:
    """This host: its configs, settings and environment."""

    catalog: Catalog
    settings: Settings
    environment: Mapping[str, str]


def offers_here(here: Here) -> Iterator[Offered]:
    """Every offer of providers.toml, in its order."""
    book = here.catalog.providers
    for capability, models in book.routes.items():
        for name, route in models.items():
            for offer in route.offers:
                yield _offered(here, capability, name, offer.provider, book.providers[offer.provider])


def _offered(here: Here, capability: str, name: str, provider_name: str, provider: Provider) -> Offered:
    model = here.catalog.models.known(name)
    engine = provider.engine or (model.engine if model is not None and not model.is_remote else "")
    found = _found(here, engine, name, model, provider)
    return Offered(
        capability=capability,
        model=name,
        provider=provider_name,
        engine=engine or provider.pool,
        licence=model.licence if model is not None else "",
        commercial=model.commercial if model is not None else "",
        where=found.where,
        verdict=found.verdict,
        said=found.said,
    )


def _found(here: Here, engine: str, name: str, model: Model | None, provider: Provider) -> _Found:
    if engine == Engine.DIFFUSERS:
        if model is None or model.engine is not Engine.DIFFUSERS:
            return _Found("", Verdict.MISSING, f"{name} has no weights: only services have it.")
        return _weights(here, here.catalog.models.id_of(name), model)
    if engine == Engine.COMFYUI:
        return _workflow(here, name, model, provider)
    if engine in SERVICES and provider.url is None:
        return _Found("", Verdict.MISSING, f"The engine {engine} needs the provider's url.")
    return _service(here, provider)


def _service(here: Here, provider: Provider) -> _Found:
    """A service is reached by its URL, and mostly wants a key; what has neither needs nothing."""
    where, key = provider.url or "this host", provider.key_env
    if key is not None and not here.environment.get(key):
        return _Found(where, Verdict.MISSING, f"{key} is not set here; its workers need it.")
    return _Found(where)


def _workflow(here: Here, name: str, model: Model | None, provider: Provider) -> _Found:
    remote = provider.calls(name, here.catalog.models.find(name))
    own = model.pipeline if model is not None and model.engine is Engine.COMFYUI else ""
    workflow = remote.name or own or name
    folders = here.settings.config_dirs()
    path = next((path for one in folders if (path := one / WORKFLOWS / f"{workflow}.json").is_file()), None)
    if path is None:
        said = f"There is no FARM_CONFIG_DIR/{WORKFLOWS}/{workflow}.json: export it from your ComfyUI."
        return _Found(provider.url or "", Verdict.MISSING, said)
    if provider.url is None:
        return _Found(str(path), Verdict.MISSING, "The engine comfyui needs the provider's url.")
    places = dict.fromkeys(_PLACE.findall(path.read_text()))
    lacks = [word for word in places if word not in _JOBS_WORDS and word not in remote.fixed]
    if lacks:
        said = f"{path.name} needs {', '.join(lacks)} under `fixed` of the provider's models.{name}."
        return _Found(str(path), Verdict.MISSING, said)
    return _service(here, provider)


def _weights(here: Here, model_id: str, model: Model) -> _Found:
    try:
        sources = sources_of(model_id, model, here.catalog.generate, here.settings)
    except TaskFailure as failure:
        file = file_of(here.settings.config_dirs(), model_id)
        where = f" It belongs into {FOLDER}/{file} there, under [{model_id}]."
        said = failure.message + (where if failure.public_code == UNPINNED else "")
        return _Found(model.repository, Verdict.MISSING, said)
    lacks = [*_lacking(here, sources)]
    if not lacks:
        return _Found(_told(sources.model))
    is_fetched = here.catalog.generate.download and not any(source.is_folder for source, _ in lacks)
    if is_fetched:
        return _Found(_told(sources.model), Verdict.NOTE, "It is downloaded when a job first needs it.")
    return _Found(_told(sources.model), Verdict.MISSING, " ".join(said for _, said in lacks))


def _lacking(here: Here, sources: Sources) -> Iterator[tuple[Source, str]]:
    """What is not there of a model and its parts, in words."""
    for source in (sources.model, *(part for _, part in sources.parts)):
        folder = _folder(source, here.environment)
        if folder is None or not folder.is_dir():
            yield source, _how_to_have(source)
        elif source.file is not None:
            if not (folder / source.file).exists():
                yield source, f"{folder / source.file} is not there."
        elif source is sources.model and (said := _broken(folder)):
            yield source, said


def _folder(source: Source, environment: Mapping[str, str]) -> Path | None:
    """Where its files lie, if it is here: its folder, or that of its commit in Hugging Face's cache."""
    if source.revision is None:
        return Path(source.place)
    home = Path(environment.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    cache = Path(environment.get("HF_HUB_CACHE") or home / "hub")
    return cache / f"models--{source.place.replace('/', '--')}" / "snapshots" / source.revision


def _how_to_have(source: Source) -> str:
    if source.is_folder:
        return f"{source.place} is not there."
    return f"Not in Hugging Face's cache: hf download {source.place} --revision {source.revision}"


def _broken(folder: Path) -> str:
    """What keeps diffusers from reading a pipeline there, as far as names of files tell."""
    try:
        index = json.loads((folder / _INDEX).read_text())
        parts = {name: said for name, said in index.items() if isinstance(said, list) and said[1] is not None}
    except (OSError, ValueError, AttributeError, IndexError):
        return f"{folder} has no {_INDEX}: it is no pipeline as diffusers saves one."
    if gone := [name for name in parts if not (folder / name).is_dir()]:
        return f"{folder} lacks {', '.join(gone)}."
    bare = [name for name in parts if _is_model(folder / name) and not any((folder / name).glob(_WEIGHTS))]
    return f"{folder} has no safetensors in {', '.join(bare)}." if bare else ""


def _is_model(part: Path) -> bool:
    """Tokenizers and schedulers have configs of other names."""
    return (part / "config.json").is_file()


def _told(source: Source) -> str:
    return source.place if source.is_folder else f"{source.place}@{source.revision}"
