"""Brings HDR (PQ, HLG) and wide-gamut pictures to BT.709 as an SDR screen shows it.

`mapped` says what every colour becomes, in plain numpy: light is decoded, highlights are rolled off after
ITU-R BT.2390, primaries are changed, and what is too deep or too bright for BT.709 is brought to its edge.
`ToneMapper` does the same to whole frames by a table of it, interpolated by FFmpeg's lut3d.
"""

import struct
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame

Light = npt.NDArray[np.float64]  # the last axis is red, green, blue

WHITE_NITS = 203.0  # diffuse white of HDR (BT.2408), and what the SDR screen's white stands for
SDR_GAMMA = 2.4  # BT.1886
_USUAL_PEAK = 1000.0  # nits: what HDR is graded for where a file does not say
_PEAKS = (_USUAL_PEAK / 2, 10_000.0)
_PEAK_STEP = 100  # nits: files that hardly differ share a table
_TABLE_SIZE = 49  # per axis; the error it leaves is under half a step of 8 bits

_PQ, _HLG = 16, 18  # AVCOL_TRC_SMPTE2084, _ARIB_STD_B67
_BT2020, _P3 = (9,), (11, 12)  # AVCOL_PRI_BT2020, _SMPTE431, _SMPTE432

_TO_709 = {
    "bt2020": np.array(
        [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]]
    ),
    "p3": np.array(
        [[1.224940, -0.224940, 0.0], [-0.042057, 1.042057, 0.0], [-0.019638, -0.078636, 1.098274]]
    ),
    "bt709": np.eye(3),
}
_LUMA_2020 = np.array([0.2627, 0.6780, 0.0593])


class Transfer(Enum):
    """How a signal stands for light."""

    PQ = "pq"
    HLG = "hlg"
    SDR = "sdr"


@dataclass(frozen=True, slots=True)
class Source:
    """What a file's colours are. `peak_nits` is the brightest that it was graded for; HDR only."""

    transfer: Transfer
    primaries: str
    peak_nits: float = WHITE_NITS

    def is_like(self, other: "Source") -> bool:
        """Whether one table serves both: a peak that is said again later changes nothing any more."""
        return (self.transfer, self.primaries) == (other.transfer, other.primaries)


def source_of(frame: VideoFrame) -> Source | None:
    """What has to be mapped, by the frame's own tags and metadata; None: it is SDR of BT.709 or near it."""
    primaries = (
        "bt2020" if frame.color_primaries in _BT2020 else "p3" if frame.color_primaries in _P3 else "bt709"
    )
    if frame.color_trc == _PQ:
        return Source(Transfer.PQ, primaries, _peak(frame))
    if frame.color_trc == _HLG:
        return Source(Transfer.HLG, primaries, _USUAL_PEAK)
    return None if primaries == "bt709" else Source(Transfer.SDR, primaries)


def _peak(frame: VideoFrame) -> float:
    """The brightest pixel a file says it has, else the screen it was graded on, in steps."""
    light, screen = (
        frame.side_data.get("CONTENT_LIGHT_LEVEL"),
        frame.side_data.get("MASTERING_DISPLAY_METADATA"),
    )
    stated = float(struct.unpack_from("<I", light)[0]) if isinstance(light, SideData) else 0.0
    if not stated and isinstance(screen, SideData):
        stated = _mastering_peak(screen)
    nits = min(max(stated or _USUAL_PEAK, _PEAKS[0]), _PEAKS[1])
    return float(round(nits / _PEAK_STEP) * _PEAK_STEP)


def _mastering_peak(data: SideData) -> float:
    """AVMasteringDisplayMetadata: eight chromaticities, then the darkest and the brightest, as ratios."""
    number, of, _, is_there = struct.unpack_from("<2i2i", data, 8 * 9)
    return number / of if is_there and of else 0.0


def mapped(signal: Light, source: Source) -> Light:
    """R'G'B' of a source, 0 … 1, as R'G'B' of BT.709, 0 … 1."""
    light = _decoded(np.clip(signal, 0.0, 1.0), source)
    if source.transfer is not Transfer.SDR:
        light = _rolled_off(light, source.peak_nits)
    light = _in_gamut(light @ _TO_709[source.primaries].T)
    return np.asarray(np.clip(light / WHITE_NITS, 0.0, 1.0) ** (1 / SDR_GAMMA))


def _decoded(signal: Light, source: Source) -> Light:
    """Light in nits, as a reference screen emits it."""
    match source.transfer:
        case Transfer.PQ:
            return pq_decoded(signal)
        case Transfer.HLG:
            return _hlg_decoded(signal)
        case Transfer.SDR:
            return np.asarray(WHITE_NITS * signal**SDR_GAMMA)


def pq_decoded(signal: Light) -> Light:
    """SMPTE ST 2084: nits of a PQ signal."""
    root = signal ** (1 / 78.84375)
    return np.asarray(
        10_000 * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
    )


def pq_encoded(nits: Light) -> Light:
    """SMPTE ST 2084: the PQ signal of nits."""
    power = (np.clip(nits, 0, 10_000) / 10_000) ** 0.1593017578125
    return np.asarray(((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375)


def _hlg_decoded(signal: Light) -> Light:
    """BT.2100: scene light by the inverse OETF, then the system gamma 1.2 of a screen of 1000 nits."""
    scene = np.where(
        signal <= 0.5, signal**2 / 3, (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12
    )
    luma = np.maximum(scene @ _LUMA_2020, 1e-9)[..., None]
    return np.asarray(_USUAL_PEAK * luma**0.2 * scene)


def _rolled_off(light: Light, peak_nits: float) -> Light:
    """BT.2390's EETF, by the brightest of the three so that hues stay; what lies below its knee does, too."""
    brightest = np.maximum(light.max(axis=-1, keepdims=True), 1e-6)
    top, white = pq_encoded(np.array(peak_nits)), pq_encoded(np.array(WHITE_NITS))
    level, most = np.minimum(pq_encoded(brightest) / top, 1.0), white / top
    knee = 1.5 * most - 0.5
    t = np.clip((level - knee) / (1 - knee), 0.0, 1.0)
    bent = (
        (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * most
    )
    wanted = pq_decoded(np.where(level < knee, level, bent) * top)
    return np.asarray(light * (wanted / brightest))


def _in_gamut(light: Light) -> Light:
    """Colours deeper than BT.709's become its deepest; what is then too bright is dimmed: hues stay."""
    light = np.maximum(light, 0.0)
    return np.asarray(light * (WHITE_NITS / np.maximum(light.max(axis=-1, keepdims=True), WHITE_NITS)))


class ToneMapper:
    """Maps frames of one source; they are planar RGB of 10 bits or more, full range."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._graph: av.filter.Graph | None = None
        self._shape: tuple[int, int, str] | None = None

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        """A new frame of the same size and pixel format, with the colours of BT.709."""
        shape = (frame.width, frame.height, frame.format.name)
        if self._graph is None or self._shape != shape:
            self._graph, self._shape = _graph(frame, self._source), shape
        self._graph.push(frame)
        return self._graph.vpull()


def _graph(frame: VideoFrame, source: Source) -> av.filter.Graph:
    graph = av.filter.Graph()
    graph.threads = 1
    start = graph.add(
        "buffer",
        f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base=1/1"
        f":colorspace={frame.colorspace}:range={frame.color_range}",
    )
    with TemporaryDirectory(prefix="kinefarm-lut-") as folder:
        path = Path(folder) / "table.cube"
        path.write_text(_table(source))
        table = graph.add("lut3d", file=str(path), interp="tetrahedral")
        start.link_to(table)
        table.link_to(graph.add("buffersink"))
        graph.configure()
    return graph


@lru_cache(maxsize=4)  # of 3 MB each
def _table(source: Source) -> str:
    """The mapping as a .cube file: red changes fastest."""
    steps = np.linspace(0.0, 1.0, _TABLE_SIZE)
    b, g, r = np.meshgrid(steps, steps, steps, indexing="ij")
    colours = mapped(np.stack([r, g, b], axis=-1).reshape(-1, 3), source)
    rows = "\n".join(f"{red:.5f} {green:.5f} {blue:.5f}" for red, green, blue in colours.tolist())
    return f"LUT_3D_SIZE {_TABLE_SIZE}\n{rows}\n"
