"""Performs a `plan` task: has the cuts of a render planned, and grows the render's tasks.

Two planners: the embedded rules, and a language model behind OpenAI's chat/completions where the provider has
a url. A model's answer that is no plan is not asked for again: the rules plan, and the job says so.
"""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import JsonValue

from farm.catalog import Catalog, read_catalog
from farm.errors import FailureClass, TaskFailure
from farm.noun import Noun
from farm.settings import Settings
from farm.timeline import MediaKind
from tasks import media_render
from tasks.media_render import MediaRender
from tasks.media_render.planning.asking import AnswerUnusable, answer_format, messages, read_answer
from tasks.media_render.planning.brief import Brief, brief_of
from tasks.media_render.planning.draft import Draft
from tasks.media_render.planning.findings import HEARD, LOOKED, Listened, Looked
from tasks.media_render.planning.rules import RulePlanner
from tasks.media_render.planning.settling import Plan, settled
from tasks.media_render.planning.stage import (
    LISTEN,
    LOOK,
    PLAN,
    ROUTES,
    RULES,
    PlanParams,
    longest_s,
    planned,
)
from workers.context import Context, Done, TaskInput
from workers.media.probe import probe
from workers.provider_http import post_into, service_of

_CALL_S = 90.0
_MOST_BYTES = 1 << 20
_MOST_SHOTS_SAID = 100
_REASON_CHARACTERS = 200
_INSTEAD = "The farm's own rules planned instead."
# The service has answered, and would answer so again: no other attempt helps, but the rules do.
_NO_USE = frozenset({FailureClass.INVALID_INPUT, FailureClass.POLICY, FailureClass.CORRUPT_OUTPUT})

N = TypeVar("N", bound=Noun)


class ChatPlanner:
    """Asks the model of a task's provider."""

    def __init__(self, task: TaskInput, context: Context, longest: float) -> None:
        self._task = task
        self._context = context
        self._longest_s = longest

    def draft(self, brief: Brief) -> Draft:
        """The model's draft. Raises AnswerUnusable, and TaskFailure where no answer came.

        A service that takes no schema is asked without one.
        """
        asked: dict[str, JsonValue] = {
            "model": self._task.model,
            "messages": messages(brief, self._longest_s),
        }
        try:
            try:
                return read_answer(self._asked({**asked, "response_format": answer_format(brief)}), brief)
            except TaskFailure as failure:
                if failure.failure is not FailureClass.INVALID_INPUT:
                    raise
            return read_answer(self._asked(asked), brief)
        except TaskFailure as failure:
            if failure.failure not in _NO_USE:
                raise
            raise AnswerUnusable(failure.message[:_REASON_CHARACTERS].rstrip(".")) from failure

    def _asked(self, body: Mapping[str, JsonValue]) -> bytes:
        answer = self._context.workdir / "answer"
        post_into(
            service_of(self._task.provider or ""),
            "/chat/completions",
            body,
            answer,
            call_s=_CALL_S,
            most_bytes=_MOST_BYTES,
            checkpoint=self._context.checkpoint,
        )
        return answer.read_bytes()


def perform(task: TaskInput, context: Context) -> Done:
    """Plan the request's cuts. Raises AssetUnreadable, BadRequest, and TaskFailure from a provider."""
    request = PlanParams.model_validate(dict(task.params)).request
    catalog = read_catalog(Settings())
    context.progress(0.0, "plan")
    looked = _found(task, f"{LOOK}.{LOOKED}", Looked)
    heard = _found(task, f"{LISTEN}.{HEARD}", Listened)
    brief = brief_of(request, looked, heard, _lengths(request, task))
    planner, plan = _plan(task, request, brief, catalog, context)
    for note in plan.notes:
        context.log(note)
    shown = planned(request, plan)
    return Done(result=_told(planner, plan, request, shown, catalog), tasks=media_render.plan(shown))


def _plan(
    task: TaskInput, request: MediaRender, brief: Brief, catalog: Catalog, context: Context
) -> tuple[str, Plan]:
    """Who planned, and what."""
    longest = longest_s(request)
    notes: tuple[str, ...] = ()
    wanted = catalog.providers.model_of(ROUTES[PLAN])
    if _has_url(task.provider, catalog):
        try:
            plan = settled(ChatPlanner(task, context, float(longest)).draft(brief), brief, longest)
            return task.model or "", plan
        except AnswerUnusable as error:
            notes = (f"{task.model} gave no plan: {error}. {_INSTEAD}",)
    elif request.ai_analysis and task.model != wanted:
        notes = (f"{wanted} could not be asked. {_INSTEAD}",)
    plan = settled(RulePlanner().draft(brief), brief, longest)
    return RULES, plan.model_copy(update={"notes": (*notes, *plan.notes)})


def _has_url(provider: str | None, catalog: Catalog) -> bool:
    found = catalog.providers.providers.get(provider or "")
    return found is not None and found.url is not None


def _found(task: TaskInput, name: str, noun: type[N]) -> N | None:
    """What an earlier task found out, if there was one."""
    file = task.inputs.get(name)
    return None if file is None else noun.model_validate_json(file.path.read_bytes())


def _lengths(request: MediaRender, task: TaskInput) -> Mapping[str, float]:
    """How long the clips last that nobody looked at."""
    clips = {asset.asset_id for asset in request.assets if asset.media_kind is MediaKind.VIDEO}
    found = {}
    for asset_id, file in task.inputs.items():
        if asset_id in clips and (length := probe(file.path, file.file_name).duration) is not None:
            found[asset_id] = float(length)
    return found


def _told(
    planner: str, plan: Plan, request: MediaRender, shown: MediaRender, catalog: Catalog
) -> dict[str, JsonValue]:
    """What the job says of its plan. What it costs is counted by the film as planned."""
    lines = media_render.breakdown(request, catalog, shown)
    names = {asset.asset_id: asset.file_name for asset in request.assets}
    cuts: list[JsonValue] = [
        {**cut.model_dump(mode="json", exclude_defaults=True), "file_name": names[cut.asset_id]}
        for cut in shown.cuts[:_MOST_SHOTS_SAID]
    ]
    return {
        "planner": planner,
        "notes": list(plan.notes),
        "cuts": cuts,
        "cost_mc": sum(line.amount_mc for line in lines),
    }
