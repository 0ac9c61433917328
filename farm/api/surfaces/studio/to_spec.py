"""What the studio's requests become: parameters of kinds, within the account's tier.

What a model needs and takes is checked here, because here files have the names that the caller knows.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

from pydantic import ValidationError

from farm.account import Account
from farm.api.desk import Desk
from farm.api.errors import refused_params
from farm.api.generation import within_tier
from farm.api.surfaces.studio import asked
from farm.api.surfaces.studio.handed_in import handed_in
from farm.asset import Asset
from farm.catalog import Catalog
from farm.errors import BadRequest, NotAllowed
from farm.generation_limits import limits_of
from farm.job import JobSpec
from farm.kinds import Params
from farm.models import Capability, Given, Model, Wish
from farm.providers import AUTO
from farm.timeline import MediaKind
from tasks.add_sound import AddSound
from tasks.edit_image import EditImage
from tasks.generate_audio import GenerateAudio
from tasks.generate_image import GenerateImage
from tasks.generate_video import MOST_SEED, GenerateVideo
from tasks.tts import Tts

SURFACE = "studio"
V2V = "v2v"
# How a video is asked for with what: our fields' names, and the kind's.
_FIELDS: Mapping[Given, tuple[str, MediaKind]] = {
    Given.IMAGE: ("image_filename", MediaKind.IMAGE),
    Given.LAST_IMAGE: ("end_image_filename", MediaKind.IMAGE),
    Given.AUDIO: ("audio_filename", MediaKind.AUDIO),
    Given.VIDEO: ("driving_video_filename", MediaKind.VIDEO),
}
_NAMES: Mapping[Given, str] = {given: name for given, (name, _) in _FIELDS.items()}
_SETTINGS = ("negative_prompt", "width", "height", "frames", "steps", "cfg", "sampler", "scheduler", "shift")

P = TypeVar("P", bound=Params)


def spec_of(params: Params, project_id: int | None = None) -> JobSpec:
    """A job of the studio."""
    return JobSpec(params=params, surface=SURFACE, project_id=str(project_id) if project_id else None)


def video(desk: Desk, account: Account, body: asked.GenerateBody) -> GenerateVideo:
    """Raises BadRequest, NotFound and NotAllowed, each naming the field."""
    named = {given: getattr(body, field) for given, (field, _) in _FIELDS.items()}
    given = [given for given, name in named.items() if name is not None]
    _check_inputs(given)
    model = body.model or AUTO
    files = {
        given.value: handed_in(desk, account, name, *_FIELDS[given]).id
        for given, name in named.items()
        if name is not None
    }
    said: dict[str, Any] = {name: getattr(body, name) for name in (*_SETTINGS, "frame_rate")}
    params = _made(GenerateVideo, prompt=body.prompt, model=model, seed=seed_of(body.seed), **said, **files)
    _check_model(desk.hall.catalog, model, params.capability, given)
    return within_tier(desk.hall.catalog, account, params)


def restyled(desk: Desk, account: Account, body: asked.V2vBody) -> GenerateVideo:
    """A video after another one, as long, as large and as quick as that, so far as it is known and can be."""
    catalog, model = desk.hall.catalog, body.model or V2V
    source = handed_in(desk, account, body.video_filename, "video_filename", MediaKind.VIDEO)
    said: dict[str, Any] = {name: getattr(body, name) for name in ("negative_prompt", "steps", "cfg")}
    params = _made(
        GenerateVideo,
        prompt=body.prompt,
        model=model,
        video=source.id,
        strength=body.strength,
        seed=seed_of(body.seed),
        **said,
        **_shape_of(source, _known(catalog, model), limits_of(catalog, account.tier).video_side),
    )
    _check_model(catalog, model, params.capability, [Given.VIDEO], {Given.VIDEO: "video_filename"})
    _check_length(_known(catalog, model), params.wish)
    try:
        return within_tier(catalog, account, params)
    except NotAllowed as error:
        raise _of_the_video(error) from None


def pictures(desk: Desk, account: Account, body: asked.ImageBody) -> Sequence[GenerateImage | EditImage]:
    """One request for each picture, so that each can be polled, cancelled and deleted by itself."""
    catalog, model = desk.hall.catalog, body.model or AUTO
    own = ("negative_prompt", "width", "height", "steps", "cfg", "sampler", "scheduler")
    said: dict[str, Any] = {name: getattr(body, name) for name in own}
    said |= {"prompt": body.prompt, "model": model, "seed": seed_of(body.seed)}
    params: GenerateImage | EditImage
    if body.image_filename is None:
        params = _made(GenerateImage, **said)
        _check_model(catalog, model, params.capability, [])
    else:
        source = handed_in(desk, account, body.image_filename, "image_filename", MediaKind.IMAGE)
        params = _made(EditImage, images=(source.id,), **said)
        _check_model(catalog, model, params.capability, [Given.IMAGE])
    return list(_each(within_tier(catalog, account, params), body.count))


def sound(body: asked.AudioBody) -> GenerateAudio:
    """Music or effects."""
    seconds = None if body.duration_seconds is None else Decimal(str(body.duration_seconds))
    return _made(
        GenerateAudio,
        prompt=body.prompt,
        tags=body.words,
        duration_s=seconds,
        seed=seed_of(body.seed),
        model=body.model or AUTO,
    )


def speech(catalog: Catalog, body: asked.SpeechBody) -> Tts:
    """Raises BadRequest for a voice that is none of the studio's."""
    voice = catalog.studio_voices.get(body.voice_id)
    if voice is None:
        known = ", ".join(catalog.studio_voices)
        raise BadRequest(f"voice_id is one of {known}.", param="voice_id")
    return _made(Tts, text=body.text, voice=voice.voice, speed=body.speed)


def with_sound(desk: Desk, account: Account, body: asked.AddAudioBody) -> AddSound:
    """A sound instead of a video's own, or beside it."""
    film = handed_in(desk, account, body.video_filename, "video_filename", MediaKind.VIDEO)
    heard = handed_in(desk, account, body.audio_filename, "audio_filename", MediaKind.AUDIO)
    return _made(
        AddSound, video=film.id, audio=heard.id, replace_audio=not body.mix, audio_volume=body.volume
    )


def with_speech(desk: Desk, account: Account, body: asked.AddSpeechBody) -> AddSound:
    """Speech over a video's own sound."""
    film = handed_in(desk, account, body.video_filename, "video_filename", MediaKind.VIDEO)
    heard = handed_in(desk, account, body.tts_filename, "tts_filename", MediaKind.AUDIO)
    return _made(
        AddSound,
        video=film.id,
        audio=heard.id,
        replace_audio=False,
        audio_volume=body.volume,
        offset_s=body.offset_seconds,
    )


def seed_of(asked_for: int | None) -> int | None:
    """-1 and nothing are a random one."""
    return None if asked_for is None or asked_for < 0 else asked_for


def _made(params: type[P], **said: object) -> P:
    """The parameters, of what was said. Raises BadRequest naming the field."""
    try:
        return params.model_validate({name: value for name, value in said.items() if value is not None})
    except ValidationError as error:
        raise refused_params(error, "") from None


def _each(params: GenerateImage | EditImage, count: int) -> Iterator[GenerateImage | EditImage]:
    for number in range(count):
        seed = None if params.seed is None else (params.seed + number) % (MOST_SEED + 1)
        yield params.model_copy(update={"seed": seed})


def _check_inputs(given: Collection[Given]) -> None:
    """What makes no sense with any model."""
    for alone in (Given.LAST_IMAGE, Given.AUDIO):
        if alone in given and Given.IMAGE not in given:
            raise BadRequest(f"{_FIELDS[alone][0]} needs image_filename as well.", param="image_filename")


def _check_model(
    catalog: Catalog,
    name: str,
    capability: Capability,
    given: Collection[Given],
    names: Mapping[Given, str] = _NAMES,
) -> None:
    """Refuse what the model lacks or cannot use, by the field's name; of unknown models nothing is known."""
    model = _known(catalog, name)
    if model is None:
        return
    for needed in model.needs:
        if needed not in given and needed in _NAMES:
            field = {**_NAMES, **names}[needed]
            raise BadRequest(f"{field} is required: {name} needs it.", param=field)
    for extra in given:
        if extra not in (*model.needs, *model.takes):
            field = {**_NAMES, **names}[extra]
            raise BadRequest(f"{field}: {name} takes no such file.", param=field)
    if capability not in model.serves:
        can = ", ".join(model.serves)
        raise BadRequest(f"{name} does {can}; this asks for {capability}.", param="model")


def _known(catalog: Catalog, name: str) -> Model | None:
    found = catalog.models.find(name)
    return catalog.models.models[found] if found else None


def _of_the_video(error: NotAllowed) -> NotAllowed:
    """Nobody asked for frames: what has too many is the video."""
    if error.param != "frames":
        return error
    said = error.message.replace("frames: ", "video_filename: ", 1)
    return NotAllowed(said, param="video_filename", code=error.public_code)


def _shape_of(source: Asset, model: Model | None, most_side: int) -> dict[str, Any]:
    """Length, rate and size of a video, as far as the farm noted them; smaller where model or tier must.

    `most_side` is what the tier allows of the shorter side.
    """
    told = {name: source.meta.get(name) for name in ("width", "height", "frames", "frame_rate")}
    shape: dict[str, Any] = {
        name: value for name, value in told.items() if isinstance(value, int) and value > 0
    }
    length_s = source.meta.get("duration_s")
    if "frames" not in shape and isinstance(length_s, int | float) and length_s > 0:
        shape["length_s"] = Decimal(str(length_s))
    return shape | _within(shape, model, most_side)


def _check_length(model: Model | None, wish: Wish) -> None:
    """Nobody asked for frames: what is too long is the video."""
    rule = model.frames if model is not None else None
    if model is None or rule is None:
        return
    frames = wish.frames or (wish.length_s or 0) * (wish.frame_rate or model.defaults.frame_rate)
    if frames > rule.most:
        raise BadRequest(
            f"video_filename: the video is longer than the {rule.most} frames of {model.name}.",
            param="video_filename",
        )


def _within(shape: Mapping[str, int], model: Model | None, most_side: int) -> dict[str, int]:
    """The sides, in their proportion, as large as the model makes them and the tier has them."""
    sides = {name: shape[name] for name in ("width", "height") if name in shape}
    if len(sides) < 2:
        return {}
    shorter, longer = sorted(sides.values())
    most = model.size.most if model is not None and model.size is not None else longer
    share = min(Fraction(1), Fraction(most, longer), Fraction(most_side, shorter))
    return {name: max(1, int(side * share)) for name, side in sides.items()}
