"""Makes an old, noisy or faded picture good by calculation: nothing is invented but what lay under a scratch.

Scratches are found as what is thin and straight and stands out, and are painted over (Telea 2004). Noise is
measured (Immerkaer 1996) and taken out by non-local means (Buades, Coll, Morel 2005). A cast and faded tones
are stretched, and what has become soft is sharpened a little.
"""

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np

from workers.gpu_generate.pictures.filling import Floats, Pixels

_QUIET = 1.6  # of 255: less noise than this is left alone
_MOST_NOISE = 22.0
_MEASURED_PX = 1500  # of the middle, where noise is measured
_WINDOWS = 5, 17  # pixels: what is compared, and how far around
_REACH_PX = sum(_WINDOWS)
_STRIP_PX = 256
_LOOKED_PX = 1800  # of the longer side, where scratches are looked for
_MOST_LINES = 80
_TAIL = 0.004  # of the pixels that may become pure black, and pure white
_NOTHING = 8  # of 255: tones in so narrow a range are one colour
_FULL, _FADED = 235.0, 60.0  # a range of tones that has not faded, and how much less is faded for good
_CAST, _GREYER = 0.85, 0.6  # how much of a cast is taken away from what has faded
_CLARITY = 0.3
_SHARPEN = 0.5
_SCRATCH = 16.0  # of 255 above or below its surroundings, and three times the noise
_LONG = 0.3  # of the shorter side: so long a line may be a scratch
_GAP = 0.04  # of the shorter side, where what it crosses is as bright
_SEEN = 0.6  # of a scratch stands out from what it crosses
_EVEN = 9.0  # of 255: a scratch has one tone all along, whatever it crosses
_MOST_SCRATCHED = 0.08  # of the picture: more is its drawing

Step = Callable[[float, str], None]
Point: TypeAlias = tuple[int, int]


def restored(picture: Pixels, step: Step) -> Pixels:
    """RGB of the same size. `step` hears how far it is."""
    step(0.05, "mend")
    mended = _mended(picture)
    clean = _cleaned(mended, step)
    step(0.8, "tones")
    return _sharpened(_clear(_stretched(clean)))


def noise_of(picture: Pixels) -> float:
    """Standard deviation of the noise, of 255, where the picture is smooth."""
    top, left = (max(0, (side - _MEASURED_PX) // 2) for side in picture.shape[:2])
    middle = np.ascontiguousarray(picture[top : top + _MEASURED_PX, left : left + _MEASURED_PX])
    light = np.asarray(cv2.cvtColor(middle, cv2.COLOR_RGB2GRAY), np.float32)
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    rough = np.abs(cv2.filter2D(light, -1, kernel))
    edges = np.abs(cv2.Sobel(cv2.GaussianBlur(light, (0, 0), 2.0), cv2.CV_32F, 1, 1))
    smooth = edges <= np.percentile(edges, 60)
    return float(np.sqrt(np.pi / 2) / 6 * rough[smooth].mean())


def _mended(picture: Pixels) -> Pixels:
    """Without long scratches. They are looked for in a smaller picture."""
    rows, columns = picture.shape[:2]
    scale = min(1.0, _LOOKED_PX / max(rows, columns))
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    small = picture
    if scale < 1:
        small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    lines = _scratched(np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8), noise_of(small))
    if not 0 < lines.mean() < _MOST_SCRATCHED:
        return picture
    if scale < 1:
        lines = np.asarray(cv2.resize(lines, (columns, rows), interpolation=cv2.INTER_NEAREST), np.uint8)
    return np.asarray(cv2.inpaint(picture, lines, max(3, round(3 / scale)), cv2.INPAINT_TELEA), np.uint8)


def _scratched(light: Pixels, noise: float) -> Pixels:
    """1 where a scratch is, lighter or darker than what it crosses."""
    lines = np.zeros_like(light)
    width = max(5, round(min(light.shape) / 110) | 1)
    for shape in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
        away = cv2.morphologyEx(light, shape, np.ones((width, width), np.uint8))
        found = np.asarray(away > max(_SCRATCH, 3.5 * noise), np.uint8)
        for start, end in _segments(found):
            if _is_scratch(light, found, start, end, _EVEN + 1.2 * noise):
                cv2.line(lines, start, end, 1, width)
    return lines


def _segments(found: Pixels) -> list[tuple[Point, Point]]:
    """The longest straight lines."""
    shorter = min(found.shape)
    least, gap = _LONG * shorter, _GAP * shorter
    lines = cv2.HoughLinesP(found, 1, np.pi / 720, round(0.5 * least), None, least, gap)
    if lines is None:
        return []
    ends = np.asarray(lines, np.int64).reshape(-1, 4)
    longest = np.argsort(-np.hypot(ends[:, 0] - ends[:, 2], ends[:, 1] - ends[:, 3]))[:_MOST_LINES]
    return [((int(x0), int(y0)), (int(x1), int(y1))) for x0, y0, x1, y1 in ends[longest]]


def _is_scratch(light: Pixels, found: Pixels, start: Point, end: Point, even: float) -> bool:
    """Whether most of a line stands out, and in one tone."""
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1])) + 1
    x = np.linspace(start[0], end[0], steps).round().astype(int)
    y = np.linspace(start[1], end[1], steps).round().astype(int)
    seen = found[y, x] > 0
    if seen.mean() < _SEEN:
        return False
    low, high = np.percentile(light[y, x][seen], [20, 80])
    return bool(high - low < 2 * even)


def _cleaned(picture: Pixels, step: Step) -> Pixels:
    """With the noise taken out; single wrong pixels first, which would be taken for detail."""
    step(0.25, "clean")
    middle = np.asarray(cv2.medianBlur(picture, 3), np.uint8)
    wrong = np.abs(picture.astype(np.int16) - middle).max(axis=-1) > max(60.0, 8 * noise_of(middle))
    if 0.0005 < wrong.mean() < 0.2:
        picture = np.where(wrong[..., None], middle, picture)
    noise = noise_of(picture)
    if noise < _QUIET:
        return picture
    return _denoised(picture, min(noise, _MOST_NOISE), step)


def _denoised(picture: Pixels, strength: float, step: Step) -> Pixels:
    """Strip by strip, as it takes minutes for a large picture, and somebody may want it to stop."""
    out, rows = np.empty_like(picture), len(picture)
    for top in range(0, rows, _STRIP_PX):
        step(0.3 + 0.5 * top / rows, "clean")
        above = max(0, top - _REACH_PX)
        part = np.ascontiguousarray(picture[above : top + _STRIP_PX + _REACH_PX])
        clean = cv2.fastNlMeansDenoisingColored(part, None, 0.95 * strength, 1.25 * strength, *_WINDOWS)
        out[top : top + _STRIP_PX] = clean[top - above :][:_STRIP_PX]
    return out


def _stretched(picture: Pixels) -> Pixels:
    """From black to white; where tones have faded, each colour rather by itself, for they fade apart."""
    image = np.asarray(picture, np.float32)
    low, high = (np.quantile(_sample(image), share, axis=0) for share in (_TAIL, 1 - _TAIL))
    span = float(high.max() - low.min())
    if span < _NOTHING:
        return picture
    faded = float(np.clip((_FULL - span) / _FADED, 0, 1))
    cast = _CAST * faded
    low = np.minimum(cast * low + (1 - cast) * low.min(), 70.0)
    high = np.maximum(cast * high + (1 - cast) * high.max(), 185.0)
    out = np.asarray((image - low) / np.maximum(high - low, 16) * 255, np.float32)
    return np.asarray(np.clip(_balanced(out, faded) + 0.5, 0, 255), np.uint8)


def _balanced(image: Floats, share: float) -> Floats:
    """Grey where it should be, as far as a picture's places of little colour tell."""
    flat = _sample(image)
    spread = flat.max(axis=1) - flat.min(axis=1)
    plain = flat[(spread < np.quantile(spread, 0.4)) & (flat.mean(axis=1) > 40) & (flat.mean(axis=1) < 225)]
    if len(plain) < 100:
        return image
    mean = plain.mean(axis=0)
    gain = np.clip(1 + _GREYER * share * (mean.mean() / np.maximum(mean, 1) - 1), 0.85, 1.18)
    return np.asarray(image * gain, np.float32)


def _sample(image: Floats) -> Floats:
    """So many of its colours that they tell of all, (n, 3)."""
    step = max(1, max(image.shape) // _MEASURED_PX)
    return image[::step, ::step].reshape(-1, 3)


def _clear(picture: Pixels) -> Pixels:
    """A little more contrast in each place."""
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)
    light = np.ascontiguousarray(lab[..., 0])
    local = cv2.createCLAHE(1.6, (8, 8)).apply(light)
    lab[..., 0] = np.asarray(light * (1 - _CLARITY) + local * _CLARITY + 0.5, np.uint8)
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8)


def _sharpened(picture: Pixels) -> Pixels:
    image = np.asarray(picture, np.float32)
    soft = cv2.GaussianBlur(image, (0, 0), max(0.8, max(picture.shape) / 1100))
    detail = image - soft
    detail = np.sign(detail) * np.maximum(np.abs(detail) - 1.0, 0)
    return np.asarray(np.clip(image + _SHARPEN * detail + 0.5, 0, 255), np.uint8)
