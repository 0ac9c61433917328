"""Has pictures described by a model that this engine process loads with transformers.

Only safetensors are read, from a pinned commit or the operator's folder, and no code that came with a model
is run. One is loaded once, used by every job of the process, and let go when memory runs short.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from safetensors import SafetensorError
from transformers import AutoModelForImageTextToText, AutoProcessor, StoppingCriteriaList
from transformers.utils import logging

from farm.errors import FailureClass, TaskFailure
from farm.rules.senses import DescribeRules, VisionModel
from tasks.describe_scenes.asking import Said, Wanted, plainly, read_plain
from tasks.describe_scenes.metadata import Style
from tasks.describe_scenes.scenes import Source
from workers.context import Context
from workers.media.models import ModelKeeper, available_bytes
from workers.vision_describe.describing.facts import Seen

_MIB = 1_048_576
_quiet: Any = logging
_quiet.disable_progress_bar()
_TOKENS: Mapping[Style, int] = {"short": 64, "normal": 128, "detailed": 256}
# What Florence-2 and its like are asked for.
_CAPTIONS: Mapping[Style, str] = {
    "short": "<CAPTION>",
    "normal": "<DETAILED_CAPTION>",
    "detailed": "<MORE_DETAILED_CAPTION>",
}


def _free_bytes() -> int | None:
    """What may still be taken, of the host's memory or of the device's, whichever is less."""
    free = available_bytes()
    if not torch.cuda.is_available():
        return free
    on_device = int(torch.cuda.mem_get_info()[0])
    return on_device if free is None else min(free, on_device)


KEEPER = ModelKeeper(_free_bytes)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model with what prepares its input, and how it is asked. Both are of transformers."""

    processor: Any
    model: Any
    is_spoken_to: bool

    def describe(self, wanted: Wanted, picture: Image.Image, checkpoint: Callable[[], None]) -> str:
        """What the model says; the same for the same picture. `checkpoint` is called at every token."""
        inputs = self._asked(wanted, picture).to(self.model.device, dtype=self.model.dtype)
        with torch.inference_mode():
            tokens = self.model.generate(
                **inputs,
                max_new_tokens=_TOKENS[wanted.style],
                do_sample=False,
                stopping_criteria=StoppingCriteriaList([_watch(checkpoint)]),
            )
        asked = inputs["input_ids"].shape[1] if self.is_spoken_to else 0  # which a chat model says again
        return str(self.processor.batch_decode(tokens[:, asked:], skip_special_tokens=True)[0])

    def _asked(self, wanted: Wanted, picture: Image.Image) -> Any:
        if not self.is_spoken_to:
            return self.processor(text=_CAPTIONS[wanted.style], images=picture, return_tensors="pt")
        content = [{"type": "image", "image": picture}, {"type": "text", "text": plainly(wanted)}]
        return self.processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )


class OwnDescriber:
    """Asks a model of this process."""

    source = Source.MODEL

    def __init__(self, loaded: Loaded, context: Context, rules: DescribeRules) -> None:
        self._loaded = loaded
        self._context = context
        self._rules = rules

    def describe(self, wanted: Wanted, seen: Seen) -> Said:
        """What the model says of the picture. Raises TextUnusable, and TaskFailure without the memory."""
        picture = Image.fromarray(seen.picture(self._rules.image_px))
        try:
            said = self._loaded.describe(wanted, picture, self._context.checkpoint)
        except torch.OutOfMemoryError as error:
            raise _too_little(error) from error
        return read_plain(said, wanted)


@contextmanager
def own_describer(
    name: str, spec: VisionModel, rules: DescribeRules, context: Context, keeper: ModelKeeper = KEEPER
) -> Iterator[OwnDescriber]:
    """The model of that name, which stays loaded afterwards. Raises TaskFailure when it cannot be loaded."""
    torch.set_num_threads(rules.threads)
    with keeper.used(name, lambda: load(spec), rules.keep_free_mb * _MIB) as loaded:
        assert isinstance(loaded, Loaded)
        context.warm(*keeper.names)
        yield OwnDescriber(loaded, context, rules)


def load(spec: VisionModel) -> Loaded:
    """The model from its folder, or from its repository at its commit. Raises TaskFailure."""
    source = spec.folder or spec.repository
    pinned = {"revision": spec.revision} if spec.revision else {"local_files_only": True}
    of_model: Any = AutoModelForImageTextToText
    of_processor: Any = AutoProcessor
    try:
        processor = of_processor.from_pretrained(source, trust_remote_code=False, **pinned)
        model = of_model.from_pretrained(
            source,
            trust_remote_code=False,
            use_safetensors=True,
            dtype="auto" if spec.dtype == "auto" else getattr(torch, spec.dtype),
            **pinned,
        )
        model = model.to(_device(spec)).eval()
    except torch.OutOfMemoryError as error:
        raise _too_little(error) from error
    except (OSError, ValueError, SafetensorError) as error:
        why = next(iter(str(error).splitlines()), type(error).__name__)
        said = f"The model {source} cannot be loaded: {why}"
        raise TaskFailure(said, FailureClass.INTERNAL, code="model_unreadable") from error
    return Loaded(processor, model, spec.ask == "chat")


def _device(spec: VisionModel) -> str:
    if spec.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return spec.device


def _too_little(error: Exception) -> TaskFailure:
    return TaskFailure(f"The model needs more memory: {error}", FailureClass.OOM, code="out_of_memory")


def _watch(checkpoint: Callable[[], None]) -> Callable[..., Any]:
    """A stopping criterion that ends a generation from within, by what `checkpoint` raises."""

    def goes_on(tokens: Any, _scores: Any, **_: Any) -> Any:
        checkpoint()
        return torch.zeros(tokens.shape[0], dtype=torch.bool, device=tokens.device)

    return goes_on
