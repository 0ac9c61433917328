"""What a format gives: its files, and what it cannot keep. Pure; nothing of the machine goes into a file."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import NamedTuple

from tasks.compose_otio.findings import Finding, pointer
from tasks.compose_otio.plan import Lane, Piece, Plan


class File(NamedTuple):
    """One file of an answer. `name` is plain ASCII without folders; `part` is which of a format's files."""

    format: str
    name: str
    content_type: str
    content: bytes
    is_text: bool = True
    part: str = ""


class Source(NamedTuple):
    """What files are made of: the plan, the `.otio` that stands beside them, and how files are called."""

    plan: Plan
    otio: str
    slug: str


Files = Callable[[Source], Sequence[File]]
Losses = Callable[[Plan], Iterator[Finding]]


def _never(_plan: Plan) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Format:
    """`write` makes the files, `losses` tells what they do not say of the plan, in the manifest's order.

    `refusal` says why there can be no such file: a rate that it has no words for. `needs` are modules that
    the extra called `extra` installs; without them this machine cannot write it. `piece_s` is how long each
    piece takes where that is long: who answers at once leaves such a file to a worker.
    """

    name: str
    write: Files
    losses: Losses
    refusal: Callable[[Plan], str | None] = _never
    extra: str = ""
    needs: tuple[str, ...] = ()
    piece_s: float = 0.0

    @property
    def missing(self) -> str | None:
        """Why this machine cannot write it; None when it can."""
        if all(find_spec(name) is not None for name in self.needs):
            return None
        return f"Needs an extra that is not installed here: pip install 'kinefarm[{self.extra}]'."


class Lost(NamedTuple):
    """Makes findings about one format."""

    format: str

    def __call__(
        self, message: str, *at: str | int, item_id: str | None = None, code: str = "dropped_by_format"
    ) -> Finding:
        """What the format does not keep of what stands at this pointer of the manifest."""
        return Finding(code=code, path=pointer(*at), message=message, item_id=item_id, format=self.format)

    def of_piece(self, piece: Piece, key: str, message: str, code: str = "dropped_by_format") -> Finding:
        """What it does not keep of a clip's or a layer's `key`."""
        return self(message, *piece.at, key, item_id=piece.item.id, code=code)

    def of_lane(self, lane: Lane, key: str, message: str) -> Finding:
        """What it does not keep of a layer's `key`."""
        return self(message, *lane.at, key, item_id=lane.pieces[0].item.id if lane.pieces else None)

    def relative_paths(self, message: str) -> Finding:
        """Media are named by the manifest's relative paths; the editor wants to be told where they are."""
        return self(message, "folder", "items", code="relative_paths")
