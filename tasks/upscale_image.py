"""The kind `upscale-image`: a picture two to four times as large."""

from typing import ClassVar

from pydantic import Field

from farm.kinds import Kind
from farm.models import Capability
from tasks.retouching import PERFORMER, STEP, RetouchParams, plan_retouch, price_retouch_mc

LEAST_SCALE, MOST_SCALE = 2.0, 4.0


class UpscaleImage(RetouchParams):
    """`scale` is of each side."""

    kind: ClassVar[str] = "upscale-image"
    capability: ClassVar[Capability] = Capability.UPSCALE

    scale: float = Field(default=LEAST_SCALE, ge=LEAST_SCALE, le=MOST_SCALE)


KIND = Kind(
    name=UpscaleImage.kind,
    version=1,
    params=UpscaleImage,
    plan=plan_retouch,
    price_mc=price_retouch_mc,
    steps={STEP: PERFORMER},
    summary="Make a picture larger.",
)
