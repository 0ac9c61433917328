"""Performs a `media-render` task: its timeline in, one film out, and by-products when asked for."""

import errno
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pydantic import Field, JsonValue

from farm.catalog import read_catalog
from farm.errors import FailureClass, TaskFailure
from farm.noun import Noun
from farm.otio import CONTENT_TYPE, as_otio
from farm.settings import Settings
from farm.timeline import Timeline
from tasks.media_render import MediaRender, timeline_of
from tasks.media_render.music import Told
from tasks.media_render.profiles import DEFAULT_PROFILE, ProfileName
from tasks.media_render.segments import TIMELINE, VOICE
from tasks.media_render.voiceover import VOICE_FILE, VOICE_MEDIUM, Speech, notes
from workers.context import Context, Done, Output, TaskInput
from workers.cpu_render.beat_sync import laid_on_beats
from workers.cpu_render.contact_sheet import draw_sheet
from workers.cpu_render.film import Film, make, profile_named
from workers.cpu_render.narration import narrate
from workers.cpu_render.poster import candidates, write_poster
from workers.cpu_render.smart_cut import copying_nothing
from workers.cpu_render.subtitles import as_srt, as_vtt, cues_of

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class RenderParams(Noun):
    """What the task asks for. Input files come by media id.

    `notes` say what of a timeline could not be kept. `music` tells of the tune that was chosen; `unheard` is
    the request when its cuts shall follow music that nobody has listened to yet, `unspoken` when it has a
    voiceover that nobody has spoken yet. `grows_s` is for the farm, not for the worker.
    """

    timeline: Timeline
    file_name: str = Field(min_length=1)
    profile: ProfileName = DEFAULT_PROFILE
    copy_untouched: bool = True
    contact_sheet: bool = False
    poster: bool = False
    subtitles: bool = False
    chapters: bool = False
    otio: bool = False
    incremental: bool = False
    notes: tuple[str, ...] = ()
    music: Told | None = None
    unheard: MediaRender | None = None
    unspoken: MediaRender | None = None
    grows_s: float = 0.0


class Final(NamedTuple):
    """What is to be rendered, once all was spoken and heard; `notes` are for whoever asked."""

    timeline: Timeline
    notes: tuple[str, ...]


def perform(task: TaskInput, context: Context) -> Done:
    """Render the task's timeline.

    Raises AssetUnreadable naming the medium; TaskFailure DISK_FULL, INTERNAL `encoder_missing` or
    `voice_engine_missing`, or CORRUPT_OUTPUT when the file does not read back as it should. Writes only into
    the workdir.
    """
    params = RenderParams.model_validate(dict(task.params))
    files = files_of(task)
    profile = profile_named(params.profile, read_catalog(Settings()).encoders)
    with disk_full_named():
        final = final_timeline(params, files, context)
        film = make(
            final.timeline,
            files,
            context.workdir,
            profile if params.copy_untouched else copying_nothing(profile),
            chapters=params.chapters,
            progress=context.progress,
            checkpoint=context.checkpoint,
        )
        notes = dict.fromkeys((*final.notes, *film.report.notes))  # the task that laid it out has looked, too
        return done(film, params, files, tuple(notes), context)


def files_of(task: TaskInput) -> dict[str, Path]:
    """A task's files by media id; those of tasks before it by their names, and a voiceover as a medium."""
    files = {name: file.path for name, file in task.inputs.items()}
    if spoken := files.get(f"{TIMELINE}.{VOICE}"):
        files[VOICE_MEDIUM] = spoken
    return files


def final_timeline(params: RenderParams, files: dict[str, Path], context: Context) -> Final:
    """Speak what is to be said, listen to what is to be heard, and lay the film out by that.

    A voiceover becomes one of the files. Raises AssetUnreadable and TaskFailure.
    """
    speech = _spoken(params, files, context)
    return Final(_laid_out(params, files, speech, context), (*params.notes, *_odd(params, speech)))


def done(
    film: Film, params: RenderParams, files: Mapping[str, Path], notes: tuple[str, ...], context: Context
) -> Done:
    """The film and its by-products, which are made now."""
    for note in notes:
        context.log(note)
    outputs = [_video(film, params), *_by_products(film, params, files, context)]
    return Done(outputs, result={"frames": film.shape.frames, "notes": list(notes), **_told(params)})


def _spoken(params: RenderParams, files: dict[str, Path], context: Context) -> Speech | None:
    """Speak the voiceover, if there is one: it becomes one of the files."""
    if params.unspoken is None or params.unspoken.voiceover is None:
        return None
    voiceover = params.unspoken.voiceover
    files[VOICE_MEDIUM] = context.workdir / VOICE_FILE
    return narrate(
        voiceover,
        files[VOICE_MEDIUM],
        context.checkpoint,
        files=files,
        progress=lambda said: context.progress(0.0, f"voiceover {said:.0%}"),
    )


def _odd(params: RenderParams, speech: Speech | None) -> tuple[str, ...]:
    """What a person should know of the voiceover."""
    if params.unspoken is None or speech is None:
        return ()
    return tuple(notes(params.unspoken, speech, params.timeline.duration))


def _laid_out(
    params: RenderParams, files: Mapping[str, Path], speech: Speech | None, context: Context
) -> Timeline:
    """The timeline with what was spoken, its cuts on the beats where they wait for them.

    What its music is goes to the log.
    """
    if params.music is not None:
        context.log(params.music.note)
    timeline = params.timeline
    if params.unspoken is not None:
        timeline = timeline_of(params.unspoken, speech=speech)
    if params.unheard is None:
        return timeline
    return laid_on_beats(params.unheard, timeline, files, context.log, speech)


def _told(params: RenderParams) -> dict[str, JsonValue]:
    """The tune that was chosen, if one was."""
    return {} if params.music is None else {"music": params.music.model_dump(mode="json")}


@contextmanager
def disk_full_named() -> Iterator[None]:
    """Tell a full disk from every other trouble with files."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise TaskFailure("The worker's disk is full.", FailureClass.DISK_FULL) from error


def _video(film: Film, params: RenderParams) -> Output:
    meta = {
        "frames": film.shape.frames,
        "duration_s": film.report.duration_s,
        "width": film.shape.width,
        "height": film.shape.height,
        "fps": float(film.shape.rate.fps),
        **_told(params),
    }
    return Output("video", film.path, _named(params, film.path.suffix), film.content_type, meta)


def _by_products(
    film: Film, params: RenderParams, files: Mapping[str, Path], context: Context
) -> Iterator[Output]:
    if params.contact_sheet:
        context.progress(1.0, "contact sheet")
        yield _sheet(film, params)
    if params.poster:
        context.progress(1.0, "poster")
        yield _poster(film, params)
    if params.otio:
        yield _otio(film, params)
        yield from _voice(film, files)
    if params.subtitles:
        yield from _subtitles(film, params, context)


def _sheet(film: Film, params: RenderParams) -> Output:
    path = film.seen.with_suffix(".png")
    draw_sheet(film.seen, path, rate=film.shape.rate, frames=film.shape.frames, title=params.file_name)
    return Output("contact-sheet", path, _named(params, "-contact-sheet.png"), "image/png")


def _poster(film: Film, params: RenderParams) -> Output:
    path = film.seen.with_name("poster.jpg")
    rate = film.timeline.rate
    frame = write_poster(film.seen, path, rate=rate, frames=candidates(film.timeline))
    meta = {"at_s": float(rate.seconds(frame)), "width": film.shape.width, "height": film.shape.height}
    return Output("poster", path, _named(params, "-poster.jpg"), "image/jpeg", meta)


def _otio(film: Film, params: RenderParams) -> Output:
    path = film.seen.with_name("timeline.otio")
    path.write_text(as_otio(film.timeline), encoding="utf-8", newline="\n")
    return Output("otio", path, _named(params, ".otio"), CONTENT_TYPE)


def _voice(film: Film, files: Mapping[str, Path]) -> Iterator[Output]:
    """The file that an editor finds named in the timeline."""
    if VOICE_MEDIUM not in files:
        return
    path = film.seen.with_name(VOICE_FILE)
    if not path.is_file():  # another task has spoken
        shutil.copyfile(files[VOICE_MEDIUM], path)
    yield Output("voiceover", path, VOICE_FILE, "audio/wav")


def _subtitles(film: Film, params: RenderParams, context: Context) -> Iterator[Output]:
    cues = cues_of(film.timeline)
    if not cues:
        context.log("The film has no texts, and so no subtitles.")
        return
    for suffix, content_type, text in (
        (".srt", "application/x-subrip", as_srt(cues)),
        (".vtt", "text/vtt", as_vtt(cues)),
    ):
        path = film.seen.with_name(f"subtitles{suffix}")
        path.write_text(text, encoding="utf-8", newline="\n")
        yield Output(
            f"subtitles-{suffix[1:]}", path, _named(params, suffix), content_type, {"cues": len(cues)}
        )


def _named(params: RenderParams, ending: str) -> str:
    """The film's file name with another ending."""
    return f"{Path(params.file_name).stem}{ending}"
