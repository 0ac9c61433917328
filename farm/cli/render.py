"""`farm render` and `farm demo`: a folder in, a film out, through the real queue."""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, NamedTuple, get_args

import typer

from farm.cli import console
from farm.cli.client import FarmClient
from farm.cli.cut import SUFFIX, gather_cut
from farm.cli.embedded import require_installed, some_farm
from farm.cli.following import Sent
from farm.cli.footage import Footage, gather
from farm.cli.outputs import checked_outputs
from farm.cli.progress import new_show
from farm.cli.rendering import Film, Wish, params_of, render
from farm.cli.texts import read_script
from farm.cli.watching import Seen, seen, until_changed
from farm.errors import BadRequest, FarmError, FarmUnavailable
from farm.settings import Settings
from tasks.media_render.imported import notes_of
from tasks.media_render.layout import DEFAULT_VISUAL_S
from tasks.media_render.params import DEFAULT_BGM_VOLUME, SIZES, AspectRatio, TransitionType
from tasks.media_render.profiles import PROFILES, SUFFIXES, ProfileName, profile_for

app = typer.Typer()

_USE = "Use the farm"
_DEMO_TEXT = "Made by your own render farm"
_DEMO_VOLUME = 0.6

# What is written in one format only.
_ENDINGS: Mapping[str, tuple[str, ...]] = {"contact-sheet": (".png",), "poster": (".jpg", ".jpeg")}

_SOURCES = "A folder, pictures and clips, or an .otio whose media lie beside it."
_INSTRUCTIONS = "What to make of it, in words: a planner looks, listens, chooses and orders."
_SCRIPT = "A voiceover: .srt is SubRip with its times, else plain text."
_SPEAKER = "Who speaks the script: an id that farm voices lists."
_VOICE = "svoice_espeak_en-us_female"
_PROFILE = "How it is encoded (configs/encode.toml). Default: by the film's ending."
_ENCODE_ALL = "Encode also what is shown unchanged of H.264 clips, which is copied otherwise."
_TRANSITIONS = f"One of {', '.join(get_args(TransitionType))}; several are used in turn."

Sources = Annotated[list[Path], typer.Argument(help=_SOURCES, show_default=False)]
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
    seconds: Annotated[
        float | None, typer.Option(help="How long each is shown.", show_default=str(DEFAULT_VISUAL_S))
    ] = None,
    length: Annotated[float | None, typer.Option(help="How long the film is, in seconds.")] = None,
    instructions: Annotated[str | None, typer.Option(help=_INSTRUCTIONS)] = None,
    script: Annotated[Path | None, typer.Option(help=_SCRIPT)] = None,
    voice: Annotated[str | None, typer.Option(help=_SPEAKER, show_default=_VOICE)] = None,
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
    encode_all: Annotated[bool, typer.Option("--encode-all", help=_ENCODE_ALL)] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Then render again whenever a file changes, until Ctrl-C.")
    ] = False,
    as_json: console.AsJson = False,
) -> None:
    """Render a folder of pictures and clips, or an .otio, to one film: .mp4, .webm, .mov or .gif.

    Uses the farm that FARM_URL names or that runs here, else starts one for this call.
    """
    meant = _profile(output, profile)
    if voice and script is None:
        raise BadRequest("--voice speaks a --script; pass one.", param="voice")
    _require_one(("music", music), ("music_like", music_like))
    _require_one(("seconds", seconds), ("instructions", instructions))
    _require_one(("seconds", seconds), ("length", length))
    wish = Wish(
        aspect,
        seconds,
        tuple(transition) if transition else None,
        fps,
        text or None,
        music_volume,
        profile=meant,
        chapters=chapters,
        music_like=music_like or None,
        incremental=watch,
        encode_all=encode_all,
        length_s=length,
        instructions=instructions or None,
    )
    is_vtt = subtitles is not None and subtitles.suffix.lower() == ".vtt"
    words = "subtitles-vtt" if is_vtt else "subtitles-srt"
    asked = {"contact-sheet": contact_sheet, "poster": poster, "otio": otio, words: subtitles}
    extras = checked_outputs({"output": output, **asked})
    _require_endings(extras)
    sources, music = [source.expanduser() for source in sources], music and music.expanduser()
    spoken = None if script is None else _Script(script.expanduser(), voice or _VOICE)
    order = _Order(sources, music, wish, extras.pop("output"), extras, spoken)
    if watch:
        _watch(order, as_json=as_json)
    else:
        _make(order, as_json=as_json)


@app.command(rich_help_panel=_USE)
def demo(
    media: Annotated[Path | None, typer.Option(help="A folder of your own; default: drawn for you.")] = None,
    output: Output = Path("demo-out/demo.mp4"),
) -> None:
    """Draw a few pictures and a tune, and render them."""
    wish = Wish("9:16", None, ("ken-burns", "crossfade"), 30.0, _DEMO_TEXT, _DEMO_VOLUME)
    _profile(output, "standard")
    sheet = checked_outputs(
        {"output": output, "contact-sheet": output.with_name(f"{output.stem}-contact-sheet.png")}
    )
    output = sheet.pop("output")
    if media is not None:
        _make(_Order([media.expanduser()], None, wish, output, sheet))
        return
    require_installed(Settings())
    with tempfile.TemporaryDirectory(prefix="kinefarm-demo-") as folder:
        console.remark("drawing a few pictures and a tune …", style="dim")
        _draw(Path(folder))
        _make(_Order([Path(folder)], None, wish, output, sheet))


class _Script(NamedTuple):
    """What is to be said, and by whom."""

    path: Path
    voice_id: str


@dataclass(frozen=True, slots=True)
class _Order:
    """What a call asks for: which files, how, and where to. `extras` are by artifact name."""

    sources: Sequence[Path]
    music: Path | None
    wish: Wish
    output: Path
    extras: Mapping[str, Path]
    script: _Script | None = None

    def gather(self) -> Footage:
        """Find the files and hold them against the wish. Raises BadRequest before anything is sent."""
        self._require_kept(self.sources)
        footage = self._found()
        self._require_kept([file.path for file in footage.files])
        if self.script is not None:
            self._require_kept([self.script.path])
            footage = replace(footage, voiceover=read_script(*self.script))
        stand_ins = [f"asset_{number}" for number in range(len(footage.files))]
        params = params_of(footage, stand_ins, self.wish, self.output, self.extras)
        return replace(footage, notes=(*footage.notes, *notes_of(params)))

    def _require_kept(self, files: Iterable[Path]) -> None:
        """Refuse to write over what the film is made of."""
        for path in files:
            if path.resolve() in self.written:
                raise BadRequest(f"{path} is used in the film; write to another file.", param="output")

    def _found(self) -> Footage:
        if not any(source.suffix.lower() == SUFFIX for source in self.sources):
            return gather(self.sources, self.music, self.written)
        if len(self.sources) > 1:
            raise BadRequest("An .otio is rendered by itself; its media are those it names.", param="sources")
        for option in ("seconds", "length", "instructions"):
            if getattr(self.wish, "length_s" if option == "length" else option) is not None:
                raise BadRequest(f"Pass an .otio or --{option}, not both: the .otio says it.", param=option)
        return gather_cut(self.sources[0], self.music, SIZES[self.wish.aspect])

    @property
    def written(self) -> frozenset[Path]:
        """What the render itself writes."""
        return frozenset(path.resolve() for path in (self.output, *self.extras.values()))


def _make(order: _Order, *, as_json: bool = False) -> None:
    footage = order.gather()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # cancels the job, as Ctrl-C does
    _say_notes(footage)
    started = time.monotonic()
    with some_farm(Settings()) as client, new_show() as show:
        film = render(client, footage, order.wish, order.output, order.extras, show)
        elapsed_s = time.monotonic() - started
    _tell(film, elapsed_s, footage, as_json=as_json)


def _watch(order: _Order, *, as_json: bool) -> None:
    """Render, and again whenever a file has changed and rests."""
    footage = order.gather()  # a call that is wrong from the start ends here
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with some_farm(Settings()) as client:
        watch = _Watch(client, order, footage, as_json=as_json)
        try:
            while True:
                watch.render()
                console.remark("watching; Ctrl-C ends", style="dim")
                until_changed(watch.look, watch.rendered)
        except KeyboardInterrupt:
            console.remark("stopped watching", style="dim")


class _Watch:
    """Renders one order again and again. `rendered` is how its files were at the last attempt."""

    def __init__(self, client: FarmClient, order: _Order, footage: Footage, *, as_json: bool) -> None:
        self._client, self._order, self._footage, self._as_json = client, order, footage, as_json
        self._sent: Sent = {}
        self.rendered: Seen = {}

    def look(self) -> Seen:
        """The files as they are now: those that were named, those a cut names, and what lies beside it."""
        sources = self._order.sources
        beside = [source.parent for source in sources if source.suffix.lower() == SUFFIX]
        named = [file.path for file in self._footage.files]
        said = [self._order.script.path] if self._order.script else []
        return seen([*sources, *beside, *named, *said], self._order.written)

    def render(self) -> None:
        """Render what lies there now. A render that fails is told, no more."""
        self.rendered = self.look()
        started = time.monotonic()
        try:
            self._footage = self._order.gather()
            # A cut may name other files now; what was seen before it was read counts as it was then.
            self.rendered = {path: self.rendered.get(path, now) for path, now in self.look().items()}
            film = self._rendered()
        except FarmError as error:
            self._sent.clear()  # perhaps the farm has them no more
            console.complain(error.message)
        except OSError as error:  # a file went away meanwhile
            console.complain(f"{error.filename}: {error.strerror}.")
        else:
            elapsed_s = time.monotonic() - started
            _tell(film, elapsed_s, self._footage, as_json=self._as_json, in_one_line=True)

    def _rendered(self) -> Film:
        order = self._order
        _say_notes(self._footage)
        with new_show() as show:
            return render(
                self._client, self._footage, order.wish, order.output, order.extras, show, self._sent
            )


def _say_notes(footage: Footage) -> None:
    for note in footage.skipped:
        console.remark(f"skipped {note}")
    for note in footage.notes:
        console.remark(note)


def _tell(
    film: Film, elapsed_s: float, footage: Footage, *, as_json: bool, in_one_line: bool = False
) -> None:
    for note in film.notes:
        if note not in footage.notes:  # those were told before it began
            console.remark(note)
    for name, path in film.missing.items():
        console.remark(f"{path} is not written: the film has no {name.partition('-')[0]}")
    if as_json:
        told = {
            "path": str(film.path),
            "contact_sheet": str(film.extras["contact-sheet"]) if "contact-sheet" in film.extras else None,
            "extras": {name: str(path) for name, path in film.extras.items()},
            "job_id": film.job_id,
            "duration_s": film.duration_s,
            "size_bytes": film.size_bytes,
            "music": film.music,
            "notes": list(film.notes),
            "segments": film.segments,
            "segments_rendered": film.rendered,
            "elapsed_s": round(elapsed_s, 3),
        }
        (console.print_line if in_one_line else console.print_json)(told)
        return
    size = console.bytes_text(film.size_bytes)
    console.say(f"{film.path}  {film.duration_s:g} s, {size}, in {elapsed_s:.1f} s", style="bold green")
    for name, path in film.extras.items():
        console.say(f"{path}  {name.replace('-', ' ')}")
    if film.rendered < film.segments:
        console.remark(f"{film.rendered} of its {film.segments} segments rendered anew", style="dim")
    if film.music is not None:
        console.remark(film.music["note"], style="dim")


def _require_one(*options: tuple[str, object]) -> None:
    """Refuse options that say the same in two ways."""
    given = [f"--{name.replace('_', '-')}" for name, value in options if value is not None]
    if len(given) > 1:
        raise BadRequest(f"Pass {' or '.join(given)}, not both.", param=options[-1][0])


def _require_endings(extras: Mapping[str, Path]) -> None:
    """Refuse to write a picture under the name of another kind of picture."""
    for name, endings in _ENDINGS.items():
        path = extras.get(name)
        if path is not None and path.suffix.lower() not in endings:
            wanted = path.with_suffix(endings[0])
            what = name.replace("-", " ")
            raise BadRequest(f"A {what} ends in {endings[0]}; name it so: {wanted}.", param=name)


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
