"""Where latents are heading: with a model that is always right, each step of a sampler tells the picture."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.extras import need

need("diffusers", "the extra diffusers is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning"),
]

_OLD = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
_FLOW = {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": 3.0}
SAMPLERS: list[tuple[str, dict[str, Any]]] = [
    ("FlowMatchEulerDiscreteScheduler", {"shift": 3.0}),
    ("EulerDiscreteScheduler", _OLD),
    ("EulerDiscreteScheduler", {**_OLD, "use_karras_sigmas": True}),
    ("DDIMScheduler", {**_OLD, "clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1}),
    ("CogVideoXDDIMScheduler", {}),
    ("DPMSolverMultistepScheduler", _OLD),
    ("DPMSolverMultistepScheduler", _FLOW),
    ("UniPCMultistepScheduler", _OLD),
    ("UniPCMultistepScheduler", _FLOW),
]


def test_nothing_is_shown_where_it_may_not_be_or_is_not_understood() -> None:
    from workers.gpu_generate.diffusing.sketch import sketch_of
    from workers.gpu_generate.previews import Previews

    known, unknown = type("AutoencoderKL", (), {}), type("AutoencoderOfTomorrow", (), {})
    fitted: Any = None  # looked at only when something is drawn

    def is_shown(every_s: float = 2.0, **parts: Any) -> bool:
        return sketch_of(SimpleNamespace(**parts), fitted, Previews(lambda _jpeg: None, every_s)) is not None

    assert is_shown(vae=known())
    assert not is_shown(0.0, vae=known())
    assert not is_shown(vae=known(), safety_checker=object())  # what it refuses nobody sees before
    assert not is_shown(vae=unknown()) and not is_shown()


@pytest.mark.parametrize(("name", "config"), SAMPLERS)
def test_b035_b036_the_line_of_two_steps_leads_to_the_picture(name: str, config: dict[str, Any]) -> None:
    import diffusers
    import torch

    from workers.gpu_generate.diffusing.sketch import _STRAIGHT, heading

    assert name in _STRAIGHT
    scheduler = getattr(diffusers, name)(**config)
    scheduler.set_timesteps(8)
    torch.manual_seed(1)
    clean, noise = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)
    flows = "Flow" in name or config.get("use_flow_sigmas")
    scaled = name == "EulerDiscreteScheduler"

    def noisy(number: int) -> Any:
        if flows or scaled:
            sigma = scheduler.sigmas[number]
            return clean * (1 - sigma if flows else 1) + noise * sigma
        share = scheduler.alphas_cumprod[int(scheduler.timesteps[number])]
        return clean * share.sqrt() + noise * (1 - share).sqrt()

    said = noise - clean if flows else noise
    before = noisy(0)
    for number, time in enumerate(scheduler.timesteps[:-1]):
        after = scheduler.step(said, time, before, return_dict=False)[0]
        found = heading(scheduler, before, after, number + 1)
        assert (found - clean).abs().max() < 0.02, number
        before = after
