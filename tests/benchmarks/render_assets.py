"""Makes the inputs of the render benchmark once: `python -m tests.benchmarks.render_assets`.

They are ten photos of 12 megapixels and a tune.
Sample photos are enlarged, then given the texture and the noise of a camera, so that they cost what real
photos cost to decode and to encode.
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from tests.benchmarks.render_job import MUSIC, PHOTOS

_SAMPLES = (
    "astronaut.png",
    "coffee.png",
    "chelsea.png",
    "rocket.jpg",
    "hubble_deep_field.jpg",
    "motorcycle_left.png",
    "retina.jpg",
    "motorcycle_right.png",
)
_WIDTH, _HEIGHT = 3000, 4000
_MUSIC_S, _SAMPLE_RATE = 31, 44_100

Floats = npt.NDArray[np.float32]


def ensure() -> None:
    """Make what is missing."""
    MUSIC.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(7)
    for source, photo in zip(_sources(), PHOTOS, strict=True):
        if not photo.exists():
            _photo(source, random).save(photo, quality=92)
    if not MUSIC.exists():
        _write_music(random)


def _sources() -> Iterator[Path]:
    pictures = _folder_of("skimage") / "data"
    yield from (pictures / name for name in _SAMPLES)
    photos = _folder_of("sklearn") / "datasets" / "images"
    yield from (photos / "china.jpg", photos / "flower.jpg")


def _folder_of(package: str) -> Path:
    """Where an installed package lies, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"The benchmark takes its photos from {package}: pip install 'kinefarm[dev]'")
    return Path(spec.origin).parent


def _photo(source: Path, random: np.random.Generator) -> Image.Image:
    image = Image.open(source).convert("RGB")
    width = min(image.width, image.height * 3 // 4)
    height = min(image.height, image.width * 4 // 3)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    image = image.crop((left, top, left + width, top + height)).resize(
        (_WIDTH, _HEIGHT), Image.Resampling.LANCZOS
    )
    texture = _texture(random) * (2 + 0.35 * _detail(image))
    noise = random.standard_normal((_HEIGHT, _WIDTH, 3), np.float32) * 2
    noise += random.standard_normal((_HEIGHT, _WIDTH, 1), np.float32) * 3
    pixels = np.asarray(image, np.float32) + texture[..., None] + noise
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _texture(random: np.random.Generator) -> Floats:
    """Noise of many scales, stronger at the coarse ones, of unit deviation."""
    total = np.zeros((_HEIGHT, _WIDTH), np.float32)
    for scale in (4, 8, 16, 32, 64):
        coarse = random.standard_normal((_HEIGHT // scale + 2, _WIDTH // scale + 2), np.float32)
        total += _resized(coarse) * scale**0.6
    unit: Floats = total / total.std()
    return unit


def _detail(image: Image.Image) -> Floats:
    """How busy the picture is around each pixel, smoothly."""
    gray = image.convert("L")
    lines = np.asarray(gray, np.float32) - np.asarray(gray.filter(ImageFilter.BoxBlur(20)), np.float32)
    small = Image.fromarray(np.abs(lines)).reduce(50)
    return _resized(np.asarray(small, np.float32))


def _resized(plane: Floats) -> Floats:
    return np.asarray(Image.fromarray(plane).resize((_WIDTH, _HEIGHT), Image.Resampling.BICUBIC), np.float32)


def _write_music(random: np.random.Generator) -> None:
    """Chords over a beat of 120 a minute, as MP3."""
    time = np.arange(_MUSIC_S * _SAMPLE_RATE) / _SAMPLE_RATE
    swell = [1 + 0.3 * np.sin(2 * np.pi * 0.2 * time + phase) for phase in range(4)]
    tones = (220.0, 277.2, 329.6, 440.0)
    sound = sum(np.sin(2 * np.pi * tone * time) * 0.08 * s for tone, s in zip(tones, swell, strict=True))
    beat = time % 0.5
    sound += 0.5 * np.sin(2 * np.pi * (50 + 80 * np.exp(-beat * 30)) * beat) * np.exp(-beat * 12)
    sound += 0.05 * random.standard_normal(len(time)) * np.exp(-((time + 0.25) % 0.5) * 25)
    stereo = np.stack([sound, np.roll(sound, 300)]).clip(-1, 1).astype(np.float32)
    with av.open(str(MUSIC), "w") as container:
        stream = container.add_stream("libmp3lame", rate=_SAMPLE_RATE)
        stream.bit_rate = 192_000
        frame = av.AudioFrame.from_ndarray(stereo, format="fltp", layout="stereo")
        frame.sample_rate = _SAMPLE_RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    ensure()
