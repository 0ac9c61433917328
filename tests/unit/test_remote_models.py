"""How models of services are named, what is put into their words, and that our key goes nowhere else."""

import re
import tomllib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import get_args

import pytest
from pydantic import JsonValue

from farm.catalog import read_catalog
from farm.errors import FailureClass, FarmUnavailable, TaskFailure
from farm.models import Fitted
from farm.offers import Provider
from farm.providers import ProviderBook
from farm.remote_model import RemoteModel, Word
from farm.settings import Settings
from tasks.generate_video import GenerateVideo
from workers.context import TaskInput
from workers.gpu_generate.remote.asked import MOST_SEED, Asked, asked_of, shape_of
from workers.gpu_generate.remote.calling import Told, named_class, urls_in
from workers.gpu_generate.remote.inputs import inputs_of, ordered_s
from workers.gpu_generate.remote.workflow import FOLDER, filled, places_of, settings_of, workflow_of
from workers.provider_http import Service

CONFIGS = Path(__file__).parents[2] / "configs"


def asked(remote: RemoteModel | None = None, model: str = "wan-t2v", **said: object) -> Asked:
    params = GenerateVideo.model_validate({"prompt": "a lighthouse", **said})
    provider = Provider(pool="gpu-generate", models={model: remote or RemoteModel()})
    task = TaskInput(
        params.kind, "generate", params.model_dump(mode="json"), model=model, provider="animatic"
    )
    found = asked_of(replace(task, idempotency_key="kf_1"), Path())
    return replace(found, provider=provider, remote=remote or RemoteModel())


def test_the_example_of_a_service_in_the_configs_is_one() -> None:
    lines = (CONFIGS / "providers.toml").read_text().splitlines()
    start = lines.index("# [providers.fal]")
    example = "\n".join(line.removeprefix("# ") for line in lines[start : lines.index("", start)])
    failover = read_catalog(Settings()).providers.failover
    book = ProviderBook.model_validate({**tomllib.loads(example), "failover": failover})
    book.check(["gpu-generate"])
    assert book.providers["fal"].models["kling-o3-pro-t2v"].lengths_s == (5, 10)


def test_a_name_for_a_model_that_is_not_there_is_refused() -> None:
    toml = '[providers.fal]\npool = "gpu-generate"\n[providers.fal.models.klink]\nname = "fal-ai/x"\n'
    catalog = read_catalog(Settings())
    book = ProviderBook.model_validate(
        {**tomllib.loads(toml), "failover": catalog.providers.failover, "models": catalog.models}
    )
    with pytest.raises(FarmUnavailable, match=r"providers.fal.models names 'klink'"):
        book.check(["gpu-generate"])


def test_every_word_is_explained_in_the_configs() -> None:
    text = (CONFIGS / "providers.toml").read_text()
    told = text[text.index("# models: what the service") : text.index("#   fixed ")]
    assert {word for word in get_args(Word) if not re.search(rf"\b{word}\b", told)} == set()


@pytest.mark.parametrize(
    ("named", "used"),
    [("kling-o3-pro-t2v", "there"), ("kling-o3-pro", "there"), ("kling-o3-pro-i2v", "kling-o3-pro-t2v")],
)
def test_a_service_names_a_model_by_its_key_or_by_its_id(
    named: str, used: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never by the key of its sister: pictures made to move are another model there."""
    toml = f'[providers.there]\npool = "gpu-generate"\n[providers.there.models.{named}]\nname = "there"\n'
    (tmp_path / "providers.toml").write_text(toml)
    monkeypatch.setenv("FARM_CONFIG_DIR", str(tmp_path))
    task = TaskInput("generate-video", "generate", {"prompt": "a fox"}, model="kling-o3-pro-t2v")
    assert asked_of(replace(task, provider="there"), tmp_path).name == used


def test_inputs_go_by_the_services_names() -> None:
    remote = RemoteModel(
        fields={"seconds": "duration", "seed": "", "aspect_ratio": "ratio"},
        fixed={"audio": False},
        as_text=("duration",),
        lengths_s=(5, 10),
    )
    found = inputs_of(asked(remote, length_s="4"), {"prompt": "text", "seed": "seed"})
    assert found == {"text": "a lighthouse", "duration": "5", "ratio": "16:9", "audio": False}
    assert ordered_s(asked(remote, length_s="4")) == 5
    assert ordered_s(asked(length_s="4")) == Fraction(97, 24)


def test_a_prompt_without_a_name_is_not_left_out() -> None:
    with pytest.raises(TaskFailure, match="prompt") as caught:
        inputs_of(asked(), {"seed": "seed"})
    assert caught.value.failure is FailureClass.UNSUPPORTED


def test_the_nearest_size_is_ordered_in_shape_first() -> None:
    remote = RemoteModel(sizes=("1280x720", "720x1280", "1024x1024"))
    sizes = [
        inputs_of(asked(remote, width=width, height=height), {"prompt": "prompt", "size": "size"})["size"]
        for width, height in ((832, 480), (480, 832), (512, 480))
    ]
    assert sizes == ["1280x720", "720x1280", "1024x1024"]


@pytest.mark.parametrize(
    ("width", "height", "named"),
    [(1280, 720, "16:9"), (832, 480, "16:9"), (720, 1280, "9:16"), (1024, 1024, "1:1"), (1000, 300, "10:3")],
)
def test_shapes_have_names(width: int, height: int, named: str) -> None:
    assert shape_of(width, height) == named


def test_a_seed_is_one_that_services_take() -> None:
    assert asked(seed=7).seed == 7
    assert asked(seed=2**53 - 1).seed <= MOST_SEED
    assert asked().seed == asked().seed


@pytest.mark.parametrize("name", ["text-to-image", "wan-text-to-video", "wan-image-to-video"])
def test_the_workflows_that_ship_can_be_filled(name: str) -> None:
    fixed = dict.fromkeys(("checkpoint", "diffusion_model", "text_encoder", "vae"), "x.safetensors")
    job = asked(RemoteModel(name=name, fixed=fixed), model="wan-t2v")
    graph = workflow_of(job, Settings().config_dirs())
    whole = filled(graph, {**settings_of(job), "image": "input.png"})
    assert places_of(whole) == set()
    assert isinstance(whole, dict)
    for node in whole.values():
        assert isinstance(node, dict)
        for value in node["inputs"].values():  # type: ignore[union-attr]  # of a graph
            assert not isinstance(value, list) or value[0] in whole


def test_an_operators_workflow_comes_first_and_no_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "mine.json").write_text(
        '{"1": {"class_type": "A", "inputs": {"t": "say {prompt}!"}}}'
    )
    (tmp_path / "secret.json").write_text("{}")
    graph = workflow_of(asked(RemoteModel(name="mine")), [tmp_path])
    assert filled(graph, {"prompt": "hello"}) == {"1": {"class_type": "A", "inputs": {"t": "say hello!"}}}
    for name in ("../secret", "none"):
        with pytest.raises(TaskFailure) as caught:
            workflow_of(asked(RemoteModel(name=name)), [tmp_path])
        assert caught.value.public_code == "workflow_missing"


def test_the_key_is_for_the_service_itself() -> None:
    service = Service("https://api.example.com/v1", "k-1")
    assert service.is_ours("https://api.example.com/files/1")
    for other in ("http://api.example.com/v1", "https://cdn.example.com/1", "https://api.example.com:8443/"):
        assert not service.is_ours(other)
    assert service.said("wrong key k-1") == "wrong key …"
    assert "k-1" not in repr(service)


def test_files_are_found_in_answers_of_any_shape() -> None:
    film: JsonValue = {"video": {"url": "https://a/1.mp4"}, "thumbnail": {"url": "https://a/1.png"}}
    assert urls_in(film) == ["https://a/1.mp4"]
    assert urls_in(["https://a/1", "https://a/2"]) == ["https://a/1", "https://a/2"]
    assert urls_in({"images": [{"url": "data:image/png;base64,AA=="}], "prompt": "https://no"}) == [
        "data:image/png;base64,AA=="
    ]
    assert urls_in({"seed": 1, "text": "none"}) == []


@pytest.mark.parametrize(
    ("told", "failure"),
    [
        (Told("", "content_policy_violation"), FailureClass.POLICY),
        (Told("NSFW content detected"), FailureClass.POLICY),
        (Told("CUDA out of memory"), FailureClass.OOM),
        (Told("", "insufficient_quota"), FailureClass.PROVIDER_AUTH),
        (Told("", "feature_not_supported"), FailureClass.UNSUPPORTED),
        (Told("oops", "server_error"), None),
    ],
)
def test_what_services_say_in_their_own_words(told: Told, failure: FailureClass | None) -> None:
    assert named_class(told) is failure


def test_what_is_fitted_is_what_is_asked() -> None:
    job = asked(width=830, height=481, frames=80)
    assert isinstance(job.fitted, Fitted)
    assert (job.values["width"], job.values["height"], job.values["frames"]) == (832, 480, 81)
