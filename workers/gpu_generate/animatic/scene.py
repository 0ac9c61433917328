"""A prompt as a description of a scene: everything that is decided before anything is drawn. Pure."""

from dataclasses import dataclass

from workers.gpu_generate.animatic.colour import Rgb, rgb
from workers.gpu_generate.animatic.noise import dice
from workers.gpu_generate.animatic.palettes import Palette, palette
from workers.gpu_generate.animatic.words import Mood, Move, Place, Weather, read

BADGE = "animatic preview · no AI model"
_PLACES = (Place.MOUNTAIN, Place.SEA, Place.MEADOW, Place.FOREST, Place.DESERT, Place.CITY)
_MOODS = (Mood.GOLDEN, Mood.SUNSET, Mood.DAWN, Mood.DUSK, Mood.DAY)
_THINGS = ("mug", "bottle", "shoe", "watch", "phone", "lamp", "box", "flower")
_FLYING = ("bird", "balloon", "plane", "rocket", "butterfly", "whale", "jellyfish")
_AT_SEA = ("sailboat", "whale", "lighthouse")


@dataclass(frozen=True, slots=True)
class Subject:
    """What the picture is about: a shape, its colour if one was named, and how it goes its way.

    `speed`: widths of the picture it crosses, to the right; `floats`: it has no ground under it.
    """

    shape: str
    word: str
    colour: Rgb | None
    x: float
    size: float
    speed: float
    floats: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """`light_x` and `light_y` are in picture widths and heights from the top left, `horizon` in heights."""

    prompt: str
    seed: int
    place: Place
    backdrop: Place | None
    mood: Mood
    weather: Weather
    palette: Palette
    light_x: float
    light_y: float
    horizon: float
    subject: Subject | None
    moves: tuple[Move, ...]
    says_moves: bool
    pace: float

    @property
    def is_night(self) -> bool:
        return self.mood in (Mood.NIGHT, Mood.NEON, Mood.DUSK)


def describe(prompt: str, seed: int) -> Scene:
    """What a prompt leaves open is drawn from the seed."""
    found = read(prompt)
    rng = dice(seed, "scene", " ".join(prompt.lower().split()))
    place = found.place or _place_for(found.subject, int(rng.integers(len(_PLACES))))
    mood = found.mood or _mood_for(place, found.weather, int(rng.integers(len(_MOODS))))
    colours = palette(mood, place, dice(seed, "palette"))
    horizon = _horizon(place)
    light_x = float(rng.choice([rng.uniform(0.26, 0.4), rng.uniform(0.6, 0.74)]))
    above = horizon if place not in (Place.SPACE, Place.DEEP) else 1.0
    subject = None
    if found.subject is not None:
        colour = rgb(found.subject_colour) if found.subject_colour else None
        subject = _subject(
            found.subject, found.subject_word, colour, place, light_x, found.is_going, found.pace
        )
    return Scene(
        prompt=prompt,
        seed=seed,
        place=place,
        backdrop=found.backdrop,
        mood=mood,
        weather=found.weather or Weather.CLEAR,
        palette=colours,
        light_x=light_x,
        light_y=colours.light_height * above,
        horizon=horizon,
        subject=subject,
        moves=found.moves or _move_for(place, int(rng.integers(2))),
        says_moves=bool(found.moves),
        pace=found.pace,
    )


def _place_for(subject: str | None, draw: int) -> Place:
    if subject in _THINGS:
        return Place.STUDIO
    if subject in _AT_SEA:
        return Place.SEA
    return {
        "car": Place.CITY,
        "astronaut": Place.SPACE,
        "rocket": Place.SPACE,
        "jellyfish": Place.DEEP,
        "robot": Place.CITY,
        "horse": Place.MEADOW,
        "elephant": Place.MEADOW,
        "fox": Place.FOREST,
        "deer": Place.FOREST,
        "cabin": Place.MOUNTAIN,
    }.get(subject or "", _PLACES[draw])


def _mood_for(place: Place, weather: Weather | None, draw: int) -> Mood:
    if weather is Weather.FIREFLIES:
        return Mood.DUSK
    if weather is Weather.RAIN:
        return Mood.GREY
    if place is Place.ROOM:
        return Mood.DUSK
    return _MOODS[draw]


def _move_for(place: Place, draw: int) -> tuple[Move, ...]:
    if place is Place.STUDIO:
        return (Move.ORBIT,)
    return ((Move.DOLLY_IN,), (Move.TRUCK_RIGHT,))[draw]


def _horizon(place: Place) -> float:
    return {
        Place.SEA: 0.60,
        Place.CITY: 0.77,
        Place.DESERT: 0.62,
        Place.MEADOW: 0.64,
        Place.FOREST: 0.72,
        Place.STUDIO: 0.70,
        Place.ROOM: 0.72,
    }.get(place, 0.66)


def _subject(
    shape: str, word: str, colour: Rgb | None, place: Place, light_x: float, is_going: bool, pace: float
) -> Subject:
    """On the third of the picture that the light is not in; in the middle where it is all there is."""
    is_alone = place in (Place.STUDIO, Place.ROOM)
    x = 0.5 if is_alone else 0.36 if light_x > 0.5 else 0.64
    size = 0.46 if is_alone else 0.30
    return Subject(
        shape=shape,
        word=word,
        colour=colour,
        x=x,
        size=size,
        speed=0.16 * pace if is_going and not is_alone else 0.0,
        floats=shape in _FLYING or place in (Place.SPACE, Place.DEEP),
    )
