"""What a written file must turn out to be."""

from dataclasses import dataclass

from farm.timeline import Rate


@dataclass(frozen=True, slots=True)
class Shape:
    """Size in pixels, exact rate and length; `samples` at `sample_rate`, 0: without sound."""

    width: int
    height: int
    rate: Rate
    frames: int
    sample_rate: int
    samples: int
