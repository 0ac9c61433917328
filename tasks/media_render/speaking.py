"""The tasks that have a service speak a voiceover, before it is laid out: some lines each, at providers.

Nothing for a voice that the renderer's own engines have. Pure. Each task brings the sound of its lines, one
after the other, and how long each of them is.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from farm.catalog import SPEECH, Catalog
from farm.kinds import Route, TaskSpec
from farm.noun import Noun
from tasks.media_render.params import MediaRender, SpokenLine, Voiceover
from tasks.media_render.voices import Voice, voice_of

STEP = "speak"
SOUND, LENGTHS = "sound", "lengths"  # the artifacts of such a task
_CHARACTERS, _LINES = 1500, 20  # a task says no more: what fails is said again from its beginning
_PRICED_CHARACTERS = 1000
_LEAST_S = 900.0


class SpeakParams(Noun):
    """What such a task is to say. `speed` is asked of the service, `tempo` is done here afterwards.

    `instructions` say how to speak, to models that follow them.
    """

    code: str
    lines: tuple[str, ...]
    speed: float = 1.0
    tempo: float = 1.0
    instructions: str = ""


def speaking(params: MediaRender) -> tuple[TaskSpec, ...]:
    """What must be done before the voiceover is laid out; the task that does that needs all of these.

    Among its inputs it finds what they brought by `part_files`.
    """
    if params.voiceover is None:
        return ()
    voice = voice_of(params.voiceover.voice_id)
    if voice.model is None:
        return ()
    parts = _parts(params.voiceover.lines)
    return tuple(_task(number, part, voice, params.voiceover) for number, part in enumerate(parts, 1))


def price_mc(params: MediaRender, catalog: Catalog) -> int:
    """What the services' first candidates cost, in milli-credits."""
    routes = [task.route for task in speaking(params) if task.route is not None]
    return sum(catalog.providers.candidates(route)[0].price_mc for route in routes)


def part_files(names: Iterable[str]) -> Sequence[tuple[str, str]]:
    """Of a task's inputs, those that `speaking` brought: sound and lengths of each part, in their order."""
    parts = sorted(name.removesuffix(f".{SOUND}") for name in names if _is_sound(name))
    return [(f"{part}.{SOUND}", f"{part}.{LENGTHS}") for part in parts]


def _is_sound(name: str) -> bool:
    return name.startswith(f"{STEP}-") and name.endswith(f".{SOUND}")


def _parts(lines: Sequence[SpokenLine]) -> Iterator[list[SpokenLine]]:
    """The lines in their order, some to a part."""
    part: list[SpokenLine] = []
    for line in lines:
        said = sum(len(other.text) for other in part)
        if part and (len(part) == _LINES or said + len(line.text) > _CHARACTERS):
            yield part
            part = []
        part.append(line)
    yield part


def _task(number: int, part: Sequence[SpokenLine], voice: Voice, voiceover: Voiceover) -> TaskSpec:
    asked, done = (voiceover.speed, 1.0) if voice.takes_speed else (1.0, voiceover.speed)
    said = SpeakParams(code=voice.code, lines=tuple(line.text for line in part), speed=asked, tempo=done)
    characters = sum(len(line) for line in said.lines)
    return TaskSpec(
        name=f"{STEP}-{number:03}",
        step=STEP,
        params=said.model_dump(mode="json"),
        route=Route(
            capability=SPEECH, model=voice.model or "", units=Decimal(characters) / _PRICED_CHARACTERS
        ),
        soft_s=_LEAST_S,
        hard_s=_LEAST_S + 60,
    )
