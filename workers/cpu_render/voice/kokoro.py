"""Kokoro-82M by onnxruntime, from a folder that the operator names.

It reads phonemes. Those come from the program espeak-ng (GPL-3, so it is run and never loaded), clause by
clause, because it leaves punctuation out and the model breathes by it. They are then written as the model has
learnt them (its own phonemizer, misaki, has letters of its own for English diphthongs and affricates).
"""

import importlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from farm.catalog import read_catalog
from farm.settings import Settings
from tasks.media_render.script import lines_of_text
from workers.cpu_render.voice.contract import Engine, Pcm, pcm_from, speech_failed
from workers.cpu_render.voice.espeak_ng import plain

_SAMPLE_RATE = 24_000
_MODELS = ("model.onnx", "onnx/model.onnx", "onnx/model_quantized.onnx")
_THREADS = 2  # a worker may speak in several slots
_MOST_TOKENS = 510
_HEADROOM = 0.6  # some voices go beyond full scale
_TIMEOUT_S = 20
_CLAUSES = re.compile(r"([,;:!?…—]+(?=\s|$)|\.+$)")  # a full stop within a sentence belongs to its word
_STOPS = str.maketrans("।॥", "..")  # Hindi's own, which the model has not learnt
# The first letter of a voice's code: espeak-ng's language.
_LANGUAGES = {"a": "en-us", "b": "en", "e": "es", "f": "fr", "h": "hi", "i": "it", "p": "pt-br"}
_AFFRICATES = {"dʒ": "ʤ", "tʃ": "ʧ", "r": "ɹ"}
_BRITISH = _AFFRICATES | {
    "a\u026a": "I",
    "aʊ": "W",
    "e\u026a": "A",
    "ɔ\u026a": "Y",
    "əʊ": "Q",
    "ɐ": "ə",
    "x": "k",
}
_AMERICAN = _BRITISH | {"oʊ": "O", "ɚ": "əɹ", "ɜ\u02d0": "ɜɹ", "ɾ": "T", "\u02d0": ""}
_LETTERS = {"a": _AMERICAN, "b": _BRITISH}

Floats = npt.NDArray[np.float32]


class _Named(Protocol):
    """An input of the model."""

    name: str


class _Session(Protocol):
    """What is used of onnxruntime's InferenceSession."""

    def get_inputs(self) -> Sequence[_Named]: ...

    def run(self, outputs: None, inputs: Mapping[str, npt.NDArray[np.generic]]) -> list[Floats]: ...


def _folder() -> Path:
    return Path(read_catalog(Settings()).voices.kokoro)


def _model() -> Path | None:
    folder = _folder()
    return next((folder / name for name in _MODELS if (folder / name).is_file()), None)


def _is_installed() -> bool:
    is_named = bool(read_catalog(Settings()).voices.kokoro) and _model() is not None
    return is_named and find_spec("onnxruntime") is not None and shutil.which("espeak-ng") is not None


@cache
def _session(model: Path) -> _Session:
    """Opened once, and kept: 0.1 to 0.4 GB."""
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = _THREADS
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session: _Session = runtime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return session


@cache
def _tokens(folder: Path) -> Mapping[str, int]:
    """The model's number for each letter: of upstream's config.json, or of a tokenizer.json."""
    for name, keys in (("tokenizer.json", ("model", "vocab")), ("config.json", ("vocab",))):
        if (folder / name).is_file():
            found = json.loads((folder / name).read_text(encoding="utf-8"))
            for key in keys:
                found = found[key]
            return {str(letter): int(number) for letter, number in found.items()}
    raise speech_failed("kokoro", "its folder has neither tokenizer.json nor config.json")


@cache
def _styles(path: Path) -> Floats:
    """How the voice speaks texts of so many tokens: shape (longest, 256)."""
    if not path.is_file():
        raise speech_failed("kokoro", f"its folder has no {path.parent.name}/{path.name}")
    return np.fromfile(path, "<f4").reshape(-1, 256)


def _speak(code: str, text: str, folder: Path, speed: float) -> Pcm:
    model, here = _model(), _folder()
    if model is None:
        raise speech_failed("kokoro", "its folder has no model")
    styles, numbers = _styles(here / "voices" / f"{code}.bin"), _tokens(here)
    pieces = [np.empty(0, np.float32)]
    for sentence in lines_of_text(text):
        letters = [numbers[letter] for letter in _phonemes(sentence.text, code[0]) if letter in numbers]
        for run in _runs(letters, numbers[" "]):
            pieces.append(_heard(_session(model), run, styles, speed))
    return pcm_from(np.concatenate(pieces) * np.float32(_HEADROOM))


def _heard(session: _Session, tokens: list[int], styles: Floats, speed: float) -> Floats:
    """What exports call the tokens differs; they come first."""
    given = {
        session.get_inputs()[0].name: np.array([[0, *tokens, 0]], np.int64),
        "style": styles[min(len(tokens), len(styles) - 1)][None],
        "speed": np.array([speed], np.float32),
    }
    return session.run(None, given)[0].reshape(-1)


def _runs(tokens: list[int], space: int) -> Iterator[list[int]]:
    """No more at a time than the model reads, parted between words where there are some."""
    while len(tokens) > _MOST_TOKENS:
        spaces = [at for at in range(1, _MOST_TOKENS) if tokens[at] == space]
        end = spaces[-1] if spaces else _MOST_TOKENS
        yield tokens[:end]
        tokens = tokens[end:]
    if tokens:
        yield tokens


def _phonemes(sentence: str, language: str) -> str:
    """The sentence in the model's letters, with its punctuation."""
    said = [
        piece if _CLAUSES.fullmatch(piece) else f" {_by_espeak(piece, _LANGUAGES[language])}"
        for piece in _CLAUSES.split(sentence.translate(_STOPS))
        if piece.strip()
    ]
    text = "".join(said).strip()
    for theirs, ours in _LETTERS.get(language, _AFFRICATES).items():
        text = text.replace(theirs, ours)
    return text


def _by_espeak(clause: str, language: str) -> str:
    command = ["espeak-ng", "-q", "--ipa", "-b", "1", "-v", language, "--stdin"]
    try:
        done = subprocess.run(
            command, input=plain(clause).encode(), capture_output=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise speech_failed("espeak-ng", f"no answer within {_TIMEOUT_S} s") from error
    if done.returncode != 0:
        raise speech_failed("espeak-ng", done.stderr.decode(errors="replace").strip()[:200])
    return " ".join(done.stdout.decode(errors="replace").split())


ENGINE = Engine(
    name="kokoro",
    install="pip install onnxruntime, install espeak-ng, and name the model's folder in voices.toml (kokoro)",
    sample_rate=_SAMPLE_RATE,
    is_installed=_is_installed,
    speak=_speak,
)
