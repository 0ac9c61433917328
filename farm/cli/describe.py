"""`farm describe`: pictures in, descriptions and cues out, through a farm's describe-scenes."""

import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import JsonValue, ValidationError

from farm.cli import console
from farm.cli.client import FarmClient
from farm.cli.embedded import some_farm
from farm.cli.following import completed, upload
from farm.cli.footage import MediaFile, checked_file
from farm.cli.outputs import checked_outputs
from farm.cli.progress import Show, new_show
from farm.cli.texts import read_text
from farm.errors import BadRequest, FarmError
from farm.settings import Settings
from farm.timeline import MediaKind
from farm.validation import first_fault
from tasks.describe_scenes import KIND, SCENES, STEP, DescribeScenes, SceneImage, plan
from tasks.describe_scenes.metadata import MAX_DESCRIPTION, Metadata, Style

app = typer.Typer()

_POOL = "vision-describe"
_COLUMNS = {
    "number": "Scene",
    "picture": "Picture",
    "description": "Description",
    "start": "First words",
    "anchor": "Telling words",
    "by": "By",
}
_OUTPUT = "Also write the scenes as JSON, as scene-timestamps takes them."

Images = Annotated[list[Path], typer.Argument(help="The pictures, in the order of their scenes.")]


class DescribeFailed(FarmError):
    """The job ended without descriptions."""

    code = "describe_failed"


@app.command("describe", rich_help_panel="Use the farm")
def describe_command(
    images: Images,
    narration: Annotated[
        Path | None, typer.Option(help="The narration as text: each scene is told its words in it.")
    ] = None,
    style: Annotated[Style, typer.Option(help="How much is said of each.")] = "normal",
    language: Annotated[str | None, typer.Option(help="Of descriptions by a model, as en or pt-BR.")] = None,
    scene_id: Annotated[
        list[str] | None, typer.Option(help="Your name of a scene; as many as pictures, in their order.")
    ] = None,
    detail: Annotated[
        list[int] | None, typer.Option(min=1, help="A scene, by its number, that is told in more detail.")
    ] = None,
    model: Annotated[str, typer.Option(help="Who describes; default: as the farm is set up.")] = "auto",
    longest: Annotated[
        int, typer.Option(min=80, max=MAX_DESCRIPTION, help="Characters of a description at most.")
    ] = MAX_DESCRIPTION,
    output: Annotated[Path | None, typer.Option("-o", "--output", help=_OUTPUT, show_default=False)] = None,
    as_json: console.AsJson = False,
) -> None:
    """Describe pictures scene by scene and, with a narration, find the words that go with each.

    Uses the farm that FARM_URL names or that runs here, else starts one for this call.
    """
    outputs = checked_outputs({"output": output})
    files = [_picture(path.expanduser()) for path in images]
    said = _metadata(narration, style, language, scene_id or [], _places(detail or [], len(files)))
    order = _order(files, said, model, longest)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # cancels the job, as Ctrl-C does
    with some_farm(Settings(), _POOL) as client, new_show() as show:
        job = _described(client, files, order, show)
        for path in outputs.values():
            client.download(client.artifact_url(job["id"], SCENES), path, _unheard)
    _tell(job, files, as_json=as_json)


def _picture(path: Path) -> MediaFile:
    file = checked_file(path)
    if file.kind is not MediaKind.IMAGE:
        raise BadRequest(f"{path} is no picture.", param="images")
    return file


def _places(detail: Sequence[int], pictures: int) -> Sequence[int]:
    """Raises BadRequest for a scene that is not there."""
    if beyond := [number for number in detail if number > pictures]:
        raise BadRequest(f"--detail {beyond[0]}: There is no picture at this place.", param="detail")
    return detail


def _metadata(
    narration: Path | None, style: Style, language: str | None, ids: Sequence[str], detail: Sequence[int]
) -> dict[str, JsonValue]:
    """What the surface's metadata would say; nothing of it is checked yet."""
    hints: dict[str, JsonValue] = {"style": style, "languageCode": language}
    options: list[JsonValue] = [
        {"extraDetail": number in detail} for number in range(1, max(detail, default=0) + 1)
    ]
    said: dict[str, JsonValue] = {"hints": hints, "sceneOptions": options}
    if narration is not None:
        said["narrationText"] = read_text(narration, "narration")
    return said | ({"sceneIds": [*ids]} if ids else {})


def _order(
    files: Sequence[MediaFile], said: Mapping[str, JsonValue], model: str, longest: int
) -> DescribeScenes:
    """The job's parameters, with stand-ins for the files' ids. Raises BadRequest before anything is sent."""
    images = [
        SceneImage(asset_id=f"asset_{number}", file_name=file.name, size_bytes=file.size_bytes)
        for number, file in enumerate(files)
    ]
    try:
        metadata = Metadata.model_validate(said)
        order = DescribeScenes(images=tuple(images), metadata=metadata, model=model, max_description=longest)
    except ValidationError as error:
        fault = first_fault(error)
        raise BadRequest(f"{fault.where}: {fault.text}.", param=fault.where) from error
    plan(order)  # refuses now what the farm would refuse after the upload
    return order


def _described(
    client: FarmClient, files: Sequence[MediaFile], order: DescribeScenes, show: Show
) -> dict[str, Any]:
    """The job, completed. Raises DescribeFailed with the farm's words."""
    ids = upload(client, files, show, {})
    images = [
        image.model_copy(update={"asset_id": asset_id})
        for image, asset_id in zip(order.images, ids, strict=True)
    ]
    sent = order.model_copy(update={"images": tuple(images)})
    job = client.submit(KIND.name, sent.model_dump(mode="json", exclude_defaults=True))
    for warning in job["warnings"]:
        console.remark(warning)
    return completed(client, job, show, "describe", DescribeFailed)


def _tell(job: Mapping[str, Any], files: Sequence[MediaFile], *, as_json: bool) -> None:
    told = job["result"][STEP]
    if as_json:
        answer = {"job_id": job["id"], "credits": job["credits_charged"], "warnings": told["warnings"]}
        console.print_json({"scenes": told["scenes"], **answer})
        return
    rows = [
        {
            "number": scene.get("scene_id") or str(number),
            "picture": file.name,
            "description": scene["description"],
            "start": scene.get("start_cue_text"),
            "anchor": scene.get("anchor_text"),
            "by": scene["description_source"],
        }
        for number, (scene, file) in enumerate(zip(told["scenes"], files, strict=True), 1)
    ]
    console.out().print(console.table(rows, _COLUMNS))
    for warning in told["warnings"]:
        console.remark(f"{warning['path']}: {warning['message']}")


def _unheard(_size_bytes: int) -> None:
    """Pictures are small: nobody waits for their bytes one by one."""
