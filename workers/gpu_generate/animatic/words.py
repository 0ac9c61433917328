"""The words of a prompt that an animatic understands: place, light, weather, subject, camera. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar


class Place(StrEnum):
    """Where a scene lies."""

    MOUNTAIN = "mountain"
    CITY = "city"
    SEA = "sea"
    FOREST = "forest"
    DESERT = "desert"
    MEADOW = "meadow"
    SPACE = "space"
    DEEP = "underwater"
    STUDIO = "studio"
    ROOM = "room"


class Mood(StrEnum):
    """The light of a scene."""

    DAWN = "dawn"
    DAY = "day"
    GOLDEN = "golden hour"
    SUNSET = "sunset"
    DUSK = "dusk"
    NIGHT = "night"
    NEON = "neon"
    GREY = "overcast"
    STORM = "storm"


class Weather(StrEnum):
    """What falls or floats."""

    CLEAR = "clear"
    SNOW = "snow"
    RAIN = "rain"
    MIST = "mist"
    EMBERS = "embers"
    FIREFLIES = "fireflies"
    PETALS = "petals"
    LEAVES = "leaves"


class Move(StrEnum):
    """What the camera does."""

    STATIC = "static"
    PAN_LEFT = "pan left"
    PAN_RIGHT = "pan right"
    TRUCK_LEFT = "truck left"
    TRUCK_RIGHT = "truck right"
    TILT_UP = "tilt up"
    TILT_DOWN = "tilt down"
    CRANE_UP = "crane up"
    CRANE_DOWN = "crane down"
    ZOOM_IN = "zoom in"
    ZOOM_OUT = "zoom out"
    DOLLY_IN = "dolly in"
    DOLLY_OUT = "dolly out"
    ORBIT = "orbit"
    FLY = "fly over"
    ROLL = "roll"
    HANDHELD = "handheld"


_PLACES: Mapping[Place, str] = {
    Place.SPACE: r"outer space|space|galaxy|nebula|planets?|cosmos|cosmic|starship|asteroids?|moon base|mars",
    Place.DEEP: r"underwater|under the sea|coral|reef|deep sea|seabed|jellyfish",
    Place.STUDIO: r"product|studio|packshot|turntable|commercial|pedestal|showcase|logo|minimalist",
    Place.ROOM: r"room|interior|kitchen|café|cafe|coffee shop|restaurant|bar|library|office|bedroom|desk|"
    r"table|close.?up|portrait|indoors?|candle\w*|fireplace",
    Place.CITY: r"city|cities|skyline|streets?|skyscrapers?|urban|cyberpunk|downtown|buildings?|alley|"
    r"metropolis|tokyo|new york|paris|london|rooftops?",
    Place.SEA: r"ocean|sea|waves?|coast\w*|beach|lake|harbou?r|bay|island|shore|lighthouse|sail\w*|ships?|"
    r"boats?|river|pier",
    Place.DESERT: r"desert|dunes?|sahara|sand|canyon|mesa|oasis",
    Place.FOREST: r"forest|jungle|trees|woods|woodland|pines?|bamboo|rainforest",
    Place.MOUNTAIN: r"mountains?|alps?|alpine|peaks?|cliffs?|valleys?|fjord|volcano|glacier|himalaya\w*",
    Place.MEADOW: r"meadow|fields?|garden|park|grass\w*|hills?|countryside|farm|prairie|savannah?|"
    r"vineyard|blossoms?|village",
}
_MOODS: Mapping[Mood, str] = {
    Mood.NEON: r"neon|cyberpunk|synthwave|vaporwave|blade runner",
    Mood.STORM: r"storm\w*|thunder\w*|lightning|tempest|hurricane|ominous|apocalyp\w+",
    Mood.NIGHT: r"night|midnight|moonlit|moonlight|starry|stars|aurora|dark|noir|nocturnal",
    Mood.SUNSET: r"sunset|sundown|crimson sky|lava|fire|volcano",
    Mood.GOLDEN: r"golden|warm light|late afternoon|autumn\w*|fall colou?rs|honey|sunlit",
    Mood.DAWN: r"dawn|sunrise|morning|daybreak|pastel|serene|spring|cherry|romantic",
    Mood.DUSK: r"dusk|twilight|blue hour|evening|candle\w*|cozy|cosy|fireplace",
    Mood.GREY: r"fog\w*|mist\w*|overcast|cloudy|rain\w*|gloomy|grey|gray|drizzle|melanchol\w+",
    Mood.DAY: r"day|noon|sunny|bright|blue sky|summer|tropical|midday|crisp",
}
_WEATHER: Mapping[Weather, str] = {
    Weather.SNOW: r"snow\w*|blizzard|winter\w*|frost\w*|ice|icy|christmas",
    Weather.RAIN: r"rain\w*|storm\w*|downpour|drizzle|monsoon|thunder\w*",
    Weather.EMBERS: r"fire|lava|embers?|volcano|bonfire|campfire|burning|sparks?|dragon",
    Weather.FIREFLIES: r"firefl(?:y|ies)|magic\w*|enchanted|fairy|glowing|mystical",
    Weather.PETALS: r"petals?|cherry|blossoms?|sakura",
    Weather.LEAVES: r"autumn\w*|falling leaves|fall colou?rs",
    Weather.MIST: r"fog\w*|mist\w*|haz[ey]\w*|smoke|steam\w*",
}
# The subject's shape and the words for it; the first of the prompt wins: "a man with a dog" is a man.
SUBJECTS: Mapping[str, str] = {
    "astronaut": r"astronaut|cosmonaut|spaceman",
    "robot": r"robot|android|cyborg|mech",
    "person": r"man|woman|person|boy|girl|child|kid|warrior|detective|traveler|traveller|hiker|hero|heroine|"
    r"character|knight|samurai|monk|farmer|fisherman|wizard|couple|people|someone|figure|king|queen|wanderer",
    "dancer": r"dancer|ballerina|dancing|skater|surfer|runner|gymnast",
    "fox": r"fox|wolf|dog|puppy|husky|coyote",
    "cat": r"cat|kitten|panther|tiger|lion|leopard|lynx",
    "horse": r"horse|stallion|mustang|unicorn|zebra|pony",
    "deer": r"deer|stag|elk|reindeer|moose|antelope",
    "elephant": r"elephant|mammoth",
    "bird": r"birds?|eagle|owl|hawk|dragon|seagulls?|crow|phoenix|swan|crane|falcon|flock",
    "whale": r"whale|shark|fish|dolphin|orca",
    "jellyfish": r"jellyfish",
    "butterfly": r"butterfly|butterflies|moth",
    "car": r"car|cars|taxi|truck|van|suv|jeep|roadster|convertible",
    "train": r"train|locomotive|tram",
    "sailboat": r"sail ?boat|sailing|boat|yacht|sails?|canoe|ships?|galleon|pirate",
    "lighthouse": r"lighthouse|beacon",
    "balloon": r"hot.?air balloons?|balloons?|airship|zeppelin",
    "rocket": r"rocket|spaceship|spacecraft|starship|shuttle|satellite",
    "plane": r"plane|airplane|aeroplane|jet|aircraft|drone delivery",
    "cabin": r"cabin|house|cottage|hut|barn|chalet|farmhouse|home",
    "castle": r"castle|palace|fortress|temple|cathedral|pagoda",
    "tree": r"tree|oak|bonsai",
    "flower": r"flower|rose|tulip|sunflower|lotus|orchid|daisy",
    "mug": r"mug|cup|coffee|tea|espresso|latte",
    "bottle": r"bottle|perfume|wine|whisky|whiskey|serum|cosmetics?|lotion|shampoo|beer|soda",
    "shoe": r"shoes?|sneakers?|boots?",
    "watch": r"watch|clock|timepiece",
    "phone": r"phone|smartphone|tablet",
    "lamp": r"lamp|lantern|candles?",
    "box": r"box|package|gift|can|product|item|gadget|device",
}
_COLOURS: Mapping[str, str] = {
    "red": "#c8352b", "crimson": "#a3182b", "scarlet": "#d8321f", "orange": "#e07a26", "amber": "#e79a2b",
    "yellow": "#eec231", "gold": "#d8a93a", "golden": "#dba83c", "green": "#3f8f4f", "emerald": "#1f8f63",
    "teal": "#1f8b8b", "turquoise": "#2fb3b0", "cyan": "#35bcd6", "blue": "#2f6fc4", "navy": "#223a73",
    "purple": "#7a4cb0", "violet": "#7f52c7", "pink": "#e07aa5", "magenta": "#cc3b98", "brown": "#7b5236",
    "white": "#eeece6", "black": "#1b1c22", "silver": "#b9bfc6", "grey": "#8a8f96", "gray": "#8a8f96",
    "beige": "#d8c4a0", "copper": "#b4683c",
}  # fmt: skip
_TO = r"(?:\s+\w+ly)?(?:\s+(?:to\s+)?(?:the\s+)?|-)"
_DOLLY = r"doll(?:y|ies)(?:ing)?"
_TRACK = r"(?:trucks|trucking|track(?:s|ing)|slid(?:es|ing))"
_MOVES: Sequence[tuple[Move, str]] = (
    (Move.STATIC, r"static|locked.?off|no camera movement|still camera|tripod"),
    (Move.ORBIT, r"orbit\w*|turntable|rotat\w+|360|spins?|spinning|circl(?:es|ing)|arc shot"),
    (Move.DOLLY_OUT, rf"{_DOLLY}{_TO}(?:out|back)|pull(?:s|ing)?(?:\s+\w+ly)?\s*(?:back|out|away)"),
    (Move.TRUCK_LEFT, rf"(?:truck|track|slid|dolly)(?:s|e|es|ing)?{_TO}left"),
    (Move.DOLLY_IN, rf"{_DOLLY}(?:{_TO}(?:in|forward))?|mov(?:es|ing) closer"),
    (Move.DOLLY_IN, r"push(?:es|ing)?(?:\s+\w+ly)?[\s-]*(?:in|forward)"),
    (Move.ZOOM_OUT, rf"zoom(?:s|ing|ed)?{_TO}out"),
    (Move.ZOOM_IN, rf"zoom(?:s|ing|ed)?(?:{_TO}in)?"),
    (Move.PAN_LEFT, rf"pan(?:s|ning|ned)?{_TO}left"),
    (Move.PAN_RIGHT, rf"pan(?:s|ning|ned)?(?:{_TO}right)?(?!\w)"),
    (Move.TRUCK_RIGHT, rf"{_TRACK}(?:{_TO}right)?|truck{_TO}right|tracking shot|follow(?:s|ing)"),
    (Move.CRANE_DOWN, rf"(?:crane|pedestal)(?:s|ing)?{_TO}down|descend\w*"),
    (Move.CRANE_UP, rf"(?:crane|pedestal)(?:s|ing)?{_TO}up|camera (?:rises|rising|ascends)|ascend\w*"),
    (Move.TILT_DOWN, rf"tilt(?:s|ing|ed)?{_TO}down"),
    (Move.TILT_UP, rf"tilt(?:s|ing|ed)?(?:{_TO}up)?"),
    (Move.FLY, r"drone(?: shot)?|aerial|fly(?:ing)?(?:[\s-]?(?:over|through))|flyover|bird'?s.?eye"),
    (Move.ROLL, r"roll(?:s|ing)?|dutch angle|barrel"),
    (Move.HANDHELD, r"hand.?held|shaky|documentary style"),
)
_ROLLING_HILLS = re.compile(r"\brolling (?:hills|waves|fog|clouds|fields)\b")
_SLOW = re.compile(r"\b(?:slow\w*|subtle\w*|gentl[ey]|calm\w*|smooth\w*|serene|soft\w*)\b")
_FAST = re.compile(r"\b(?:fast|quick\w*|rapid\w*|whip|dynamic|energetic|speeding|zip)\b")
_GOING = re.compile(
    r"\b(?:runs?|running|walk\w*|driv\w*|sail\w*|fl(?:y|ies|ying)|rid\w+|gallop\w*|swim\w*|drift\w*|race\w*|"
    r"cruis\w*|soar\w*|travel\w*|leap\w*|glid\w*|zip\w*|cross\w*)\b"
)
MOST_MOVES = 3

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a prompt says; None where it says nothing."""

    place: Place | None
    backdrop: Place | None
    mood: Mood | None
    weather: Weather | None
    subject: str | None
    subject_word: str
    subject_colour: str | None
    moves: tuple[Move, ...]
    pace: float
    is_going: bool


def read(prompt: str) -> Reading:
    """Read a prompt, in any case. What is named first wins among places and among subjects."""
    text = re.sub(r"\s+", " ", prompt).lower()
    text = text.replace("\u2019", "'")
    subject, word = _first(SUBJECTS, text)
    places = _all(_PLACES, text)
    return Reading(
        place=places[0] if places else None,
        backdrop=places[1] if len(places) > 1 else None,
        mood=_ranked(_MOODS, text),
        weather=_ranked(_WEATHER, text),
        subject=subject,
        subject_word=word,
        subject_colour=_colour_of(word, text) if word else None,
        moves=_moves(text),
        pace=0.6 if _SLOW.search(text) else 1.25 if _FAST.search(text) else 1.0,
        is_going=_GOING.search(text) is not None,
    )


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{pattern})\b")


def _first(table: Mapping[str, str], text: str) -> tuple[str | None, str]:
    """The entry whose word comes first, and that word."""
    found = [
        (match.start(), name, match[0])
        for name, words in table.items()
        if (match := _words(words).search(text))
    ]
    _, name, word = min(found, default=(0, None, ""))
    return name, word


def _all(table: Mapping[Place, str], text: str) -> list[Place]:
    found = [(match.start(), name) for name, words in table.items() if (match := _words(words).search(text))]
    return [name for _, name in sorted(found)]


def _ranked(table: Mapping[E, str], text: str) -> E | None:
    """The table's first entry that the text has a word of."""
    return next((name for name, words in table.items() if _words(words).search(text)), None)


def _colour_of(word: str, text: str) -> str | None:
    """A colour that stands shortly before the subject."""
    names = "|".join(_COLOURS)
    found = re.search(rf"\b({names})\b(?:[\s-]+\w+){{0,2}}?[\s-]+{re.escape(word)}\b", text)
    return _COLOURS[found[1]] if found else None


def _moves(text: str) -> tuple[Move, ...]:
    """All moves in the order of the prompt, each word read once."""
    rest = _ROLLING_HILLS.sub(lambda found: " " * len(found[0]), text)
    found: list[tuple[int, Move]] = []
    for move, words in _MOVES:
        for match in _words(words).finditer(rest):
            found.append((match.start(), move))
        rest = _words(words).sub(lambda match: " " * len(match[0]), rest)
    moves = [move for _, move in sorted(found)]
    return (Move.STATIC,) if Move.STATIC in moves else tuple(dict.fromkeys(moves))[:MOST_MOVES]
