"""What the media render surface takes and gives: camelCase JSON, seconds, credits. Nothing is ignored."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from tasks.media_render.params import (
    HOOK_CHARACTERS,
    INSTRUCTION_CHARACTERS,
    LINE_CHARACTERS,
    MAX_ASSETS,
    MAX_LINES,
    MAX_OVERLAYS,
    MAX_SFX,
    MAX_SOURCE_S,
    QUERY_CHARACTERS,
    SCRIPT_CHARACTERS,
    AspectRatio,
    Length,
    Offset,
    OverlayText,
    Seconds,
    SfxType,
    Source,
    TextTemplate,
    TransitionType,
    Volume,
)

StatusWord = Literal["queued", "processing", "completed", "failed"]
Text = Annotated[str, Field(max_length=200)]
AssetId = Annotated[str, Field(min_length=1, max_length=64)]
FileName = Annotated[str, Field(min_length=1, max_length=300)]
MAX_SCRIPT_CONTENT = 5 * SCRIPT_CHARACTERS  # the times of an SRT count here, not as a script's characters


class Asked(BaseModel):
    """Base of what callers send: camelCase, nothing unknown, nothing converted; a null is left out."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=False,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
    )

    @model_validator(mode="before")
    @classmethod
    def _leave_out_nulls(cls, sent: object) -> object:
        if not isinstance(sent, dict):
            return sent
        known = {field.alias for field in cls.model_fields.values()}
        return {name: value for name, value in sent.items() if value is not None or name not in known}


class Answer(BaseModel):
    """Base of what is answered."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True)


class UploadFile(Asked):
    """One file that will be uploaded; the PUT must carry exactly this type and size."""

    file_name: FileName
    content_type: str = Field(examples=["video/mp4"])
    file_size: int = Field(gt=0, description="Bytes.")
    duration_seconds: float | None = Field(default=None, gt=0, le=MAX_SOURCE_S)
    width: int | None = Field(default=None, gt=0, le=1_000_000)
    height: int | None = Field(default=None, gt=0, le=1_000_000)


class UploadsRequest(Asked):
    """Creates a project with one upload per file."""

    project_name: Text = "Untitled"
    files: list[UploadFile] = Field(min_length=1, max_length=MAX_ASSETS)


class UploadTarget(Answer):
    """Where one file's bytes go, within `expiresIn` seconds."""

    asset_id: str
    upload_url: str
    method: Literal["PUT"] = "PUT"
    object_key: str
    media_type: str = Field(description="image, video or audio")
    file_name: str
    expires_in: int


class MediaCounts(Answer):
    """How many files of each sort."""

    image: int
    video: int
    audio: int


class VisionBasis(Answer):
    """What looking at pictures is priced by."""

    images: int
    videos: int


class AudioBasis(Answer):
    """What audio analysis is priced by."""

    audio_files: int
    videos: int


class AnalysisCostBasis(Answer):
    """How many files each analysis would be counted for."""

    vision_analysis: VisionBasis
    audio_analysis: AudioBasis


class UploadsAnswer(Answer):
    """The new project. Uploads are in the order of the request's files."""

    project_id: str
    directory_prefix: str
    uploads: list[UploadTarget]
    media_counts: MediaCounts
    analysis_cost_basis: AnalysisCostBasis


class AssetDuration(Asked):
    """How long one visual stays. Names it by `assetId` or `fileName`."""

    asset_id: AssetId | None = None
    file_name: FileName | None = None
    duration_seconds: Length


class ClipPlacement(Asked):
    """One visual at an exact place. Without `startTime` it follows the placement before it."""

    asset_id: AssetId | None = None
    file_name: FileName | None = None
    start_time: Seconds | None = None
    duration_seconds: Length | None = None
    source_start_time: Source | None = None
    source_end_time: Source | None = None
    transition_type: TransitionType | None = None


class TextOverlay(Asked):
    """A text at an exact time, until `endTime` or for `durationSeconds`: by default for 3 seconds.

    `templateName` takes the name of a text template, `templateId` its id, such as `headline-bar`; either
    takes both.
    """

    text: OverlayText
    start_time: Seconds
    end_time: Seconds | None = None
    duration_seconds: Length | None = None
    template_name: TextTemplate | None = Field(default=None, examples=["Headline Bar"])
    template_id: TextTemplate | None = Field(default=None, examples=["headline-bar"])
    position: Literal["top", "middle", "bottom"] = "top"


class SfxPlacement(Asked):
    """A sound effect at `startTime`, or at the start of a clip and `offsetSeconds` later.

    `durationSeconds` cuts it short. Without `volume` it has `sfxVolume`.
    """

    sfx_type: SfxType
    start_time: Seconds | None = None
    clip_asset_id: AssetId | None = None
    clip_file_name: FileName | None = None
    offset_seconds: Offset | None = None
    duration_seconds: Length | None = None
    volume: Volume | None = None


class ScriptSegment(Asked):
    """What is said in one go. When it is heard follows from the speech: segments take no times."""

    text: str = Field(min_length=1, max_length=LINE_CHARACTERS)


class Script(Asked):
    """What the voice says: `content` as plain text or SRT, or `segments` as json.

    Each sentence of a text is one segment. Cues of an SRT start at their times, or once the cue before was
    said; where they end is not looked at. No word is cut: the picture stays until the last one was said.
    """

    format: Literal["text", "srt", "json"]
    content: str | None = Field(default=None, max_length=MAX_SCRIPT_CONTENT)
    segments: list[ScriptSegment] | None = Field(default=None, max_length=MAX_LINES)


class RenderRequest(Asked):
    """Starts a render of a project's files. Smallest: `projectId` alone."""

    project_id: AssetId | None = Field(default=None, examples=["mrproj_0123456789abcdefghjkmn"])
    source_directory_prefix: str | None = Field(default=None, max_length=300)
    project_name: Text | None = None
    aspect_ratio: AspectRatio = "9:16"
    hook_text: str | None = Field(default=None, max_length=HOOK_CHARACTERS)
    asset_durations: list[AssetDuration] = Field(default=[], max_length=MAX_ASSETS)
    clip_placements: list[ClipPlacement] = Field(default=[], max_length=MAX_ASSETS)
    transition_types: list[TransitionType] | None = Field(default=None, max_length=50)
    text_overlays: list[TextOverlay] = Field(default=[], max_length=MAX_OVERLAYS)
    bgm: bool | None = Field(default=None, description="Default: whether music is named.")
    bgm_file_name: FileName | None = None
    bgm_asset_id: AssetId | None = None
    bgm_query: str | None = Field(
        default=None,
        max_length=QUERY_CHARACTERS,
        description="Words for a tune of this farm: mood, genre, tempo. A file that is named as well wins.",
        examples=["upbeat product launch background music"],
    )
    bgm_volume: Volume | None = None
    beat_sync: bool | None = Field(
        default=None,
        description="Cuts between visuals without a length of their own follow the music's beats; the total "
        "stays. Default: true.",
    )
    sfx: bool | None = Field(default=None, description="On every cut. Default: whether sfxTypes are named.")
    sfx_types: list[SfxType] | None = Field(default=None, max_length=50)
    sfx_volume: Volume | None = None
    sfx_placements: list[SfxPlacement] = Field(
        default=[], max_length=MAX_SFX, description="Replace the effects on cuts."
    )
    clip_volume: Volume | None = Field(default=None, description="Of the clips' own sound; 0 mutes it.")
    voiceover: bool | None = Field(
        default=None, description="Default: whether a script, a voice or its language is named."
    )
    voiceover_voice_id: str | None = Field(
        default=None,
        description="One of GET /voices.",
        examples=["svoice_espeak_en-us_female"],
    )
    voiceover_language: str | None = Field(
        default=None,
        max_length=35,
        description="A hint; it must be the voice's language.",
        examples=["en-US"],
    )
    voiceover_script: Script | None = None
    output_file_name: str | None = None
    copy_untouched: bool | None = Field(
        default=None,
        description="What is shown unchanged of H.264 clips is taken over without loss. False: all of it is "
        "encoded anew, for players that stumble over two encoders in one film. Default: true.",
    )

    instructions: str | None = Field(
        default=None,
        max_length=INSTRUCTION_CHARACTERS,
        description="What the planner is to do, in words; read with aiAnalysis.",
        examples=["Open with the product shot, then cut into the demo clips. Keep it energetic."],
    )
    target_duration_seconds: Length | None = Field(
        default=None, description="How long the whole is to be; what was timed by hand stands."
    )
    ai_analysis: bool | None = Field(
        default=None, description="A planner chooses order, lengths and moments. Placements go before it."
    )
    vision_analysis: bool | None = Field(
        default=None, description="Look at the visuals: best moments of clips, blurred and double ones."
    )
    audio_analysis: bool | None = Field(
        default=None, description="Listen to clips and sounds: cuts fall into pauses of speech, if any."
    )
    text_on_screen: bool | None = Field(
        default=None,
        description="Texts by itself: what the voiceover says, else what a plan wrote, else a title.",
    )


class RenderStarted(Answer):
    """The render is accepted. `estimatedCredits` is the most it will cost, taken only once it succeeds."""

    project_id: str
    status: Literal["queued"] = "queued"
    progress: int = 0
    output_ready: bool = False
    estimated_credits: float


class RenderStatus(Answer):
    """How the project's latest render stands. `progress` is 0 to 100."""

    project_id: str
    status: StatusWord
    progress: int
    output_ready: bool
    credits_used: float
    error_message: str | None


class RenderDownload(Answer):
    """Where the MP4 is, for `expiresIn` seconds."""

    download_url: str
    expires_in: int
    file_name: str
