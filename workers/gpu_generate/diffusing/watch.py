"""Follows a pipeline while it draws: tells its progress, and ends it from within when the attempt is to stop.

What a sketch makes of the latents is shown on the way.

A pipeline's `_interrupt` would still decode what was drawn so far, and some pipelines ignore it. So the watch
raises: at the end of a step where the pipeline tells of it, before each call of the large part where it does
not, and before the VAE decodes anything.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from inspect import signature
from typing import Any

from workers.context import Context
from workers.gpu_generate.diffusing.loading import denoisers
from workers.gpu_generate.diffusing.sketch import Sketch

_CALLBACK = "callback_on_step_end"
_DRAWN = 0.85  # of the way, when the last step is done
DECODED = 0.92


class _Watch:
    """One call of a pipeline. `begin` and `end` are its part of the whole task, 0 to 1.

    What is drawn in `pieces`, one after the other, takes the steps for each of them.
    """

    def __init__(
        self,
        pipeline: Any,
        context: Context,
        steps: int,
        begin: float,
        end: float,
        sketch: Sketch | None,
        pieces: int,
    ) -> None:
        self._pipeline = pipeline
        self._sketch = sketch
        self._context = context
        self._steps = max(1, steps * pieces)
        self._pieces = pieces
        self._begin, self._end = begin, end
        self._done = 0
        self._at: object = None

    def step_ended(self, pipeline: Any, number: int, time: Any, given: dict[str, Any]) -> dict[str, Any]:
        """diffusers' callback."""
        if of_a_piece := int(getattr(pipeline, "num_timesteps", 0)):
            self._steps = of_a_piece * self._pieces
        self._done += 1
        self._step(self._done, self._done)
        if self._sketch is not None and "latents" in given and number + 1 < self._steps:
            self._sketch.see(given["latents"], number, time, has_ended=True)
        return given

    def called(self, _module: Any, _args: Any) -> None:
        """Before the large part is called, perhaps several times a step."""
        self._context.checkpoint()

    def called_at_a_step(self, _module: Any, _args: Any, given: dict[str, Any]) -> None:
        """The same where nothing else tells that a step has begun."""
        now = getattr(self._pipeline, "_current_timestep", None)
        if now is None or now is not self._at:
            self._at = now
            self._step(self._done, self._done + 1)
            if self._sketch is not None and now is not None and "hidden_states" in given:
                self._sketch.see(given["hidden_states"], self._done, now, has_ended=False)
            self._done += 1
        self._context.checkpoint()

    def decodes(self, _module: Any, _args: Any) -> None:
        if self._sketch is not None and self._sketch.is_drawing:
            return
        if self._pieces > 1 and self._done < self._steps:
            self._context.checkpoint()
        else:
            self._tell(DECODED, "decode")

    def _step(self, done: int, shown: int) -> None:
        share = min(1.0, done / self._steps) * _DRAWN
        self._tell(share, f"step {min(shown, self._steps)} of {self._steps}")

    def _tell(self, share: float, stage: str) -> None:
        self._context.progress(self._begin + share * (self._end - self._begin), stage)
        self._context.checkpoint()


@contextmanager
def watched(
    pipeline: Any,
    context: Context,
    steps: int,
    begin: float = 0.0,
    end: float = 1.0,
    sketch: Sketch | None = None,
    pieces: int = 1,
) -> Iterator[dict[str, Any]]:
    """What the pipeline must be called with to be watched. Afterwards no hook is left on it.

    Raises what the context raises.
    """
    watch = _Watch(pipeline, context, steps, begin, end, sketch, pieces)
    tells = _CALLBACK in signature(type(pipeline).__call__).parameters
    with ExitStack() as stack:
        stack.callback(pipeline.maybe_free_model_hooks)
        for module in denoisers(pipeline).values():
            hook: Any = watch.called if tells else watch.called_at_a_step
            stack.callback(module.register_forward_pre_hook(hook, with_kwargs=not tells).remove)
        decoder = getattr(getattr(pipeline, "vae", None), "decoder", None)
        if decoder is not None:
            stack.callback(decoder.register_forward_pre_hook(watch.decodes).remove)
        yield {_CALLBACK: watch.step_ended} if tells else {}
