"""A generation as its account sees it: a job, what was made of it since, and its files."""

from dataclasses import dataclass

from farm.job import Artifact, Job


@dataclass(frozen=True, slots=True)
class Marks:
    """What an account has made of a generation. `token` opens its files while it is shared or public."""

    is_favorite: bool = False
    is_shared: bool = False
    is_public: bool = False
    token: str | None = None

    @property
    def is_open(self) -> bool:
        return self.is_shared or self.is_public


@dataclass(frozen=True, slots=True)
class GeneratedFile:
    """A finished file. `name` is its own within the account: the file name that calls know it by."""

    name: str
    artifact: Artifact


@dataclass(frozen=True, slots=True)
class Generation:
    """A job that generates something; `id` is its number. Its files are gone once they have expired."""

    job: Job
    marks: Marks
    files: tuple[GeneratedFile, ...] = ()

    @property
    def id(self) -> int:
        return self.job.seq
