"""What an operator has set that nothing reads: FARM_* variables and config files with slips in the name."""

import difflib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from farm.settings import Settings

_PREFIX = "FARM_"
_LIKE = 0.8
_OTHERS = ("FARM_URL", "FARM_API_KEY")


def unread(settings: Settings, environment: Mapping[str, str]) -> Iterator[str]:
    """Sentences that name it, and what was perhaps meant. Variables that are like none may be others' own."""
    variables = {f"{_PREFIX}{name.upper()}" for name in Settings.model_fields}.union(_OTHERS)
    for name in sorted(set(environment).difference(variables)):
        if name.startswith(_PREFIX) and (meant := _nearest(name, variables)):
            yield f"{name} is not read; perhaps {meant}"
    if settings.config_dir is not None:
        known = _stems(settings.config_dirs()[-1])
        for stem in sorted(_stems(settings.config_dir) - known):
            meant = _nearest(stem, known)
            yield f"FARM_CONFIG_DIR/{stem}.toml is not read" + (f"; perhaps {meant}.toml" if meant else "")


def _nearest(name: str, known: Collection[str]) -> str | None:
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=_LIKE)
    return near[0] if near else None


def _stems(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.toml")}
