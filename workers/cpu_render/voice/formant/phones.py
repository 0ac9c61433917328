"""The sounds of English as a throat makes them: where it resonates, how it hisses, how long it takes. Values.

Resonances are a grown man's, in hertz, after Peterson and Barney (1952) and Klatt (1980), rounded.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Phone(NamedTuple):
    """One stretch of sound. `f1` to `f3` in hertz; `voice`, `breath` and `hiss` are loudnesses from 0 to 1.

    `hiss_hz` and `hiss_width_hz` place the hiss, `damp` is how much duller the resonances are than a vowel's;
    `length_ms` is that of an unhurried voice.
    """

    f1: float
    f2: float
    f3: float
    voice: float
    length_ms: float
    breath: float = 0.0
    hiss: float = 0.0
    hiss_hz: float = 4_000.0
    hiss_width_hz: float = 1_500.0
    damp: float = 1.0


def _vowel(f1: float, f2: float, f3: float, length_ms: float) -> tuple[Phone, ...]:
    return (Phone(f1, f2, f3, 1.0, length_ms),)


def _glide(
    first: tuple[float, float, float], last: tuple[float, float, float], ms: float
) -> tuple[Phone, ...]:
    return Phone(*first, 1.0, ms * 0.55), Phone(*last, 0.9, ms * 0.45)


def _stop(
    f1: float, f2: float, f3: float, hz: float, *, is_voiced: bool, strength: float
) -> tuple[Phone, ...]:
    """Shut, then open at once; without a voice there is breath behind it."""
    shut = Phone(f1, f2, f3, 0.1 if is_voiced else 0.0, 55 if is_voiced else 65, damp=3.0)
    burst = Phone(f1, f2, f3, 0.25 if is_voiced else 0.0, 15, 0.1, strength, hz, 1_400)
    if is_voiced:
        return shut, burst
    return shut, burst, Phone(f1 + 150, f2, f3, 0.0, 38, 0.45, strength * 0.25, hz, 1_800)


_EE, _IH, _OO, _AH = (280, 2250, 2890), (390, 1950, 2550), (330, 900, 2300), (720, 1150, 2440)

PHONES: Mapping[str, tuple[Phone, ...]] = {
    "IY": _vowel(280, 2250, 2890, 120),
    "IH": _vowel(400, 1920, 2560, 85),
    "EH": _vowel(540, 1800, 2500, 100),
    "AE": _vowel(670, 1700, 2420, 125),
    "AA": _vowel(730, 1110, 2440, 130),
    "AO": _vowel(570, 850, 2410, 135),
    "UH": _vowel(440, 1030, 2240, 85),
    "UW": _vowel(310, 890, 2250, 115),
    "AH": _vowel(630, 1200, 2400, 90),
    "AX": _vowel(520, 1400, 2450, 55),
    "ER": _vowel(480, 1330, 1690, 125),
    "EY": _glide((500, 1850, 2550), _EE, 145),
    "AY": _glide(_AH, _IH, 165),
    "OY": _glide((560, 850, 2410), _IH, 170),
    "AW": _glide((730, 1250, 2440), _OO, 165),
    "OW": _glide((530, 980, 2400), _OO, 145),
    "W": (Phone(300, 650, 2200, 0.6, 75),),
    "Y": (Phone(270, 2250, 2950, 0.65, 80),),
    "R": (Phone(320, 1080, 1400, 0.6, 70),),
    "L": (Phone(360, 1050, 2750, 0.55, 75, damp=1.4),),
    "M": (Phone(260, 1000, 2150, 0.5, 85, damp=3.0),),
    "N": (Phone(260, 1600, 2500, 0.5, 80, damp=3.0),),
    "NG": (Phone(260, 2000, 2700, 0.5, 85, damp=3.0),),
    "HH": (Phone(500, 1500, 2500, 0.0, 60, 0.6),),
    "F": (Phone(340, 1100, 2080, 0.0, 95, 0.05, 0.11, 5_500, 4_500),),
    "V": (Phone(260, 1100, 2080, 0.35, 70, 0.02, 0.10, 5_000, 4_500, damp=2.0),),
    "TH": (Phone(320, 1300, 2540, 0.0, 90, 0.05, 0.10, 6_500, 3_500),),
    "DH": (Phone(270, 1300, 2540, 0.38, 60, 0.02, 0.08, 6_000, 3_500, damp=2.0),),
    "S": (Phone(320, 1500, 2530, 0.0, 105, 0.0, 0.62, 6_200, 1_500),),
    "Z": (Phone(260, 1500, 2530, 0.35, 75, 0.0, 0.36, 6_200, 1_500),),
    "SH": (Phone(320, 1850, 2500, 0.0, 105, 0.0, 0.62, 3_300, 1_200),),
    "ZH": (Phone(270, 1850, 2500, 0.35, 70, 0.0, 0.32, 3_200, 1_200),),
    "P": _stop(300, 900, 2150, 1_100, is_voiced=False, strength=0.45),
    "B": _stop(250, 900, 2150, 1_000, is_voiced=True, strength=0.35),
    "T": _stop(320, 1750, 2650, 4_300, is_voiced=False, strength=0.75),
    "D": _stop(260, 1700, 2650, 3_900, is_voiced=True, strength=0.5),
    "K": _stop(320, 1950, 2450, 2_200, is_voiced=False, strength=0.8),
    "G": _stop(260, 1950, 2450, 2_000, is_voiced=True, strength=0.55),
}
PHONES = {
    **PHONES,
    "CH": (PHONES["T"][0], Phone(320, 1850, 2500, 0.0, 95, 0.0, 0.55, 3_400, 1_300)),
    "JH": (PHONES["D"][0], Phone(270, 1850, 2500, 0.3, 65, 0.0, 0.34, 3_300, 1_300)),
}
SILENT = Phone(500, 1500, 2500, 0.0, 0.0)

# Where a consonant's second resonance leans to, by the place where it is made: a share of the vowel's beside
# it, and hertz on top (locus equations, after Sussman and others, 1991).
_PLACES = {"lips": (0.6, 350.0), "teeth": (0.35, 1_150.0), "palate": (0.85, 350.0)}
_PLACE_OF = {
    **dict.fromkeys(["P", "B", "M", "F", "V"], "lips"),
    **dict.fromkeys(["T", "D", "N", "S", "Z", "TH", "DH"], "teeth"),
    **dict.fromkeys(["K", "G", "NG"], "palate"),
}


def beside(sound: str, vowel_hz: float) -> tuple[Phone, ...]:
    """A sound's phones beside a vowel of that second resonance. A palate's burst is heard there, too."""
    place = _PLACE_OF.get(sound)
    if place is None:
        return PHONES[sound]
    share, more_hz = _PLACES[place]
    f2 = share * vowel_hz + more_hz
    at_palate = {"hiss_hz": f2 + 150} if place == "palate" else {}
    return tuple(phone._replace(f2=f2, **at_palate) for phone in PHONES[sound])
