"""An attempt's files: inputs from the blob store to local files, finished outputs back."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from farm.blobs import Blobs
from farm.doors.work import Claimed, StoredOutput
from farm.errors import FailureClass, FarmError, NotFound, TaskFailure
from workers.context import InputFile, Output
from workers.stop_sign import StopSign

_log = structlog.get_logger(__name__)
_SUFFIX_CHARACTERS = 10


def fetch_inputs(blobs: Blobs, claimed: Claimed, folder: Path, sign: StopSign) -> dict[str, InputFile]:
    """Copy every input into `folder`, made when needed. Raises Halted, FarmError, and OSError (disk full)."""
    if claimed.missing:
        raise _missing(claimed.missing[0])
    if claimed.inputs:
        folder.mkdir(parents=True)
    found = {}
    for number, blob in enumerate(claimed.inputs):
        sign.check()
        path = folder / f"{number}{_suffix(blob.file_name)}"
        try:
            blobs.fetch(blob.blob_key, path)
        except NotFound:
            raise _missing(blob.file_name) from None
        found[blob.id] = InputFile(path, blob.file_name, blob.content_type)
    return found


def store_outputs(
    blobs: Blobs, claimed: Claimed, outputs: Sequence[Output], workdir: Path, sign: StopSign
) -> list[StoredOutput]:
    """Store every output under the attempt's own key, or none. Raises Halted, FarmError, OSError."""
    _check(outputs, workdir)
    try:
        return [_store(blobs, claimed, output, sign) for output in outputs]
    except Exception:
        discard(blobs, claimed)
        raise


def discard(blobs: Blobs, claimed: Claimed) -> None:
    """Remove what an attempt stored in vain. What cannot be removed now, retention finds later."""
    try:
        blobs.delete_prefix(claimed.blob_prefix)
    except (FarmError, OSError):
        _log.warning("blobs_not_removed", attempt=claimed.attempt_id, exc_info=True)


def _missing(name: str) -> TaskFailure:
    message = f"The file {name!r} is no longer there."
    return TaskFailure(message, FailureClass.INVALID_INPUT, code="asset_missing")


def _check(outputs: Sequence[Output], workdir: Path) -> None:
    names: Mapping[str, Output] = {output.name: output for output in outputs}
    if len(names) != len(outputs):
        raise TaskFailure("Two outputs have one name.", FailureClass.INTERNAL, code="bad_output")
    for output in outputs:
        inside = output.path.resolve().is_relative_to(workdir.resolve())
        if not inside or not output.path.is_file():
            raise TaskFailure(
                f"The output {output.name!r} is no file in the work folder.",
                FailureClass.INTERNAL,
                code="bad_output",
            )


def _store(blobs: Blobs, claimed: Claimed, output: Output, sign: StopSign) -> StoredOutput:
    sign.check()
    key = f"{claimed.blob_prefix}/{output.name}"
    with output.path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    blobs.put(key, output.path, output.content_type)
    return StoredOutput(
        name=output.name,
        blob_key=key,
        file_name=output.file_name,
        content_type=output.content_type,
        size_bytes=output.path.stat().st_size,
        sha256=sha256,
        meta=output.meta,
        intermediate=output.intermediate,
        cache_key=output.cache_key,
    )


def _suffix(file_name: str) -> str:
    """The file's own suffix where it is harmless; some libraries look at it."""
    suffix = Path(file_name).suffix
    return suffix.lower() if suffix[1:].isalnum() and len(suffix) <= _SUFFIX_CHARACTERS else ""
