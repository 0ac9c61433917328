"""Finds the tune that fits a few words best: mood, genre, occasion, energy, tempo. Pure.

Every word counts for the tunes that have it among their tags, the more the fewer they are; words that mean
the same count less, and words after `no` or `without` count against. It always finds one, and says what it
did not understand.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from farm.errors import BadRequest
from tasks.media_render.tunes import Tune

_WORD = re.compile(r"[^\W_]+(?:'[a-z]+)?")
_BPM = re.compile(r"(?<!\d)([1-9]\d{1,2})(?!\d)(?:\.\d+)?\s*(?:-|to)?\s*([1-9]\d{1,2})?\s*bpm")
_NAME, _TAG, _SYNONYM, _TYPO, _FEEL, _TITLE = 1000.0, 3.0, 2.0, 1.5, 2.0, 1.0
_LACKING = re.compile(r"\bno \w+")  # in a tune's description
_NEGATIONS = frozenset({"no", "not", "without", "non", "never", "less", "nothing"})
# Said of any music, or of nothing.
_EMPTY_WORDS = """
a an and are as at background be bed bgm but by can for from give good great i in instrumental is it
its kind like make me music my nice of on or please royalty free some something song soundtrack
style that the this to too track tune tunes very video we with you your mood vibe vibes feel feeling
feels tempo energy bpm vocals vocal lyrics singing reel reels clip montage slideshow little bit
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())
_SYNONYMS: Mapping[str, str] = {
    word: meant
    for meant, words in {
        "happy": "joyful joyous cheery glad smile smiling sunny",
        "upbeat": "peppy lively snappy catchy feelgood",
        "energetic": "energizing dynamic exciting vigorous punchy",
        "optimistic": "bold proud",
        "uplifting": "heartwarming heartfelt touching",
        "hopeful": "hope promising dawn sunrise spring",
        "inspiring": "inspirational inspire aspirational",
        "motivational": "motivating motivation",
        "confident": "assured determined strong certain",
        "technology": "tech technological digital software ai app saas data science innovative",
        "business": "professional company office finance",
        "calm": "calming serene tranquil quiet still soothing gentle mindful mindfulness",
        "relaxing": "relax restful",
        "meditation": "meditative zen",
        "ambient": "ethereal airy floating underwater space",
        "chill": "chilled chillhop chillout laid laidback downtempo easygoing easy smooth",
        "lofi": "lo fi",
        "hiphop": "hip hop rap trap boombap",
        "jazz": "jazzy swing lounge bossa",
        "groovy": "groove funky funk rnb",
        "electronic": "electro electronica synths techno trance dubstep",
        "dance": "dancing disco rave",
        "intense": "aggressive hard heavy fierce rock metal urgent",
        "sport": "sports sporty athletic gym running football extreme",
        "gaming": "game games arcade cyberpunk retro",
        "playful": "bouncy silly goofy mischievous childlike",
        "fun": "amusing humorous humor",
        "cute": "sweet adorable kawaii",
        "kids": "kid child baby nursery school birthday toys",
        "epic": "grand huge monumental massive",
        "cinematic": "cinema movie blockbuster",
        "dramatic": "suspense suspenseful tense thriller",
        "orchestral": "orchestra symphonic symphony",
        "adventure": "adventurous journey explore exploration",
        "sad": "sorrowful mournful gloomy somber sombre grief loss funeral tragic lonely",
        "emotional": "moving poignant",
        "nostalgic": "memory memories bittersweet wistful farewell",
        "romantic": "romance valentine anniversary",
        "folk": "country indie campfire",
        "travel": "vacation holiday trip roadtrip",
        "cooking": "recipe kitchen",
        "corporate": "promo promotional brand branding",
        "commercial": "ad ads advert sale",
        "party": "nightlife",
        "guitar": "plucked",
        "drums": "drum drumming percussion percussive rhythm beat",
    }.items()
    for word in words.split()
}
_ENERGY: Mapping[str, str] = {
    word: level
    for level, words in {
        "low": "low calm soft gentle quiet relaxed relaxing slow mellow peaceful subtle understated sleepy",
        "medium": "medium moderate mid midtempo walking",
        "high": "high energetic upbeat fast driving intense powerful lively hype exciting strong",
    }.items()
    for word in words.split()
}
_TEMPO: Mapping[str, tuple[float, float]] = {
    "slow": (0, 85),
    "medium": (85, 115),
    "moderate": (85, 115),
    "midtempo": (85, 115),
    "fast": (115, 400),
    "quick": (115, 400),
    "uptempo": (115, 400),
}


@dataclass(frozen=True, slots=True)
class Found:
    """The tune that fits best. `unknown` are the words that meant nothing; `fits` is false when all did.

    A tune fits as well that has nothing of what was not wanted.
    """

    tune: Tune
    query: str
    fits: bool
    unknown: tuple[str, ...]

    @property
    def note(self) -> str:
        """What a person is to be told of it."""
        facts = ", ".join([self.tune.name, *([f"{self.tune.bpm:g} bpm"] if self.tune.bpm else [])])
        if not self.fits:
            return f"No tune fits {self.query!r}; the music is {self.tune.title} ({facts})."
        told = f"The music for {self.query!r} is {self.tune.title} ({facts})."
        return f"{told} Not understood: {', '.join(self.unknown)}." if self.unknown else told


def choose(query: str, shelf: Sequence[Tune], fallback: str = "") -> Found:
    """The tune of the shelf that fits the words best; a tune's own name is always that tune.

    Where nothing fits it is the one named `fallback`, else the first. Raises BadRequest when there is none.
    """
    ranked, unknown = rank(query, shelf)
    if not ranked:
        raise BadRequest("This farm has no background music of its own.", param="bgm_query")
    best, most = ranked[0]
    if most <= 0:
        best = next((tune for tune, points in ranked if tune.name == fallback and points == most), best)
    return Found(best, query, most > 0 or ranked[-1][1] < 0, unknown)


def rank(query: str, shelf: Sequence[Tune]) -> tuple[list[tuple[Tune, float]], tuple[str, ...]]:
    """All tunes with their points, the best first, and the words that counted for none of them."""
    text = query.casefold()
    points = {tune.name: 0.0 for tune in shelf}
    unknown = []
    for tune in shelf:
        if _is_named(tune, _plain(text)):
            points[tune.name] += _NAME
    for name, gained in _by_tempo(text, shelf):
        points[name] += gained
    for word, sign in _wanted(_BPM.sub(" ", text)):
        gains = dict(_gains(word, shelf))
        if not any(gains.values()) and sign > 0 and not any(word in _plain(tune.name) for tune in shelf):
            unknown.append(word)
        for name, gained in gains.items():
            points[name] += sign * gained
    ranked = sorted(((tune, points[tune.name]) for tune in shelf), key=lambda item: -item[1])
    return ranked, tuple(unknown)


def _wanted(text: str) -> Iterator[tuple[str, int]]:
    """The words that mean something, with -1 for those that are not wanted."""
    sign = 1
    for word in _WORD.findall(text):
        if word in _NEGATIONS:
            sign = -1
        elif word not in _EMPTY:
            yield word, sign
            sign = 1


def _gains(word: str, shelf: Sequence[Tune]) -> Iterator[tuple[str, float]]:
    """What a word is worth to each tune."""
    known = {tag for tune in shelf for tag in tune.tags}
    tag, worth = _meant(word, known)
    having = [tune for tune in shelf if tag in tune.tags]
    for tune in shelf:
        gained = worth / len(having) ** 0.5 * _telling(tag, tune) if tune in having else 0.0
        if _ENERGY.get(word) == tune.energy:
            gained += _FEEL / 2
        if word in _TEMPO and tune.bpm is not None and _TEMPO[word][0] <= tune.bpm < _TEMPO[word][1]:
            gained += _FEEL
        if word in _WORD.findall(_LACKING.sub("", f"{tune.title} {tune.description}".casefold())):
            gained += _TITLE
        yield tune.name, gained


def _meant(word: str, known: set[str]) -> tuple[str, float]:
    """The tag that a word means, and what a hit is worth."""
    if word in known:
        return word, _TAG
    if word in _SYNONYMS:
        return _SYNONYMS[word], _SYNONYM
    for ending in ("s", "y", "ing", "ly", "ful", "ed"):
        stem = word.removesuffix(ending)
        if len(stem) > 3 and stem in known:
            return stem, _SYNONYM
    close = get_close_matches(word, sorted(known | set(_SYNONYMS)), n=1, cutoff=0.8)
    return (_SYNONYMS.get(close[0], close[0]), _TYPO) if close else (word, 0.0)


def _telling(tag: str, tune: Tune) -> float:
    """Tags in front say more of a tune than those at the end: 1.3 to 1."""
    return 1 + 0.3 * (1 - tune.tags.index(tag) / len(tune.tags))


def _by_tempo(text: str, shelf: Sequence[Tune]) -> Iterator[tuple[str, float]]:
    """`120 bpm` or `90-100 bpm`: the nearer the better, up to a third away."""
    found = _BPM.search(text)
    if not found:
        return
    low, high = sorted((float(found[1]), float(found[2] or found[1])))
    for tune in shelf:
        if tune.bpm is not None:
            away = max(low - tune.bpm, tune.bpm - high, 0) / low
            yield tune.name, 2 * _TAG * max(0.0, 1 - 3 * away)


def _is_named(tune: Tune, text: str) -> bool:
    """By its whole name, which of several words may stand among others."""
    name = _plain(tune.name)
    return name == text or (" " in name and f" {name} " in f" {text} ")


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text).strip()
