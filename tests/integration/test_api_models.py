"""The lists of models over HTTP: OpenAI's own client, the studio's shapes, and what the farm has of them."""

from typing import Any

import httpx
import openai
import pytest

from tests.api import Api

pytestmark = pytest.mark.slow


def get(api: Api, path: str) -> httpx.Response:
    with api.client() as client:
        return client.get(path)


def test_c193_openais_client_lists_and_retrieves_models(api: Api) -> None:
    with openai.OpenAI(api_key=api.key, base_url=f"{api.url}/v1", max_retries=0) as client:
        listed = {model.id: model for model in client.models.list()}
        one = client.models.retrieve("kling-o3-pro")
        with pytest.raises(openai.NotFoundError) as refused:
            client.models.retrieve("sora-9")
    # C-198 … C-210
    documents = "dall-e-3 seedream-3.0 flux-pro stable-diffusion-3 seedream-v4.5-edit wan-2.6-image-edit"
    documents += " kling-o3-pro kling-v3 seedance-1.5-pro claude-* gemini-* gpt-* auto"
    assert set(documents.split()) <= set(listed)
    assert {model.object for model in listed.values()} == {"model"}
    assert one.id == "kling-o3-pro" and one.owned_by == "Kuaishou"
    assert refused.value.code == "model_not_found"
    assert refused.value.request_id


def test_x43_only_what_somebody_runs_here_is_available(api: Api) -> None:
    listed: list[dict[str, Any]] = get(api, "/v1/models").json()["data"]
    available = [model["id"] for model in listed if model["available"]]
    own = ["auto", "animatic", "charts", "retouch", "creative-voice"]
    assert available == own == [model["id"] for model in listed[: len(own)]]
    only = get(api, "/v1/models?available=true").json()["data"]
    assert [model["id"] for model in only] == available
    auto = get(api, "/v1/models/auto").json()
    assert auto["serving"]["text-to-video"] == "animatic"  # C-210


def test_a_word_of_a_pattern_and_a_concrete_key_lead_to_their_model(api: Api) -> None:
    assert get(api, "/v1/models/gpt-4o-mini").json()["name"] == "GPT"  # C-209
    found = get(api, "/v1/models/kling-o3-pro-i2v").json()
    assert (found["id"], found["name"]) == ("kling-o3-pro-i2v", "Kling O3 Pro")


def test_b401_the_studios_video_models_have_their_live_defaults(api: Api) -> None:
    models = {model["id"]: model for model in get(api, "/api/models").json()["models"]}
    wan = models["wan-t2v"]
    assert wan["name"] == "WAN 2.2" and wan["type"] == "t2v"  # B-402
    assert wan["defaults"]["width"] == 832 and wan["defaults"]["frame_rate"] == 24  # B-038
    assert wan["frames"] == {"step": 4, "offset": 1, "least": 5, "most": 301}
    assert wan["credits"] == {"base": 10, "per_frame": 0.2, "per_step": 0.5, "per_10_s": 0}  # B-429
    assert models["wan-flf"]["inputs"] == ["image", "last_image"]  # B-418
    assert "hunyuan3d" in models and "flux" not in models  # B-423
    assert not wan["available"] and models["animatic"]["available"]


def test_b082_to_b086_the_studios_picture_models(api: Api) -> None:
    models = {model["id"]: model for model in get(api, "/api/image-models").json()["models"]}
    prices = {name: models[name]["credit_cost"] for name in ("sd15", "flux", "flux-dev", "flux-edit")}
    assert prices == {"sd15": 2, "flux": 5, "flux-dev": 8, "flux-edit": 6}  # B-424 … B-427
    assert models["flux"]["name"] == "Flux 2 Klein"
    assert models["flux"]["defaults"]["steps"] == 4
    assert "wan-t2v" not in models


def test_b068_to_b071_a_quote_is_exact_and_says_what_was_changed(api: Api) -> None:
    quote = get(api, "/api/generation-cost?model=wan-t2v&frames=41&steps=4").json()
    assert quote["credits"] == 21 and quote["normalized"] == {}
    changed = get(api, "/api/generation-cost?model=wan-t2v&frames=40&steps=4").json()
    assert changed["credits"] == 21
    assert changed["normalized"] == {"frames": {"requested": 40, "used": 41}}
    assert get(api, "/api/generation-cost?model=v2v").json()["credits"] == 3


@pytest.mark.parametrize(
    ("query", "param"),
    [("model=nothing", "model"), ("frames=41", "model"), ("model=flux&steps=999", "steps"),
     ("model=wan-t2v&frames=0", "frames"), ("model=wan-t2v&width=99999", "width")],
)  # fmt: skip
def test_b004_b006_the_studio_says_no_in_one_sentence_and_names_the_field(
    api: Api, query: str, param: str
) -> None:
    refused = get(api, f"/api/generation-cost?{query}")
    assert refused.status_code == 400
    said = refused.json()
    assert isinstance(said["error"], str) and said["param"] == param


def test_b001_b007_c017_lists_ask_for_a_key(api: Api) -> None:
    for path in ("/v1/models", "/api/models", "/api/image-models", "/api/generation-cost?model=flux"):
        refused = httpx.get(api.url + path)
        assert refused.status_code == 401
    assert isinstance(httpx.get(f"{api.url}/api/models").json()["error"], str)
    assert httpx.get(f"{api.url}/v1/models").json()["error"]["type"] == "authentication_error"
    assert "X-RateLimit-Remaining" in get(api, "/v1/models").headers  # C-005
