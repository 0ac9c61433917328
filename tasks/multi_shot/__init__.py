"""multi-shot: several prompts become the shots of one film.

Each shot is a task of its own at a provider, priced as a video of its length; the render engine joins them. A
shot that goes on where the one before ended waits for that one's last frame, which is its first picture.
"""

from collections.abc import Iterator, Sequence

from farm.catalog import Catalog
from farm.kinds import Kind, TaskSpec
from farm.moderation import Told
from farm.timeline import Media, MediaKind, Rate, Timeline, VideoClip, VideoTrack
from farm.timeline import Transition as Blend
from tasks import generate_video
from tasks.generate_video import HANDED_ON, HARD_S, SOFT_S, VIDEO, GenerateVideo
from tasks.media_render.profiles import DEFAULT_PROFILE, PROFILES
from tasks.multi_shot.layout import FRAME_RATE, Place, Transition, lay_out
from tasks.multi_shot.params import LEAST_SHOT_S, LONGEST_S, MOST_SHOTS, MultiShot, Shot

__all__ = [
    "KIND",
    "LEAST_SHOT_S",
    "LONGEST_S",
    "MOST_SHOTS",
    "MultiShot",
    "Shot",
    "Transition",
    "video_of",
]

SHOT, FRAME, JOIN = "shot", "frame", "render"
_POOL = "cpu-render"
_FRAME_S, _JOIN_START_S, _JOIN_FRAME_S = 0.5, 1.0, 0.01
_JOIN_SOFT_S = 900.0


def plan(params: MultiShot) -> Sequence[TaskSpec]:
    """A task for each shot, one for each frame that is handed on, and the one that joins."""
    return [*_shots(params), _join(params)]


def price_mc(params: MultiShot, catalog: Catalog) -> int:
    """All shots, each as its first candidate prices it."""
    shots = (video_of(params, number) for number in range(len(params.shots)))
    return sum(generate_video.price_mc(shot, catalog) for shot in shots)


def video_of(params: MultiShot, number: int) -> GenerateVideo:
    """What the shot of that number, from 0, asks of a model."""
    shot, place = params.shots[number], _places(params)[number]
    return GenerateVideo(
        prompt=shot.prompt,
        negative_prompt=params.negative_prompt,
        model=params.model,
        failover=params.failover,
        image=_begins_with(params, number),
        images=_kept_alike(params, number),
        style_image=params.style_image,
        width=params.width,
        height=params.height,
        length_s=place.asked_s,
        cfg=shot.cfg,
        seed=params.seed,
        camera_angle=params.camera_angle,
        camera=shot.camera,
        motion=shot.motion,
        sound=params.sound,
        watermark=params.watermark,
        hand_on_s=place.last_shown / FRAME_RATE if _goes_on(params, number + 1) else None,
    )


def timeline_of(params: MultiShot) -> Timeline:
    """The film: each shot in its place. Its size is the one asked for, else 1280x720."""
    places = _places(params)
    joins = [None, *params.transitions]
    clips = [
        _clip(number, place, join) for number, (place, join) in enumerate(zip(places, joins, strict=True))
    ]
    width, height = params.width or 1280, params.height or 720
    media = [
        Media(id=_video(number), kind=MediaKind.VIDEO, name=f"shot {number + 1}")
        for number in range(len(clips))
    ]
    return Timeline(
        name="Film",
        rate=Rate(num=FRAME_RATE),
        width=width - width % 2,
        height=height - height % 2,
        media=tuple(media),
        video=(VideoTrack(clips=tuple(clips)),),
    )


def _places(params: MultiShot) -> list[Place]:
    return lay_out(params.length_s, len(params.shots), params.transitions)


def _begins_with(params: MultiShot, number: int) -> str | None:
    if number == 0:
        return params.image
    return f"{_frame_name(number - 1)}.{HANDED_ON}" if _goes_on(params, number) else None


def _goes_on(params: MultiShot, number: int) -> bool:
    """Whether the shot of that number begins where the one before ends."""
    return 0 < number < len(params.shots) and params.transitions[number - 1] is Transition.CONTINUOUS


def _kept_alike(params: MultiShot, number: int) -> tuple[str, ...]:
    """A keyframe is what later shots are to look like, before anything else."""
    anchor = (params.image,) if params.is_anchor and params.image is not None and number else ()
    return tuple(dict.fromkeys((*anchor, *params.images)))[: generate_video.MOST_CHARACTERS]


def _shots(params: MultiShot) -> Iterator[TaskSpec]:
    places = _places(params)
    for number in range(len(params.shots)):
        asked = video_of(params, number)
        handed_on = f"{_frame_name(number - 1)}.{HANDED_ON}"
        yield TaskSpec(
            name=_shot_name(number),
            step=SHOT,
            params=asked.for_engines.model_dump(mode="json"),
            needs=(_frame_name(number - 1),) if _goes_on(params, number) else (),
            inputs=tuple(name for name in asked.files if name != handed_on),
            route=asked.route,
            soft_s=SOFT_S,
            hard_s=HARD_S,
        )
        if _goes_on(params, number + 1):
            yield _frame(number, places[number].last_shown)


def _frame(number: int, at: int) -> TaskSpec:
    """Takes the frame that a shot is seen with last."""
    return TaskSpec(
        name=_frame_name(number),
        step=FRAME,
        pool=_POOL,
        params={"video": _video(number), "picture": _picture(number), "frame": at, "frame_rate": FRAME_RATE},
        needs=(_shot_name(number),),
        estimated_s=_FRAME_S,
        soft_s=60,
        hard_s=90,
    )


def _join(params: MultiShot) -> TaskSpec:
    film = timeline_of(params)
    return TaskSpec(
        name=JOIN,
        step=JOIN,
        pool=_POOL,
        params={
            "timeline": film.model_dump(mode="json"),
            "file_name": "video.mp4",
            "profile": DEFAULT_PROFILE,
        },
        needs=tuple(_shot_name(number) for number in range(len(params.shots))),
        requires=PROFILES[DEFAULT_PROFILE].requires,
        estimated_s=_JOIN_START_S + _JOIN_FRAME_S * film.end_frame_exclusive,
        soft_s=_JOIN_SOFT_S,
        hard_s=_JOIN_SOFT_S + 60,
    )


def _clip(number: int, place: Place, join: Transition | None) -> VideoClip:
    start = place.head
    return VideoClip(
        media=_video(number),
        start_frame=place.start_frame,
        end_frame_exclusive=place.end_frame_exclusive,
        source_start=Rate(num=FRAME_RATE).seconds(start),
        source_end=Rate(num=FRAME_RATE).seconds(start + place.frames),
        transition=_blend(place) if join is Transition.CROSSFADE else None,
    )


def _blend(place: Place) -> Blend:
    return Blend(type="crossfade", before_frames=place.head, after_frames=place.head)


def _shot_name(number: int) -> str:
    return f"{SHOT}-{number + 1}"


def _frame_name(number: int) -> str:
    return f"{FRAME}-{number + 1}"


def _video(number: int) -> str:
    return f"{_shot_name(number)}.{VIDEO}"


def _picture(number: int) -> str:
    return f"{_shot_name(number)}.{HANDED_ON}"


def _told(params: MultiShot) -> Told:
    """By the names that the surface's callers know."""
    shots = {f"multi_shot_prompts[{number}]": shot.prompt for number, shot in enumerate(params.shots[1:])}
    angle = {"camera_angle": params.camera_angle} if params.camera_angle else {}
    return Told(capability=params.route.capability, texts={"prompt": params.prompt, **shots, **angle})


KIND = Kind(
    name=MultiShot.kind,
    version=1,
    params=MultiShot,
    plan=plan,
    price_mc=price_mc,
    steps={
        SHOT: "workers.gpu_generate.shots:perform",
        FRAME: "workers.cpu_render.one_frame:perform",
        JOIN: "workers.cpu_render.media_render:perform",
    },
    summary="One film of several prompts: shots that are cut, crossfaded, or go on where the last one ended.",
    told=_told,
)
