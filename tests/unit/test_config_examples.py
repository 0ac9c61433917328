"""The examples in the configs' comments, all uncommented at once: the farm takes them as they stand there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.catalog import read_catalog
from farm.settings import Settings

CONFIGS = Path(__file__).parents[2] / "configs"
TABLE = re.compile(r"^\[[a-z][\w.\"*/-]+\]")
ENTRY = re.compile(r"^[\w\"*.-]+ = |^[{\]]")
SHARED = ("providers", "routes", "auto")
COMMIT = "a" * 40  # where an example leaves it to its reader


def examples(text: str) -> Iterator[tuple[str, str]]:
    """Each line of an example, with the table that it stands in."""
    table = ""
    for line in text.splitlines():
        said = line.removeprefix("#").strip() if line.startswith("#") else ""
        if TABLE.match(said):
            table = said.partition("]")[0] + "]"
        elif table and ENTRY.match(said):
            yield table, said.replace('"…"', f'"{COMMIT}"')
        elif said:
            table = ""


@pytest.fixture
def operator(tmp_path: Path) -> Path:
    """A FARM_CONFIG_DIR with all of them. What is about providers goes to its file, as the comments say."""
    files: dict[str, dict[str, list[str]]] = {}
    for path in sorted(CONFIGS.glob("*.toml")):
        for table, line in examples(path.read_text()):
            is_shared = table.strip("[]").partition(".")[0] in SHARED
            file = files.setdefault("providers.toml" if is_shared else path.name, {})
            file.setdefault(table, []).append(line)
    for name, tables in files.items():
        text = "\n".join("\n".join([table, *dict.fromkeys(lines)]) for table, lines in tables.items())
        (tmp_path / name).write_text(text)
    return tmp_path


def test_every_example_is_taken_as_it_stands(operator: Path) -> None:
    catalog = read_catalog(Settings(config_dir=operator))
    book = catalog.providers
    assert {"my-service", "fal", "my-llm", "my-speech", "my-gpus", "my-openai"} <= set(book.providers)
    assert book.auto["chat"] == "gpt-4o-mini"
    assert catalog.voices.remote["alloy"].model == "tts-1"
    assert catalog.key_rates["farm_live_0a1b2c3d"]["generations"] == "5000/minute"
