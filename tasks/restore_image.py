"""The kind `restore-image`: an old, noisy or faded picture made good."""

from typing import ClassVar

from farm.kinds import Kind
from farm.models import Capability
from tasks.retouching import PERFORMER, STEP, RetouchParams, plan_retouch, price_retouch_mc


class RestoreImage(RetouchParams):
    """The picture's own size is kept."""

    kind: ClassVar[str] = "restore-image"
    capability: ClassVar[Capability] = Capability.RESTORE


KIND = Kind(
    name=RestoreImage.kind,
    version=1,
    params=RestoreImage,
    plan=plan_retouch,
    price_mc=price_retouch_mc,
    steps={STEP: PERFORMER},
    summary="Make an old, noisy or faded picture good.",
)
