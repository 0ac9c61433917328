"""What a task asks of a model, read from the parameters of any kind by their names."""

import secrets
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Self

from pydantic import Field

from farm.models import Wish
from farm.noun import Noun
from tasks.generate_video import MOST_SEED


class Asked(Noun):
    """Pictures and videos are asset ids. None is the model's own default."""

    prompt: str = ""
    negative_prompt: str = ""
    image: str | None = None
    last_image: str | None = None
    video: str | None = None
    images: tuple[str, ...] = ()
    style_image: str | None = None
    strength: float | None = Field(default=None, ge=0, le=1)
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    length_s: Decimal | None = None
    frame_rate: int | None = None
    steps: int | None = None
    count: int = 1
    cfg: float | None = None
    seed: int | None = None
    sampler: str | None = None
    scheduler: str | None = None
    shift: float | None = None
    watermark: bool = False
    hand_on_s: float | None = None
    sound: bool | None = None

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Self:
        """Whatever else a kind has is not a model's affair. Without a seed each attempt gets another."""
        said = {name: params[name] for name in cls.model_fields if params.get(name) is not None}
        said.setdefault("seed", secrets.randbelow(MOST_SEED))
        return cls.model_validate(said)

    @property
    def wish(self) -> Wish:
        """What the model's rules look at."""
        return Wish(
            width=self.width,
            height=self.height,
            frames=self.frames,
            length_s=self.length_s,
            frame_rate=self.frame_rate,
            steps=self.steps,
            count=self.count,
        )

    @property
    def references(self) -> tuple[str, ...]:
        """Pictures that are looked at: of characters, and then of the style."""
        return self.images if self.style_image is None else (*self.images, self.style_image)

    def seed_of(self, number: int) -> int:
        """Of the `number`-th item, from 0."""
        assert self.seed is not None
        return (self.seed + number) % MOST_SEED
