"""`farm voices`: who may speak a voiceover, and voices of one's own, over HTTP, to any farm."""

from enum import StrEnum
from typing import Annotated, Any

import typer
from pydantic import JsonValue

from farm.cli import console
from farm.cli.client import FarmClient
from farm.cli.embedded import any_farm
from farm.settings import Settings

app = typer.Typer()

_COLUMNS = {
    "id": "Voice",
    "name": "Name",
    "locale": "Speaks",
    "gender": "Gender",
    "engine": "Engine",
    "pace": "Speed",
    "tags": "Tags",
}


class Source(StrEnum):
    """Whose voices."""

    SAVED = "saved"
    SYSTEM = "system"


class Gender(StrEnum):
    """How a voice sounds."""

    FEMALE = "female"
    MALE = "male"


VoiceId = Annotated[str, typer.Argument(help="A saved voice, as `farm voices` shows it: dvoice_…")]
Speed = Annotated[float | None, typer.Option(help="From 0.5 to 2; 1 is the voice's own.", show_default=False)]
Locale = Annotated[
    str | None,
    typer.Option(help="What it speaks, where its voice speaks several: en-GB.", show_default=False),
]
Tags = Annotated[
    list[str] | None, typer.Option("--tag", help="A word to find it by; repeatable.", show_default=False)
]


@app.callback(invoke_without_command=True)
def voices(
    context: typer.Context,
    language: Annotated[str | None, typer.Option(help="Only this one: en, or en-GB.")] = None,
    gender: Annotated[Gender | None, typer.Option(help="Only these.")] = None,
    engine: Annotated[str | None, typer.Option(help="Only this engine's.")] = None,
    source: Annotated[Source | None, typer.Option(help="Only one's own, or only the farm's.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """List the voices, one's own first."""
    if context.invoked_subcommand is not None:
        return
    with _farm() as farm:
        found = farm.voices(language=language, gender=gender, engine=engine, source=source)
    console.print_listing(
        found if as_json else [_row(voice) for voice in found],
        _COLUMNS,
        as_json=as_json,
        empty="No voice is like that.",
    )


@app.command()
def save(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    voice: Annotated[str, typer.Option(help="The farm's voice that speaks: svoice_…")],
    speed: Speed = None,
    locale: Locale = None,
    tag: Tags = None,
    as_json: console.AsJson = False,
) -> None:
    """Save a voice with a name and a speed of one's own. Its id is alone on the last line of stdout."""
    wanted: dict[str, JsonValue] = {
        "name": name,
        "voice_id": voice,
        "speed": 1.0 if speed is None else speed,
        "locale": locale,
        "tags": [*tag] if tag else [],
    }
    with _farm() as farm:
        made = farm.save_voice(wanted)
    if as_json:
        console.print_json(made)
    else:
        console.say(made["id"])


@app.command()
def change(
    voice_id: VoiceId,
    name: Annotated[str | None, typer.Option(help="What to call it.", show_default=False)] = None,
    voice: Annotated[str | None, typer.Option(help="The voice that speaks.", show_default=False)] = None,
    speed: Speed = None,
    locale: Locale = None,
    tag: Tags = None,
    as_json: console.AsJson = False,
) -> None:
    """Change what is named of a saved voice; jobs that were submitted stay as they were."""
    changes: dict[str, JsonValue] = {
        "name": name,
        "voice_id": voice,
        "speed": speed,
        "locale": locale,
        "tags": [*tag] if tag else None,
    }
    with _farm() as farm:
        changed = farm.change_voice(voice_id, {key: new for key, new in changes.items() if new is not None})
    if as_json:
        console.print_json(changed)
    else:
        console.print_listing([_row(changed)], _COLUMNS, as_json=False)


@app.command()
def rm(voice_id: VoiceId) -> None:
    """Forget a saved voice; jobs that were submitted with it are none the worse."""
    with _farm() as farm:
        farm.remove_voice(voice_id)
    console.say(f"{voice_id} is deleted.")


def _farm() -> FarmClient:
    return any_farm(Settings())


def _row(voice: dict[str, Any]) -> dict[str, Any]:
    missing = "" if voice["available"] else f"{voice['voice_id']} is not offered"
    return voice | {
        "pace": "" if voice["speed"] == 1 else f"{voice['speed']:g}",
        "engine": voice["engine"] or missing,
    }
