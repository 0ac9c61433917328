"""A program of its own: reads clauses with libespeak-ng and tells when each word and sound of them begins.

espeak-ng is GPL-3, so no process of the farm loads it; the program `espeak-ng` tells no times, and so this
one, which imports nothing of ours, loads the library in its place and talks over pipes. Apache-2.0 code may
be combined with GPL-3 code.

    python espeak_child.py LIBRARY [DATA]   < {"voice": "de", "rate": 160, "clauses": ["…", …]}

For each clause it writes a line of JSON and then its samples, int16 in this machine's order:
{"samples": n, "words": [[first character, from 0; sample]], "sounds": [["IPA", sample], …]}.
The line before the first is {"sample_rate": …}. It ends with 2 when the library has no such voice.
"""

import ctypes
import json
import sys
from typing import Any

_SYNCHRONOUS = 2
_SOUND_EVENTS, _IPA, _NO_EXIT = 0x1, 0x2, 0x8000
_UTF8 = 1
_WORD, _SOUND, _END = 1, 7, 0
_RATE = 1


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))


class Reader:
    """The library, opened; what it says of the clause that is being read."""

    def __init__(self, library: str, data: str | None) -> None:
        self._lib = ctypes.CDLL(library)
        path = data.encode() if data else None
        options = _SOUND_EVENTS | _IPA | _NO_EXIT
        self.sample_rate: int = self._lib.espeak_Initialize(_SYNCHRONOUS, 0, path, options)
        if self.sample_rate <= 0:
            raise OSError("libespeak-ng finds none of its data")
        self._callback = _CALLBACK(self._hear)  # kept: the library calls it later
        self._lib.espeak_SetSynthCallback(self._callback)
        self._pcm = bytearray()
        self._words: list[tuple[int, int]] = []
        self._sounds: list[tuple[str, int]] = []

    def take_voice(self, voice: str, words_per_minute: int) -> bool:
        """Whether there is such a voice."""
        if self._lib.espeak_SetVoiceByName(voice.encode()) != 0:
            return False
        self._lib.espeak_SetParameter(_RATE, words_per_minute, 0)
        return True

    def read(self, clause: str) -> tuple[dict[str, Any], bytes]:
        self._pcm.clear()
        self._words, self._sounds = [], []
        text = clause.encode()
        self._lib.espeak_Synth(
            ctypes.c_char_p(text), ctypes.c_size_t(len(text) + 1), 0, 1, 0, _UTF8, None, None
        )
        self._lib.espeak_Synchronize()
        samples = len(self._pcm) // 2
        return {"samples": samples, "words": self._words, "sounds": self._sounds}, bytes(self._pcm)

    def _hear(self, wave: int | None, count: int, events: Any) -> int:
        if wave and count > 0:
            self._pcm += ctypes.string_at(wave, count * 2)
        at = 0
        while events[at].type != _END:
            event = events[at]
            if event.type == _WORD:
                self._words.append((event.text_position - 1, event.sample))
            elif event.type == _SOUND:
                self._sounds.append((event.id.string.decode("utf-8", "ignore"), event.sample))
            at += 1
        return 0


def main() -> int:
    order = json.load(sys.stdin.buffer)
    reader = Reader(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
    if not reader.take_voice(order["voice"], order["rate"]):
        return 2
    out = sys.stdout.buffer
    out.write(json.dumps({"sample_rate": reader.sample_rate}).encode() + b"\n")
    for clause in order["clauses"]:
        head, pcm = reader.read(clause)
        out.write(json.dumps(head).encode() + b"\n" + pcm)
    return 0


if __name__ == "__main__":
    sys.exit(main())
