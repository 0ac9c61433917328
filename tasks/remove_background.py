"""The kind `remove-background`: what a picture is about, alone, on a transparent ground."""

from typing import ClassVar

from farm.kinds import Kind
from farm.models import Capability
from tasks.retouching import PERFORMER, STEP, RetouchParams, plan_retouch, price_retouch_mc


class RemoveBackground(RetouchParams):
    """The picture's own size is kept; the file is a PNG."""

    kind: ClassVar[str] = "remove-background"
    capability: ClassVar[Capability] = Capability.REMOVE_BACKGROUND


KIND = Kind(
    name=RemoveBackground.kind,
    version=1,
    params=RemoveBackground,
    plan=plan_retouch,
    price_mc=price_retouch_mc,
    steps={STEP: PERFORMER},
    summary="Cut out what a picture is about.",
)
