"""Reads the models' catalog: every .toml in the folder `models` of the configs, a table for each model.

A file of the same name in FARM_CONFIG_DIR/models replaces single keys; one of another name adds models.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from farm.config_files import merge, read_toml
from farm.errors import FarmUnavailable
from farm.model_book import ModelBook
from farm.models import Model
from farm.validation import first_fault

FOLDER = "models"


def read_models(dirs: Sequence[Path]) -> ModelBook:
    """All models of the config folders, the operator's first. Raises FarmUnavailable naming file and key."""
    found: dict[str, Model] = {}
    files: dict[str, str] = {}
    for name in sorted({path.name for folder in dirs for path in (folder / FOLDER).glob("*.toml")}):
        said: dict[str, Any] = {}
        for folder in reversed(dirs):
            merge(said, read_toml(folder / FOLDER / name))
        for model_id, entry in said.items():
            if model_id in found:
                raise _wrong(name, model_id, f"is in {files[model_id]} as well")
            found[model_id], files[model_id] = _model(name, model_id, entry), name
    _check_fallbacks(found, files)
    return _book(found, files)


def file_of(dirs: Sequence[Path], model_id: str) -> str:
    """The name of the file that has the model: keys of it are replaced in an operator's file of that name."""
    paths = (path for folder in dirs for path in sorted((folder / FOLDER).glob("*.toml")))
    return next((path.name for path in paths if model_id in read_toml(path)), "")


def _model(file: str, model_id: str, entry: object) -> Model:
    try:
        return Model.model_validate(entry)
    except ValidationError as error:
        fault = first_fault(error)
        raise _wrong(file, f"{model_id}.{fault.where}".rstrip("."), fault.text) from error


def _check_fallbacks(found: Mapping[str, Model], files: Mapping[str, str]) -> None:
    for model_id, model in found.items():
        for other in model.fallbacks:
            if other not in found or other == model_id:
                raise _wrong(
                    files[model_id], f"{model_id}.fallbacks", f"names {other!r}, which is no other model"
                )


def _book(found: Mapping[str, Model], files: Mapping[str, str]) -> ModelBook:
    try:
        return ModelBook(models=found)
    except ValidationError as error:
        fault = first_fault(error)
        model_id = str(fault.place[1]) if len(fault.place) > 1 else ""
        raise _wrong(files.get(model_id, FOLDER), model_id, fault.text) from error


def _wrong(file: str, key: str, what: str) -> FarmUnavailable:
    return FarmUnavailable(f"models/{file}: {key}: {what}.", param=key)
