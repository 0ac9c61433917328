"""Files for editors that read no OpenTimelineIO: one module each, declaring `FORMAT`. To add one, add a file.

Only their names are known here; a writer is imported when somebody asks for its file. Modules whose names
begin with an underscore are helpers.
"""

import pkgutil
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticKnownError

NAMES = tuple(sorted(name for _, name, _ in pkgutil.iter_modules(__path__) if not name.startswith("_")))


def _known(name: str) -> str:
    if name not in NAMES:
        raise PydanticKnownError("literal_error", {"expected": ", ".join(f"'{known}'" for known in NAMES)})
    return name


FormatName = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": list(NAMES)})]
