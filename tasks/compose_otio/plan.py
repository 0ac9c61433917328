"""A composed timeline piece by piece, for writers of other formats: whole frames on both sides."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from farm.timeline import PLAIN_SPEED, Rate
from tasks.compose_otio.manifest import Item

CLIPS = ("intent", "videoSequence")
LAYERS = ("intent", "audioLayers")
MARKERS = ("intent", "markers")
HELD = Fraction(0)

At = tuple[str | int, ...]  # a pointer into the manifest, by its parts


@dataclass(frozen=True, slots=True)
class Dissolve:
    """How a piece begins: over `before` frames ahead of its cut and `after` behind it.

    `is_cut_short` where the clips have fewer frames beyond their trims than was asked for.
    """

    before: int
    after: int
    is_cut_short: bool = False

    @property
    def frames(self) -> int:
        """How long it lasts."""
        return self.before + self.after


@dataclass(frozen=True, slots=True)
class Piece:
    """A span of one medium, in `place` on the timeline: frames, half-open.

    `source` are the medium's frames that it shows, at the project's rate. A `speed` of 0 holds the first of
    them. `at` is where the manifest asks for it, as parts of a pointer.
    """

    at: At
    item: Item
    name: str
    place: range
    source: range
    there: int  # frames that the medium has; a still has as many as it is shown
    speed: Fraction = PLAIN_SPEED
    dissolve: Dissolve | None = None

    @property
    def centred(self) -> Dissolve | None:
        """Its dissolve where that may only lie in the middle of the cut: as much of it as does."""
        if self.dissolve is None:
            return None
        half = min(self.dissolve.before, self.dissolve.after)
        after = min(half + 1, self.dissolve.after)
        return Dissolve(half, after) if half else None

    @property
    def is_held(self) -> bool:
        """Whether one frame stands still."""
        return self.speed == HELD

    @property
    def is_still(self) -> bool:
        """Whether its medium is a picture that never moves."""
        return self.item.kind == "image"

    @property
    def is_retimed(self) -> bool:
        """Whether it moves at a speed of its own."""
        return self.speed not in (PLAIN_SPEED, HELD)


@dataclass(frozen=True, slots=True)
class Medium:
    """A file that is used, and how many frames it has at the project's rate."""

    item: Item
    there: int
    has_sound: bool


@dataclass(frozen=True, slots=True)
class Lane:
    """One track, and where the manifest asks for it.

    Gain is linear; fades are in frames, of its first and its last piece. `is_between`: an edge of the sound
    lies between two frames, and is moved to the nearer one.
    """

    at: At
    name: str
    role: str
    pieces: tuple[Piece, ...]
    gain: float = 1.0
    fade_in: int = 0
    fade_out: int = 0
    is_between: bool = False

    @property
    def is_layer(self) -> bool:
        """Whether it is one of the manifest's layers, and not what clips are heard of themselves."""
        return self.at[1] == LAYERS[1]


@dataclass(frozen=True, slots=True)
class Mark:
    """A marker over `place`, which is empty for a point, and where the manifest asks for it."""

    at: At
    name: str
    comment: str
    color: str
    place: range


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything on the timeline; `start` is the frame number that its first frame has in time codes."""

    name: str
    rate: Rate
    width: int
    height: int
    sample_rate: int
    start: int
    picture: Lane
    sounds: tuple[Lane, ...]
    marks: tuple[Mark, ...]

    @property
    def frames(self) -> int:
        """How long the picture is."""
        return self.picture.pieces[-1].place.stop

    @property
    def pieces(self) -> Iterator[Piece]:
        """Of the picture, then of each sound."""
        for lane in (self.picture, *self.sounds):
            yield from lane.pieces

    @property
    def media(self) -> tuple[Medium, ...]:
        """Every file that is used, in the order of its first use."""
        items = {piece.item.id: piece.item for piece in self.pieces}
        there: dict[str, int] = {}
        for piece in self.pieces:
            there[piece.item.id] = max(piece.there, there.get(piece.item.id, 0))
        heard = {piece.item.id for lane in self.sounds for piece in lane.pieces}
        return tuple(
            Medium(item, there[item.id], item.id in heard or bool(item.meta.has_audio))
            for item in items.values()
        )
