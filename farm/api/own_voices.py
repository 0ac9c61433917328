"""An account's saved voices beside those of the catalog: what they are made of, and what a job has of them.

A saved voice is looked up when a job is submitted and its settings go into the job: whatever becomes of it
afterwards, the job stays as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from farm.account import Account
from farm.doors import voices
from farm.doors.hall import Hall
from farm.errors import BadRequest, NotFound
from farm.kinds import Params
from farm.voice import NewVoice, SavedVoice, is_saved
from tasks.media_render import MediaRender, Voiceover
from tasks.media_render.voices import Filters, Voice, check_language, voice_of, voices_here


@dataclass(frozen=True, slots=True)
class OwnVoice:
    """A saved voice, and the voice of the catalog that it is made of: None where this farm lacks that now."""

    saved: SavedVoice
    base: Voice | None

    @property
    def locale(self) -> str:
        return self.saved.said.locale

    @property
    def language(self) -> str:
        """Without its region: `en`."""
        return self.locale.partition("-")[0]

    def fits(self, filters: Filters) -> bool:
        """By the locale it was saved with. One that cannot speak fits only where nothing is asked."""
        if self.base is None:
            return filters == Filters()
        return filters.fit(self.base.model_copy(update={"locale": self.locale, "also": ()}))


def own_voices(hall: Hall, account: Account, filters: Filters) -> Sequence[OwnVoice]:
    """The account's voices that fit, oldest first. Raises BadRequest for filters that nothing could fit."""
    filters.check()
    found = [own_voice(saved) for saved in voices.list_voices(hall, account)]
    return [own for own in found if own.fits(filters)]


def own_voice(saved: SavedVoice) -> OwnVoice:
    """The saved voice beside what it is made of."""
    base = next((voice for voice in voices_here() if voice.id == saved.said.voice_id), None)
    return OwnVoice(saved, base)


def checked(new: NewVoice) -> NewVoice:
    """The same with the voice's own locale where none was named. Raises BadRequest."""
    if is_saved(new.voice_id):
        raise BadRequest("A saved voice is made of one of the farm's own: svoice_….", param="voice_id")
    base = _named(new.voice_id)
    if not new.locale:
        return NewVoice(new.name, new.voice_id, base.locale, new.speed, new.tags)
    try:
        check_language(base, new.locale)
    except BadRequest as error:
        raise BadRequest(error.message, param="locale") from None
    return new


def _named(voice_id: str) -> Voice:
    try:
        return voice_of(voice_id)
    except BadRequest as error:
        raise BadRequest(error.message, param="voice_id", code=error.public_code) from None


def with_own_voice(hall: Hall, account: Account, params: Params) -> Params:
    """The parameters with what a saved voice stands for, if they name one. Raises BadRequest."""
    if not isinstance(params, MediaRender) or params.voiceover is None:
        return params
    spoken = as_spoken(hall, account, params.voiceover)
    return params if spoken is params.voiceover else params.model_copy(update={"voiceover": spoken})


def as_spoken(hall: Hall, account: Account, voiceover: Voiceover) -> Voiceover:
    """The voiceover by a voice of the catalog. What it says of its own goes before what was saved.

    Raises BadRequest with the code UNKNOWN_VOICE, also for another account's voice.
    """
    if not is_saved(voiceover.voice_id):
        return voiceover
    try:
        said = voices.saved_voice(hall, account, voiceover.voice_id).said
    except NotFound:
        voice_of(voiceover.voice_id)  # refuses it as it refuses any other
        raise
    speed = voiceover.speed if "speed" in voiceover.model_fields_set else said.speed
    changes = {"voice_id": said.voice_id, "speed": speed, "language": voiceover.language or said.locale}
    return voiceover.model_copy(update=changes)
