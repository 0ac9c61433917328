"""`farm render` and `farm demo`: a folder in, a film out, through the real queue."""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, get_args

import typer

from farm.cli import console
from farm.cli.embedded import require_installed, some_farm
from farm.cli.footage import Footage, gather
from farm.cli.progress import new_show
from farm.cli.rendering import Film, Wish, params_of, render
from farm.errors import BadRequest, FarmUnavailable
from farm.settings import Settings
from tasks.media_render.layout import DEFAULT_VISUAL_S
from tasks.media_render.params import DEFAULT_BGM_VOLUME, AspectRatio, TransitionType
from tasks.media_render.profiles import PROFILES, SUFFIXES, ProfileName, profile_for

app = typer.Typer()

_USE = "Use the farm"
_DEMO_TEXT = "Made by your own render farm"
_DEMO_VOLUME = 0.6

_PROFILE = "How it is encoded (configs/encode.toml). Default: by the film's ending."
_TRANSITIONS = f"One of {', '.join(get_args(TransitionType))}; several are used in turn."

Sources = Annotated[list[Path], typer.Argument(help="A folder, or pictures and clips.", show_default=False)]
Output = Annotated[Path, typer.Option("--output", "-o", help="The film to write.")]


@app.command("render", rich_help_panel=_USE)
def render_command(
    sources: Sources,
    output: Output = Path("out.mp4"),
    aspect: Annotated[AspectRatio, typer.Option(help="Shape of the film.")] = "9:16",
    music: Annotated[Path | None, typer.Option(help="Music; default: a sound in the folder.")] = None,
    music_like: Annotated[
        str | None, typer.Option(help="Music in words, from what farm tunes lists: 'calm piano'.")
    ] = None,
    music_volume: Annotated[
        float, typer.Option(min=0, max=1, help="Volume of the music.")
    ] = DEFAULT_BGM_VOLUME,
    text: Annotated[str | None, typer.Option(help="Words over the first seconds.")] = None,
    seconds: Annotated[float, typer.Option(help="How long each is shown.")] = DEFAULT_VISUAL_S,
    transition: Annotated[list[str] | None, typer.Option(help=_TRANSITIONS, show_default="crossfade")] = None,
    fps: Annotated[float, typer.Option(min=1, max=60, help="Frames per second.")] = 30.0,
    contact_sheet: Annotated[
        Path | None, typer.Option(help="Also write a PNG that shows it at a glance.")
    ] = None,
    profile: Annotated[
        ProfileName | None, typer.Option(help=_PROFILE, show_default="standard for .mp4")
    ] = None,
    chapters: Annotated[bool, typer.Option("--chapters", help="Chapters in the film.")] = False,
    poster: Annotated[Path | None, typer.Option(help="Also write its best frame as a JPEG.")] = None,
    subtitles: Annotated[
        Path | None, typer.Option(help="Also write its texts; .vtt is WebVTT, else SRT.")
    ] = None,
    otio: Annotated[Path | None, typer.Option(help="Also write its timeline as OpenTimelineIO.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """Render a folder of pictures and clips to one film: .mp4, .webm, .mov or .gif.

    Uses the farm that FARM_URL names or that runs here, else starts one for this call.
    """
    meant = _profile(output, profile)
    types = tuple(transition or ("crossfade",))
    if music and music_like:
        raise BadRequest("Pass --music or --music-like, not both.", param="music_like")
    wish = Wish(aspect, seconds, types, fps, text or None, music_volume, meant, chapters, music_like or None)
    words = None if subtitles is None else "subtitles-vtt" if subtitles.suffix == ".vtt" else "subtitles-srt"
    asked = {"contact-sheet": contact_sheet, "poster": poster, "otio": otio} | (
        {words: subtitles} if words else {}
    )
    extras = {name: path.expanduser() for name, path in asked.items() if path is not None}
    footage = gather([source.expanduser() for source in sources], music and music.expanduser())
    _make(footage, wish, output.expanduser(), extras, as_json=as_json)


@app.command(rich_help_panel=_USE)
def demo(
    media: Annotated[Path | None, typer.Option(help="A folder of your own; default: drawn for you.")] = None,
    output: Output = Path("demo-out/demo.mp4"),
) -> None:
    """Draw a few pictures and a tune, and render them."""
    output = output.expanduser()
    wish = Wish("9:16", DEFAULT_VISUAL_S, ("ken-burns", "crossfade"), 30.0, _DEMO_TEXT, _DEMO_VOLUME)
    _profile(output, "standard")
    sheet = {"contact-sheet": output.with_name(f"{output.stem}-contact-sheet.png")}
    if media is not None:
        _make(gather([media.expanduser()], None), wish, output, sheet)
        return
    require_installed(Settings())
    with tempfile.TemporaryDirectory(prefix="kinefarm-demo-") as folder:
        console.remark("drawing a few pictures and a tune …", style="dim")
        _draw(Path(folder))
        _make(gather([Path(folder)], None), wish, output, sheet)


def _make(
    footage: Footage, wish: Wish, output: Path, extras: Mapping[str, Path], *, as_json: bool = False
) -> None:
    params_of(footage, [f"asset_{n}" for n in range(len(footage.files))], wish, output, extras)
    for note in footage.skipped:
        console.remark(f"skipped {note}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # cancels the job, as Ctrl-C does
    started = time.monotonic()
    with some_farm(Settings()) as client, new_show() as show:
        film = render(client, footage, wish, output, extras, show)
        elapsed_s = time.monotonic() - started
    _tell(film, elapsed_s, as_json=as_json)


def _tell(film: Film, elapsed_s: float, *, as_json: bool) -> None:
    if as_json:
        console.print_json(
            {
                "path": str(film.path),
                "contact_sheet": str(film.extras["contact-sheet"])
                if "contact-sheet" in film.extras
                else None,
                "extras": {name: str(path) for name, path in film.extras.items()},
                "job_id": film.job_id,
                "duration_s": film.duration_s,
                "size_bytes": film.size_bytes,
                "music": film.music,
                "elapsed_s": round(elapsed_s, 3),
            }
        )
        return
    size = console.bytes_text(film.size_bytes)
    console.say(f"{film.path}  {film.duration_s:g} s, {size}, in {elapsed_s:.1f} s", style="bold green")
    for name, path in film.extras.items():
        console.say(f"{path}  {name.replace('-', ' ')}")
    if film.music is not None:
        console.remark(film.music["note"], style="dim")


def _profile(output: Path, named: ProfileName | None) -> ProfileName:
    """The profile that is meant. Raises BadRequest now for what could not be written after the render."""
    if output.is_dir():
        raise BadRequest(f"{output} is a folder.", param="output")
    meant = named or profile_for(output.suffix)
    if meant is None:
        known = ", ".join(SUFFIXES)
        raise BadRequest(
            f"A film is one of {known}; name it so: {output.with_suffix('.mp4')}.", param="output"
        )
    suffix = PROFILES[meant].suffix
    if output.suffix.lower() != suffix:
        raise BadRequest(
            f"A {meant} film ends in {suffix}; name it so: {output.with_suffix(suffix)}.", param="output"
        )
    return meant


def _draw(folder: Path) -> None:
    """Draw the demo's pictures and tune, in a process of its own: the CLI opens no media library."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "workers.cpu_render.demo", str(folder)], capture_output=True, text=True
    )
    if done.returncode != 0:
        raise FarmUnavailable(f"The demo's pictures could not be drawn:\n{done.stderr.strip()}")
