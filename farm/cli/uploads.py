"""Local files that a catalog names: each is uploaded once, whatever the number of rows that name it.

Needs the memory of one file's path: what was done is kept in a nameless temporary database on disk.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from farm.cli.answers import Refused
from farm.cli.console import remark
from farm.cli.footage import MediaFile, checked_file
from farm.errors import BadRequest
from farm.timeline import MediaKind

_TOLD = 5
_IDS = "asset_"
_OF_THE_FILE = (400, 404, 413, 415, 422)


@dataclass(frozen=True, slots=True)
class Uploaded:
    """An uploaded file as a job's parameters name it."""

    asset_id: str
    file_name: str
    media_kind: str


Upload = Callable[[MediaFile], Uploaded]
Look = Callable[[str], Uploaded]
"""By the id of an asset that is there already."""


class Journal:
    """What was uploaded, and which rows the farm has already."""

    def __init__(self, known_rows: Iterable[str] = ()) -> None:
        self._store = sqlite3.connect("", isolation_level=None)  # on disk, gone with the connection
        self._store.execute("CREATE TABLE files (path BLOB PRIMARY KEY, asset_id, file_name, media_kind)")
        self._store.execute("CREATE TABLE rows (custom_id TEXT PRIMARY KEY)")
        for custom_id in known_rows:
            self._store.execute("INSERT OR IGNORE INTO rows VALUES (?)", (custom_id,))

    def close(self) -> None:
        self._store.close()

    def has_row(self, custom_id: str) -> bool:
        """Whether the farm has made a job of it already."""
        query = "SELECT 1 FROM rows WHERE custom_id = ?"
        return self._store.execute(query, (custom_id,)).fetchone() is not None

    def uploaded(self, path: Path) -> Uploaded | None:
        """What became of this file, if it was kept."""
        query = "SELECT asset_id, file_name, media_kind FROM files WHERE path = ?"
        found = self._store.execute(query, (os.fsencode(path),)).fetchone()
        return None if found is None else Uploaded(*found)

    def keep(self, path: Path, made: Uploaded) -> None:
        """Remember what became of a file."""
        values = (os.fsencode(path), made.asset_id, made.file_name, made.media_kind)
        self._store.execute("INSERT INTO files VALUES (?, ?, ?, ?)", values)


class Files:
    """Turns what a cell says into an asset. Paths are relative to `folder`.

    What is wrong with a file is told, with its line, and stops no other: its row names an asset that is not
    there, and the farm refuses it.
    """

    def __init__(self, folder: Path, journal: Journal, upload: Upload, look: Look) -> None:
        self._folder = folder
        self._journal = journal
        self._upload = upload
        self._look = look
        self.uploaded = 0
        self.wrong = 0

    def asset(self, line: int, cell: str) -> Uploaded:
        """What a cell of this line names: a file, or an asset by its id."""
        path = self._folder / os.path.expanduser(cell)  # noqa: PTH111 - Path's own raises for unknown users
        if (found := self._journal.uploaded(path)) is not None:
            return found
        try:
            made = self._look(cell) if cell.startswith(_IDS) else self._sent(path)
        except BadRequest as error:
            self._tell(line, error.message)
        except OSError as error:
            self._tell(line, f"{path} cannot be read: {error.strerror}.")
        except Refused as error:
            if error.status not in _OF_THE_FILE:
                raise
            self._tell(line, f"{cell}: {error.message}")
        else:
            self._journal.keep(path, made)
            return made
        return Uploaded(cell, path.name or cell, MediaKind.IMAGE)

    def tell_the_rest(self) -> None:
        """Say how many files were wrong beyond those that were told one by one."""
        if self.wrong > _TOLD:
            remark(f"… and {self.wrong - _TOLD} more rows whose file cannot be uploaded.")

    def _sent(self, path: Path) -> Uploaded:
        made = self._upload(checked_file(path))
        self.uploaded += 1
        return made

    def _tell(self, line: int, message: str) -> None:
        self.wrong += 1
        if self.wrong <= _TOLD:
            remark(f"line {line}: {message}")
