"""Where a model's weights lie: in a folder of this host, or in a repository at a commit.

Nothing is loaded here, and nothing but folders is looked at.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from farm.diffusing import DiffusionRules, OwnModel
from farm.errors import FailureClass, TaskFailure
from farm.models import Model
from farm.settings import Settings

FOLDER = "models"  # under FARM_HOME
UNPINNED = "model_unpinned"
# owner/name@commit, and the one file of it that is meant
_PART = re.compile(r"(?P<repository>[^@:]+)(@(?P<revision>[0-9a-f]{40}))?(:(?P<file>.+))?")


@dataclass(frozen=True, slots=True)
class Source:
    """A folder, or a repository with its commit. `file` is the one that is meant, where it is one only."""

    place: str
    revision: str | None = None
    file: str | None = None

    @property
    def is_folder(self) -> bool:
        return self.revision is None


@dataclass(frozen=True, slots=True)
class Sources:
    """All that a model is put together from."""

    model: Source
    parts: tuple[tuple[str, Source], ...] = ()


def sources_of(model_id: str, model: Model, rules: DiffusionRules, settings: Settings) -> Sources:
    """Where they lie on this worker. Raises TaskFailure `model_unpinned` naming what lacks a revision."""
    own, root = rules.of(model_id), Path(rules.folder) if rules.folder else settings.root / FOLDER
    parts = {**model.parts, **own.parts}
    return Sources(
        _model(model_id, model, own, root),
        tuple((role, _part(role, said, root)) for role, said in sorted(parts.items()) if said),
    )


def _model(model_id: str, model: Model, own: OwnModel, root: Path) -> Source:
    if own.folder:
        return Source(str(Path(own.folder).expanduser()))
    for folder in (root / model_id, root / model.repository):
        if folder.is_dir():
            return Source(str(folder))
    if not model.revision:
        raise _unpinned(model.repository, root / model_id, "`revision` of the model")
    return Source(model.repository, model.revision)


def _part(role: str, said: str, root: Path) -> Source:
    path = Path(said).expanduser()
    if path.is_absolute():
        return Source(str(path.parent), file=path.name) if path.suffix else Source(str(path))
    found = _PART.fullmatch(said)
    if found is None:
        raise TaskFailure(
            f"The part {role} cannot be {said!r}.", FailureClass.INTERNAL, code="model_unreadable"
        )
    if (folder := root / found["repository"]).is_dir():
        return Source(str(folder), file=found["file"])
    if found["revision"] is None:
        said = f"the part {role} as {found['repository']}@COMMIT"
        raise _unpinned(found["repository"], folder, said)
    return Source(found["repository"], found["revision"], found["file"])


def _unpinned(repository: str, folder: Path, key: str) -> TaskFailure:
    return TaskFailure(
        f"The repository {repository} has no revision in the catalog, so nothing of it is loaded, and"
        f" {folder} is not there. Put the weights there, or name the commit that you have looked at: {key},"
        " in FARM_CONFIG_DIR/models, as `farm models check` tells.",
        FailureClass.INTERNAL,
        code=UNPINNED,
    )
