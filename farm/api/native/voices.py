"""The voices of voiceovers: those of the farm, and those that an account has saved."""

from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import BaseModel, Field, StringConstraints

from farm.api.desk import AtDesk, SignedIn
from farm.api.native.paging import Cursor, Limit, page_of
from farm.api.native.wire import Asked
from farm.api.own_voices import OwnVoice, checked, own_voice, own_voices
from farm.api.routing import farm_router
from farm.doors import voices
from farm.errors import NotFound
from farm.voice import NewVoice, is_saved
from tasks.media_render.params import Speed
from tasks.media_render.voices import Filters, Voice, voices_for, voices_here

router = farm_router("/farm/v1/voices", "voices")
VoiceId = Annotated[str, Path(max_length=100, examples=["svoice_espeak_en-us_female"])]
Filter = Annotated[str | None, Query(max_length=100)]
Source = Literal["saved", "system"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=32)]
Tags = Annotated[list[Tag], Field(max_length=10)]
Locale = Annotated[str, Field(min_length=2, max_length=35, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


class VoiceRequest(Asked):
    """A voice of the farm with a name of one's own. Without `locale` it has that voice's."""

    name: Text = Field(examples=["My launch narrator"])
    voice_id: str = Field(max_length=100, examples=["svoice_espeak_en-us_female"])
    locale: Locale | None = None
    speed: Speed = Field(default=1.0, description="1 is how the voice speaks by itself.")
    tags: Tags = Field(default=[])


class VoiceChanges(Asked):
    """What is to change; whatever is not named stays. With another `voice_id` its locale is that voice's."""

    name: Text | None = None
    voice_id: str | None = Field(default=None, max_length=100)
    locale: Locale | None = None
    speed: Speed | None = None
    tags: Tags | None = None


class VoiceView(BaseModel):
    """A voice. Of a saved one `voice_id` is what it is made of; `available`: that can speak here now."""

    id: str
    name: str
    source: Source
    voice_id: str
    language: str = Field(examples=["en"])
    locale: str = Field(examples=["en-US"])
    gender: Literal["female", "male"] | None
    accent: str | None
    tags: list[str]
    engine: str | None
    speed: float
    available: bool
    created_at: float | None
    updated_at: float | None

    @classmethod
    def of(cls, voice: Voice) -> "VoiceView":
        return cls(
            id=voice.id,
            name=voice.name,
            source="system",
            voice_id=voice.id,
            language=voice.language,
            locale=voice.locale,
            gender=voice.gender,
            accent=voice.accent,
            tags=list(voice.tags),
            engine=voice.engine,
            speed=1.0,
            available=True,
            created_at=None,
            updated_at=None,
        )

    @classmethod
    def of_own(cls, own: OwnVoice) -> "VoiceView":
        said, base = own.saved.said, own.base
        return cls(
            id=own.saved.id,
            name=said.name,
            source="saved",
            voice_id=said.voice_id,
            language=own.language,
            locale=own.locale,
            gender=base.gender if base else None,
            accent=base.accent if base else None,
            tags=list(said.tags),
            engine=base.engine if base else None,
            speed=said.speed,
            available=base is not None,
            created_at=own.saved.created_at,
            updated_at=own.saved.updated_at,
        )


class VoiceList(BaseModel):
    """Saved voices, oldest first, then the farm's. Pass `next_cursor` as `cursor` for the page after."""

    data: list[VoiceView]
    next_cursor: str | None


@router.post("", status_code=201)
def create(body: VoiceRequest, desk: AtDesk, caller: SignedIn) -> VoiceView:
    """Save a voice under a name. Renders take its id as they take any other voice's."""
    new = checked(NewVoice(body.name, body.voice_id, body.locale or "", body.speed, tuple(body.tags)))
    return VoiceView.of_own(own_voice(voices.save_voice(desk.hall, caller.account, new)))


@router.get("")
def index(
    desk: AtDesk,
    caller: SignedIn,
    language: Filter = None,
    gender: Filter = None,
    engine: Filter = None,
    source: Annotated[Source | None, Query(description="Only saved ones, or only the farm's.")] = None,
    limit: Limit = 1000,
    cursor: Cursor = None,
) -> VoiceList:
    """The voices that fit the filters. `language` is `en` or, for one region's, `en-GB`."""
    filters = Filters(language=language, gender=gender, engine=engine)
    found = [VoiceView.of_own(own) for own in own_voices(desk.hall, caller.account, filters)]
    found += [VoiceView.of(voice) for voice in voices_for(filters)]
    wanted = [view for view in found if source in (None, view.source)]
    page, following = page_of(wanted, lambda view: view.id, limit, cursor)
    return VoiceList(data=page, next_cursor=following)


@router.get("/{voice_id}")
def show(voice_id: VoiceId, desk: AtDesk, caller: SignedIn) -> VoiceView:
    """One voice, saved or the farm's."""
    if is_saved(voice_id):
        return VoiceView.of_own(own_voice(voices.saved_voice(desk.hall, caller.account, voice_id)))
    for voice in voices_here():
        if voice.id == voice_id:
            return VoiceView.of(voice)
    raise NotFound(
        f"There is no voice {voice_id[:64]!r}; GET /farm/v1/voices (or `farm voices`) lists them.",
        param="voice_id",
    )


@router.patch("/{voice_id}")
def change(voice_id: VoiceId, body: VoiceChanges, desk: AtDesk, caller: SignedIn) -> VoiceView:
    """Change what is named of a saved voice. Jobs that were submitted before stay as they were."""
    said = voices.saved_voice(desk.hall, caller.account, voice_id).said
    kept = "" if body.voice_id not in (None, said.voice_id) else said.locale
    new = NewVoice(
        name=said.name if body.name is None else body.name,
        voice_id=said.voice_id if body.voice_id is None else body.voice_id,
        locale=kept if body.locale is None else body.locale,
        speed=said.speed if body.speed is None else body.speed,
        tags=said.tags if body.tags is None else tuple(body.tags),
    )
    changed = voices.change_voice(desk.hall, caller.account, voice_id, checked(new))
    return VoiceView.of_own(own_voice(changed))


@router.delete("/{voice_id}")
def remove(voice_id: VoiceId, desk: AtDesk, caller: SignedIn) -> VoiceView:
    """Forget a saved voice. Jobs that were submitted with it are none the worse."""
    return VoiceView.of_own(own_voice(voices.remove_voice(desk.hall, caller.account, voice_id)))
