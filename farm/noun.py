"""The base of the farm's frozen nouns: pydantic models that are immutable and refuse unknown fields."""

from pydantic import BaseModel, ConfigDict


class Noun(BaseModel):
    """An immutable value that validates itself and travels as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants", allow_inf_nan=False)
