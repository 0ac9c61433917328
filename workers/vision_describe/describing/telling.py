"""Tells scene after scene, and finds each one's words in the narration; where a model fails, it measures."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from farm.errors import FailureClass, TaskFailure
from farm.moderation import ModerationRules, forbids
from tasks.compose_otio.findings import Finding, pointer
from tasks.describe_scenes import Described, DescribeScenes, SceneText, Source
from tasks.describe_scenes.asking import Said, Wanted
from tasks.describe_scenes.checks import notes
from tasks.describe_scenes.cues import Cue, Shown, choose_cues
from tasks.describe_scenes.policy import CAPABILITY
from tasks.describe_scenes.scenes import TextUnusable, is_foreign
from workers.vision_describe.describing.facts import Seen, twin_of
from workers.vision_describe.describing.measured import MeasuredDescriber
from workers.vision_describe.detail import Glance

_GIVES_UP_AFTER = 3  # scenes of which a model could describe none
_MEASURED_LANGUAGE = "en"


class Describer(Protocol):
    """Describes one picture after another, in the order of their scenes."""

    @property
    def source(self) -> Source:
        """What its descriptions come from."""
        ...

    def describe(self, wanted: Wanted, seen: Seen) -> Said:
        """Say what is seen. Raises TextUnusable where nothing came of it, and TaskFailure."""
        ...


class Telling:
    """The scenes of one request, so far."""

    def __init__(
        self,
        params: DescribeScenes,
        describer: Describer,
        rules: ModerationRules | None = None,
        measured: MeasuredDescriber | None = None,
    ) -> None:
        self._params = params
        self._describer = describer
        self._rules = rules or ModerationRules()
        self._measured = measured or MeasuredDescriber()
        self._detailed = params.metadata.in_detail(len(params.images))
        self._glances: list[Glance] = []
        self._told: list[tuple[Source, Said]] = []
        self._warnings = list(notes(params.metadata))

    def add(self, seen: Seen) -> None:
        """Describe the next picture. Raises TaskFailure when the model is of no use at all."""
        twin = twin_of(seen.glance, self._glances)
        self._glances.append(seen.glance)
        seen = replace(seen, facts=seen.facts.model_copy(update={"twin": twin}))
        self._told.append(self._described(self._wanted(len(self._told)), seen))

    def all(self) -> Described:
        """All scenes, with their cues. Raises TaskFailure when the model described none."""
        if self._describer.source is Source.MODEL and not self._has_model_text:
            raise _of_no_use()
        cues = self._cues()
        self._warn_of_language()
        ids = self._params.metadata.scene_ids or (None,) * len(self._told)
        scenes = [
            SceneText(
                scene_id=scene_id,
                description=said.description,
                description_source=source,
                start_cue_text=cue.start if cue else None,
                anchor_text=cue.anchor if cue else None,
            )
            for scene_id, (source, said), cue in zip(ids, self._told, cues, strict=True)
        ]
        return Described(scenes=tuple(scenes), warnings=tuple(self._warnings))

    def _warn_of_language(self) -> None:
        language = self._params.metadata.hints.language_code or _MEASURED_LANGUAGE
        is_measured = any(source is Source.MEASURED for source, _ in self._told)
        said = None
        if is_measured and language.lower().split("-")[0] != _MEASURED_LANGUAGE:
            said = "Measured: in English."
        elif any(is_foreign(told.description, language) for _, told in self._told):
            said = "Some descriptions came in another language than was asked for."
        if said is not None:
            self._warn("language_not_supported", "/metadata/hints/languageCode", said)

    def _wanted(self, place: int) -> Wanted:
        metadata = self._params.metadata
        return Wanted(
            place=place,
            count=len(self._params.images),
            style="detailed" if place in self._detailed else metadata.hints.style,
            most=self._params.max_description,
            language=metadata.hints.language_code,
            narration=metadata.narration_text or None,
        )

    def _described(self, wanted: Wanted, seen: Seen) -> tuple[Source, Said]:
        try:
            said = self._describer.describe(wanted, seen)
        except TextUnusable as error:
            return Source.MEASURED, self._instead(wanted, seen, str(error))
        if self._describer.source is Source.MEASURED:
            return Source.MEASURED, self._without_forbidden(said, wanted, seen)
        if self._is_forbidden(said):
            return Source.MEASURED, self._instead(wanted, seen, "a description has words that are forbidden")
        return Source.MODEL, said

    def _instead(self, wanted: Wanted, seen: Seen, why: str) -> Said:
        if wanted.place + 1 >= _GIVES_UP_AFTER and not self._has_model_text:
            raise _of_no_use(why)
        said = "Could not be described as asked; this is what was measured of it."
        self._warn("description_measured", pointer("images", wanted.place), said)
        return self._without_forbidden(self._measured.describe(wanted, seen), wanted, seen)

    def _without_forbidden(self, said: Said, wanted: Wanted, seen: Seen) -> Said:
        """What was measured; where a reader has read what is forbidden, nothing that readers found."""
        return MeasuredDescriber(()).describe(wanted, seen) if self._is_forbidden(said) else said

    def _is_forbidden(self, said: Said) -> bool:
        return forbids(self._rules, CAPABILITY, [said.description])

    @property
    def _has_model_text(self) -> bool:
        return any(source is Source.MODEL for source, _ in self._told)

    def _cues(self) -> Sequence[Cue | None]:
        narration = self._params.metadata.narration_text
        if not narration:
            return [None] * len(self._told)
        cues = choose_cues(narration, [Shown(said.about, said.cue) for _, said in self._told])
        for place, cue in enumerate(cues):
            if cue is None:
                said = "The narration has no words of its own for this scene."
                self._warn("cues_omitted", pointer("images", place), said)
        return cues

    def _warn(self, code: str, path: str, message: str) -> None:
        self._warnings.append(Finding(code=code, path=path, message=message))


def _of_no_use(why: str = "its answers are no descriptions") -> TaskFailure:
    return TaskFailure(
        f"The model described none of the pictures: {why}.",
        FailureClass.CORRUPT_OUTPUT,
        code="answer_unusable",
    )
