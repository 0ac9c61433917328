"""What each compiled kernel takes, said once for the compiler and for whoever calls it. Nothing heavy here.

A plane is the address of its first pixel and how many items its rows lie apart. Sizes are in items.
"""

from collections.abc import Mapping

EDGE_ONE = 1024  # of the fields of `reveal`: from here on all is `after`
GLOW_ONE = 4096  # of the rows, columns and sum of `glow`
BAND = 384  # bytes of a row that `resample` and `transpose` take at a time
PAN_ONE = 256  # a pixel, in `pan`
TURN_ONE = 65_536  # of the scale in `turn`

_SIZE = ("intp", "intp")  # height and width of what is written
_PLANE = ("uint8*", "intp")
_TABLE = ("int32*",)
_NUMBER = ("int32",)
_SCRATCH = "voidptr"

SIGNATURES: Mapping[str, tuple[str, ...]] = {
    "resample": (*_PLANE * 2, _SCRATCH, *("int64",) * 4, *_SIZE * 2),
    "transpose": (*_PLANE, "uint64*", "intp", _SCRATCH, *_SIZE),
    "mix": (*_PLANE * 3, *_NUMBER * 3, *_SIZE),
    "lay_over": (*_PLANE, "uint16*", "uint16*", "intp", *_NUMBER, *_SIZE),
    "reveal": (*_PLANE * 3, *_TABLE * 4, *_SIZE),
    "glow": (*_PLANE, *_TABLE * 2, *_NUMBER, *_SIZE),
    "pan": (*_PLANE * 3, "int64*", "int64", "int64", *_SIZE),
    "turn": (*_PLANE * 2, *_TABLE * 4, *_NUMBER * 2, *_SIZE),
}
