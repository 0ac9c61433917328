"""Makes the inputs of the render benchmark once: `python -m tests.benchmarks.render_assets`.

They are ten photos of 12 megapixels, three clips of 1080p, a tune and something that sounds like a voice to a
meter. Sample photos are enlarged, then given the texture and the noise of a camera, so that they cost what
real photos cost to decode and to encode. The clips pan over these photos, with new noise in every frame.
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from tests.benchmarks.render_works import CLIP_FRAMES, CLIPS, FPS, HANDLE, MUSIC, PHOTOS, VOICE

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
_MUSIC_S, _VOICE_S, _SAMPLE_RATE = 31, 21, 44_100
_CLIP_SIZE = 1080, 1920

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
    if not VOICE.exists():
        _write_voice(random)
    for photo, clip in zip(PHOTOS, CLIPS, strict=False):
        if not clip.exists():
            _write_clip(photo, clip, random)


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
    _write_sound(MUSIC, "libmp3lame", np.stack([sound, np.roll(sound, 300)]))


def _write_voice(random: np.random.Generator) -> None:
    """A buzz of 120 Hz with the rhythm of syllables and sentences, as WAV."""
    time = np.arange(_VOICE_S * _SAMPLE_RATE) / _SAMPLE_RATE
    buzz = sum(np.sin(2 * np.pi * 120 * tone * time) / tone for tone in range(1, 20))
    syllables = np.sin(2 * np.pi * 2.2 * time) ** 2 * (time % 4 < 3.2)
    sound = 0.2 * buzz * syllables + 0.002 * random.standard_normal(len(time))
    _write_sound(VOICE, "pcm_s16le", np.stack([sound, sound]))


def _write_sound(path: Path, codec: str, stereo: npt.NDArray[np.floating[Any]]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=_SAMPLE_RATE)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "stereo"
        frame = av.AudioFrame.from_ndarray(stereo.clip(-1, 1).astype(np.float32), "fltp", "stereo")
        frame.sample_rate = _SAMPLE_RATE
        if codec != "libmp3lame":
            for part in av.AudioResampler("s16", "stereo", _SAMPLE_RATE).resample(frame):
                container.mux(stream.encode(part))
        else:
            stream.bit_rate = 192_000
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _write_clip(photo: Path, clip: Path, random: np.random.Generator) -> None:
    """A camera that pans over a photo, as a phone would record it: a keyframe every two seconds."""
    height, width = _CLIP_SIZE
    picture = Image.open(photo).convert("YCbCr").resize((width * 3 // 2, height * 3 // 2))
    y, cb, cr = (np.asarray(plane, np.float32) for plane in picture.split())
    noise = [random.standard_normal((height, width), np.float32) * 2 for _ in range(7)]
    frames = CLIP_FRAMES + 2 * HANDLE
    options = {"preset": "medium", "crf": "20", "g": str(2 * FPS)}
    with av.open(str(clip), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            left, top = (round(number / frames * side / 4) * 2 for side in (width, height))
            cut = slice(top, top + height), slice(left, left + width)
            luma = (y[cut] + noise[number % len(noise)]).clip(0, 255)
            chroma = (plane[cut][::2, ::2].reshape(-1, width) for plane in (cb, cr))
            i420 = np.concatenate([luma, *chroma]).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(i420, format="yuv420p")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    ensure()
