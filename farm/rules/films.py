"""How films are put together: what configs/encode.toml, tunes.toml and fonts.toml say. Values only."""

from pydantic import Field

from farm.noun import Noun


class SegmentRules(Noun):
    """See configs/encode.toml, where each key is explained."""

    film_s: float = Field(ge=0)
    segment_s: float = Field(gt=0)
    most: int = Field(gt=0)
    incremental_film_s: float = Field(ge=0)
    incremental_segment_s: float = Field(gt=0)


class TuneRules(Noun):
    """See configs/tunes.toml, where each key is explained."""

    folder: str = ""
    bundled: bool = True
    fallback: str = ""


class FontRules(Noun):
    """See configs/fonts.toml, where each key is explained."""

    folder: str = ""
    first: bool = False
