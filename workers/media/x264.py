"""Which of the processor's instructions x264 does best without.

It takes the widest that it finds. Zen 4 knows AVX-512 but computes 256 bits at a time, and x264 is quicker
there with AVX2: photos at 1080p took 4 to 5 % less CPU time, clips 2 %, and files were as large.
"""

from collections.abc import Mapping

from workers.processors import facts

_PARAMS, _ASM = "x264-params", "asm"
_ZEN_4 = ("AuthenticAMD", "25")  # Zen 3 is of this family too, without AVX-512; Zen 5 is of the next
_BEST_THERE = "AVX2"


def with_best_instructions(options: Mapping[str, str]) -> dict[str, str]:
    """The options of an encoder, and `asm` where it helps and nobody has said it."""
    told = options.get(_PARAMS, "")
    if not _is_zen_4() or any(param.partition("=")[0] == _ASM for param in told.split(":")):
        return dict(options)
    return {**options, _PARAMS: ":".join(param for param in (told, f"{_ASM}={_BEST_THERE}") if param)}


def _is_zen_4() -> bool:
    processor = facts()
    family = processor.get("vendor_id"), processor.get("cpu family")
    return family == _ZEN_4 and "avx512f" in processor.get("flags", "").split()
