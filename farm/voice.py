"""An account's own voices: a voice of the catalog with a name, a speed and tags, saved for later."""

from dataclasses import dataclass

SAVED_PREFIX = "dvoice"


@dataclass(frozen=True, slots=True)
class NewVoice:
    """What to save. `voice_id` is of the catalog, `locale` one that it speaks; `speed` 1 is its own."""

    name: str
    voice_id: str
    locale: str
    speed: float = 1.0
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SavedVoice:
    """A voice that was saved. Times are Unix seconds."""

    id: str
    said: NewVoice
    created_at: float
    updated_at: float


def is_saved(voice_id: str) -> bool:
    """Whether this is the id of a saved voice, there or not."""
    return voice_id.startswith(f"{SAVED_PREFIX}_")
