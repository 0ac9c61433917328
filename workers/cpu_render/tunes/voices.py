"""The instruments that play notes, all of one idea: a sound is a sum of decaying partials.

Such a sum is a product of two small matrices (an angle addition), which numpy hands to BLAS: a piano note of
three seconds costs about a millisecond.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workers.cpu_render.tunes.score import Sound

SAMPLE_RATE = 48_000
_BLOCK = 512
_ROWS = 4  # products this small stay in one thread: BLAS would have more of them wait for each other
_HIGHEST_HZ = 15_000.0
_INAUDIBLE = 12.0  # e^-12 is -104 dB

Numbers = npt.NDArray[np.floating]


def partials(hz: Numbers, loud: Numbers, decay: Numbers, samples: int, phase: Numbers | float = 0.0) -> Sound:
    """The sum of `loud · e^(-decay t) · sin(2π hz t + phase)`, less what is too high; `decay` per second."""
    loud = np.where(hz < _HIGHEST_HZ, loud, 0.0)
    turn = 2 * np.pi * hz / SAMPLE_RATE
    rows = -(-samples // (_BLOCK * _ROWS)) * _ROWS
    far = _BLOCK * np.arange(rows)[:, None]
    near = np.arange(_BLOCK)[None, :]
    slow = loud * np.exp(-decay * far / SAMPLE_RATE)
    angle = turn * far + phase
    left = np.concatenate([slow * np.sin(angle), slow * np.cos(angle)], axis=1).astype(np.float32)
    fast = np.exp(-decay[:, None] * near / SAMPLE_RATE)
    angle = turn[:, None] * near
    right = np.concatenate([fast * np.cos(angle), fast * np.sin(angle)]).astype(np.float32)
    return np.asarray((left.reshape(-1, _ROWS, right.shape[0]) @ right).ravel()[:samples])


def swelling(
    hz: Numbers,
    loud: Numbers,
    decay: Numbers,
    samples: int,
    attack: Numbers | float,
    phase: Numbers | float = 0.0,
) -> Sound:
    """Partials that come up as `1 - e^(-attack t)`, each at its own rate per second."""
    made = partials(hz, loud, decay, samples, phase)
    until = min(samples, round(_INAUDIBLE / float(np.min(attack)) * SAMPLE_RATE))
    made[:until] -= partials(hz, loud, decay + attack, until, phase)
    return made


def hertz(pitch: float) -> float:
    """The frequency of a MIDI note."""
    return float(440 * 2 ** ((pitch - 69) / 12))


def edged(sound: Sound, fall_s: float, rise_s: float = 0.001) -> Sound:
    """The sound with a soft beginning and end, in place."""
    for length, part in ((rise_s, sound[..., :]), (fall_s, sound[..., ::-1])):
        count = min(round(length * SAMPLE_RATE), sound.shape[-1])
        part[..., :count] *= np.sin(np.linspace(0, np.pi / 2, count, dtype=np.float32)) ** 2
    return sound


def samples_of(seconds: float) -> int:
    return max(1, round(seconds * SAMPLE_RATE))


@dataclass(frozen=True, slots=True)
class Struck:
    """Strings, bars and bells that are struck or plucked.

    `ratios` are the partials' frequencies against the first; `roll` is each one's loudness against the one
    before, times `force`; `decay` and `damping` are how fast the first and each further one die, per second.
    `stiff` sharpens high partials as stiff strings do. `detune` is between a note's two strings, in cents.
    """

    ratios: tuple[float, ...]
    roll: float
    decay: float
    damping: float
    stiff: float = 0.0
    detune: float = 0.0
    attack: float = 900.0
    release_s: float = 0.12

    def sound(self, pitch: int, seconds: float, force: float) -> Sound:
        order = np.arange(len(self.ratios))
        ratio = np.array(self.ratios)
        hz = hertz(pitch) * ratio * np.sqrt(1 + self.stiff * ratio**2)
        loud = (self.roll * (0.6 + 0.5 * force)) ** order * force
        higher = 2 ** ((pitch - 60) / 24)
        decay = (self.decay + self.damping * order) * higher
        sharp = 2 ** (self.detune / 1200)
        both = np.concatenate([hz / sharp, hz * sharp]) if self.detune else hz
        twice = len(both) // len(hz)
        # A piano's note dies fast at first and then slowly: the second string holds the aftersound.
        slower = np.concatenate([decay, 0.45 * decay]) if twice == 2 else decay
        made = swelling(both, np.tile(loud, twice) / twice, slower, samples_of(seconds), self.attack)
        return edged(made, self.release_s)


@dataclass(frozen=True, slots=True)
class Bowed:
    """Strings, pads, organs and winds: sustained, in stereo, several players a little out of tune.

    `tilt` is how the partials fall off (k^-tilt); `odd` is the loudness of the even ones. `attack` (per
    second) is how fast the first partial comes up; the k-th comes up `bloom` times slower each.
    """

    count: int
    tilt: float
    attack: float
    release_s: float
    odd: float = 1.0
    bloom: float = 0.0
    cents: tuple[float, ...] = (-7.0, 0.0, 6.0)
    decay: float = 0.0

    def sound(self, pitch: int, seconds: float, force: float) -> Sound:
        sides = [self._side(pitch, seconds, force, side) for side in (1, -1)]
        return edged(np.stack(sides), self.release_s, 0.004)

    def _side(self, pitch: int, seconds: float, force: float, side: int) -> Sound:
        order = np.arange(1, self.count + 1)
        loud = np.where(order % 2, 1.0, self.odd) / order**self.tilt * force
        players = np.array(self.cents) * side + 1.5 * side
        hz = np.concatenate([hertz(pitch) * 2 ** (cents / 1200) * order for cents in players])
        phase = np.concatenate([order * 2.4 * (player + 1) + side for player in range(len(players))])
        attack = np.tile(self.attack / (1 + self.bloom * (order - 1)), len(players))
        decay = np.full(hz.shape, self.decay)
        every = np.tile(loud, len(players)) / len(players)
        return swelling(hz, every, decay, samples_of(seconds), attack, phase)


@dataclass(frozen=True, slots=True)
class Plucked:
    """A bass or synthesiser that closes after each attack: each partial dies `closing` per second sooner."""

    count: int
    tilt: float
    decay: float
    closing: float
    release_s: float = 0.05
    odd: float = 1.0
    detune: float = 0.0

    def sound(self, pitch: int, seconds: float, force: float) -> Sound:
        order = np.arange(1, self.count + 1)
        loud = np.where(order % 2, 1.0, self.odd) / order ** (self.tilt + 0.4 * (1 - force)) * force
        decay = self.decay + self.closing * (order - 1.0)
        hz = hertz(pitch) * order
        sharp = 2 ** (self.detune / 1200)
        pair = (hz / sharp, hz * sharp) if self.detune else (hz,)
        sides = [swelling(one, loud, decay, samples_of(seconds), 350.0) for one in pair]
        return edged(np.stack(sides) if self.detune else sides[0], self.release_s)


@dataclass(frozen=True, slots=True)
class Blown:
    """A flute or a whistle: few partials, a little breath, and a vibrato that comes late."""

    loud: tuple[float, ...] = (1.0, 0.22, 0.1, 0.03)
    breath: float = 0.03
    vibrato_cents: float = 14.0
    release_s: float = 0.12

    def sound(self, pitch: int, seconds: float, force: float) -> Sound:
        t = np.arange(samples_of(seconds)) / SAMPLE_RATE
        late = np.clip((t - 0.18) / 0.35, 0, 1)
        cents = self.vibrato_cents * late * np.sin(2 * np.pi * 5.1 * t)
        turn = np.cumsum(2 * np.pi * hertz(pitch) * 2 ** (cents / 1200)) / SAMPLE_RATE
        made = sum(loud * np.sin(order * turn) for order, loud in enumerate(self.loud, 1))
        air = np.random.default_rng(pitch).standard_normal(t.size)
        made = made * (1 - np.exp(-t / 0.035)) + self.breath * air * np.exp(-t / 0.12)
        return edged(np.asarray(made * force, np.float32), self.release_s, 0.012)


PIANO = Struck(tuple(range(1, 13)), 0.5, 1.0, 0.75, stiff=0.0004, detune=0.5, attack=450, release_s=0.25)
FELT_PIANO = Struck(tuple(range(1, 10)), 0.33, 0.8, 0.95, stiff=0.0004, detune=0.6, attack=170, release_s=0.4)
ELECTRIC_PIANO = Struck((1, 2, 3, 4, 7.1), 0.36, 0.95, 1.3, detune=0.9, attack=260, release_s=0.2)
GUITAR = Struck(tuple(range(1, 13)), 0.7, 1.9, 1.0, stiff=0.0003, attack=900, release_s=0.1)
UKULELE = Struck(tuple(range(1, 8)), 0.5, 4.2, 1.9, attack=900, release_s=0.06)
PIZZICATO = Struck(tuple(range(1, 9)), 0.48, 7.5, 3.0, attack=700, release_s=0.06)
MARIMBA = Struck((1, 3.93, 9.6), 0.3, 5.5, 16.0, attack=900, release_s=0.08)
GLOCKENSPIEL = Struck((1, 2.76, 5.4, 8.9), 0.36, 2.2, 5.5, attack=1500, release_s=0.3)
SOFT_BELL = Struck((1, 2, 3, 4.2, 5.4), 0.42, 1.0, 1.5, detune=1.5, attack=220, release_s=0.5)
PAD = Bowed(9, 1.7, 3.2, 0.9, bloom=0.12, cents=(-8.0, 0.0, 7.0))
STRINGS = Bowed(16, 1.25, 7.0, 0.45, bloom=0.12, cents=(-9.0, -3.0, 4.0, 10.0))
SPICCATO = Bowed(14, 1.2, 55.0, 0.12, bloom=0.05, cents=(-7.0, 0.0, 8.0), decay=5.5)
HORNS = Bowed(12, 1.3, 14.0, 0.3, bloom=0.35, cents=(-4.0, 0.0, 5.0))
ORGAN = Bowed(6, 1.5, 30.0, 0.2, odd=0.7, cents=(-4.0, 4.0))
LEAD = Bowed(14, 1.15, 60.0, 0.12, odd=0.35, cents=(-5.0, 5.0))
UPRIGHT_BASS = Struck((1, 2, 3, 4, 5), 0.42, 1.5, 1.6, attack=200, release_s=0.08)
ROUND_BASS = Plucked(5, 1.9, 0.7, 2.0)
SYNTH_BASS = Plucked(16, 1.1, 1.5, 1.3)
SUB_BASS = Plucked(3, 2.6, 0.15, 0.6, release_s=0.12)
SYNTH_PLUCK = Plucked(14, 0.95, 4.5, 1.5, release_s=0.08, detune=4.0)
MUTED_PLUCK = Plucked(9, 1.2, 9.0, 3.0, release_s=0.05, detune=2.0)
FLUTE = Blown()
WHISTLE = Blown((1.0, 0.05, 0.02), 0.02, 10.0, 0.08)
