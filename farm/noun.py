"""The base of the farm's frozen nouns: pydantic models that are immutable and refuse unknown fields."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Noun(BaseModel):
    """An immutable value that validates itself and travels as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants", allow_inf_nan=False)


class Sent(Noun):
    """What callers write by hand: camelCase, nothing unknown, nothing converted."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=False,
        serialize_by_alias=True,
        strict=True,
    )
