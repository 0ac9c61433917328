"""What pydantic found wrong, in words for whoever sent it."""

import re
from typing import Final, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_BEFORE_OURS: Final = re.compile(r"^(Value error|Assertion failed), ")


class Fault(NamedTuple):
    """One thing that is wrong, and the field it is wrong with."""

    place: tuple[int | str, ...]  # ("scenes", 0); empty: the whole
    text: str

    @property
    def where(self) -> str:
        """`scenes.0.text`; "" for the whole."""
        return ".".join(map(str, self.place))


def fault_text(found: ErrorDetails) -> str:
    """Its message, without what pydantic puts before the words of our own validators."""
    return _BEFORE_OURS.sub("", found["msg"])


def first_fault(error: ValidationError) -> Fault:
    """The first of what is wrong: what its sender is told."""
    found = error.errors(include_url=False)[0]
    return Fault(found["loc"], fault_text(found))
