"""Brings decoded pictures to the one format everything is composed in: I420, BT.709, limited range.

One swscale pass crops, scales and converts; what a file does not say about its colours is guessed
here as players guess it, and nowhere else. HDR and wide-gamut pictures take one step more, see hdr.py.
"""

from dataclasses import dataclass

import av
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from workers.media.hdr import Source, ToneMapper, source_of
from workers.media.matrix import MatrixChange, is_turned

# AVCOL_SPC_* as decoders report them → the coefficient tables swscale has.
_TABLES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
_YCBCR = ("yuv", "nv")  # how the names of pixel formats with a matrix begin
_HD_HEIGHT = 720
_BT709 = 1  # AVCOL_*_BT709


@dataclass(frozen=True, slots=True)
class Crop:
    """The part of a picture that is kept, in its own pixels."""

    x: int
    y: int
    width: int
    height: int

    def is_whole(self, frame: av.VideoFrame) -> bool:
        return (self.width, self.height) == (frame.width, frame.height)


class Converter:
    """Crops, scales and converts frames of one source to one size; keeps its scaler's tables between calls.

    `enlarging` is how pictures are made larger. Lanczos keeps them crisp; making them smaller is always
    bicubic, which is as good there and cheaper.
    """

    def __init__(self, enlarging: Interpolation = Interpolation.LANCZOS) -> None:
        self._enlarging = enlarging
        self._reformatter = VideoReformatter()
        self._cropper: _Cropper | None = None
        self._turner: MatrixChange | None = None
        self._mapper: _Mapper | None = None

    def convert(
        self, frame: av.VideoFrame, width: int, height: int, crop: Crop | None = None
    ) -> av.VideoFrame:
        """A yuv420p BT.709 limited picture of `width` x `height`.

        It is always a frame of its own, whose times may be set; pixels that need no change are shared.
        """
        whole = crop is None or crop.is_whole(frame)
        if not whole or ((frame.width, frame.height) == (width, height) and is_composable(frame)):
            frame = self._cropped(frame, crop or Crop(0, 0, frame.width, frame.height))
        if (frame.width, frame.height) == (width, height) and is_composable(frame):
            return frame
        if (source := source_of(frame)) is not None:
            if self._mapper is None or not self._mapper.source.is_like(source):
                self._mapper = _Mapper(source)
            return self._mapper(frame, width, height, self._interpolation(frame, width, height))
        if frame.format.name.startswith(_YCBCR) and is_turned(width, height):
            return self._turned(frame, width, height)
        return self._sized(frame, width, height, Colorspace.ITU709, ColorRange.MPEG)

    def _turned(self, frame: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
        """Scaled in its own matrix and range, then brought out of these."""
        matrix, spread = _colorspace(frame), _range(frame)
        sized = self._sized(frame, width, height, matrix, spread)
        if (matrix, spread) == (Colorspace.ITU709, ColorRange.MPEG):
            return sized
        if self._turner is None or self._turner.key != (width, height, matrix, spread):
            self._turner = MatrixChange(width, height, matrix, spread)
        return self._turner(sized)

    def _sized(
        self, frame: av.VideoFrame, width: int, height: int, matrix: Colorspace, spread: ColorRange
    ) -> av.VideoFrame:
        return self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format="yuv420p",
            src_colorspace=_colorspace(frame),
            dst_colorspace=matrix,
            src_color_range=_range(frame),
            dst_color_range=spread,
            interpolation=self._interpolation(frame, width, height),
            threads=1,
        )

    def _interpolation(self, frame: av.VideoFrame, width: int, height: int) -> int:
        larger = width * height > frame.width * frame.height
        kernel = self._enlarging if larger else Interpolation.BICUBIC
        if frame.format.is_rgb:  # full chroma resolution on the way in
            return int(kernel | Interpolation.FULL_CHR_H_INP | Interpolation.ACCURATE_RND)
        return int(kernel)

    def _cropped(self, frame: av.VideoFrame, crop: Crop) -> av.VideoFrame:
        if self._cropper is None or not self._cropper.fits(frame, crop):
            self._cropper = _Cropper(frame, crop)
        return self._cropper(frame)


class _Mapper:
    """Tone-maps frames of one source at the size they are wanted in: to planar RGB, through a table, back."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._tone = ToneMapper(source)
        self._inwards, self._outwards = VideoReformatter(), VideoReformatter()

    def __call__(self, frame: av.VideoFrame, width: int, height: int, interpolation: int) -> av.VideoFrame:
        light = self._inwards.reformat(
            frame,
            width=width,
            height=height,
            format="gbrp10le",
            src_colorspace=_colorspace(frame),
            src_color_range=_range(frame),
            dst_color_range=ColorRange.JPEG,
            interpolation=interpolation | Interpolation.FULL_CHR_H_INP,
            threads=1,
        )
        light.color_range = ColorRange.JPEG
        mapped = self._outwards.reformat(
            self._tone(light),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )
        mapped.colorspace = mapped.color_primaries = mapped.color_trc = _BT709
        mapped.color_range = ColorRange.MPEG
        return mapped


class _Cropper:
    """FFmpeg's crop filter: it moves pointers and copies no pixels."""

    def __init__(self, frame: av.VideoFrame, crop: Crop) -> None:
        self._key = _crop_key(frame, crop)
        graph = av.filter.Graph()
        self._source = graph.add(
            "buffer",
            f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base=1/1"
            f":colorspace={frame.colorspace}:range={frame.color_range}",
        )
        cropping = graph.add("crop", f"{crop.width}:{crop.height}:{crop.x}:{crop.y}")
        self._sink = graph.add("buffersink")
        self._source.link_to(cropping)
        cropping.link_to(self._sink)
        graph.configure()
        self._graph = graph

    def fits(self, frame: av.VideoFrame, crop: Crop) -> bool:
        return self._key == _crop_key(frame, crop)

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        self._source.push(frame)
        cropped = self._sink.pull()
        assert isinstance(cropped, av.VideoFrame)
        return cropped


def is_composable(frame: av.VideoFrame) -> bool:
    """Whether the frame's pixels are what everything is composed in already."""
    return (
        frame.format.name == "yuv420p"
        and _colorspace(frame) == Colorspace.ITU709
        and _range(frame) == ColorRange.MPEG
        and source_of(frame) is None
    )


def _crop_key(frame: av.VideoFrame, crop: Crop) -> tuple[object, ...]:
    return (frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range, crop)


def _colorspace(frame: av.VideoFrame) -> Colorspace:
    """Unlabelled: BT.601 for JPEG-range pictures (JFIF says so) and small video, else BT.709."""
    if (known := _TABLES.get(frame.colorspace)) is not None:
        return known
    if _range(frame) == ColorRange.JPEG or frame.height < _HD_HEIGHT:
        return Colorspace.ITU601
    return Colorspace.ITU709


def _range(frame: av.VideoFrame) -> ColorRange:
    full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj") or frame.format.is_rgb
    return ColorRange.JPEG if full else ColorRange.MPEG
