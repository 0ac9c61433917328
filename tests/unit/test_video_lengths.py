"""How long a video may be, by the models that this farm offers (C-060, C-077, C-090)."""

from pathlib import Path

import pytest

from farm.api.surfaces.generations.video_start import model_of
from farm.catalog import Catalog, read_catalog
from farm.errors import BadRequest
from farm.settings import Settings

PROVIDERS = """
[providers.shop]
pool = "gpu-generate"
resource = "io"
[routes.text-to-video.kling-v3-t2v]
fallbacks = ["kling-o3-pro-t2v", "house-model"]
offers = [{ provider = "shop", price = "1", estimated_s = 60.0 }]
[routes.text-to-video.kling-o3-pro-t2v]
offers = [{ provider = "shop", price = "1", estimated_s = 60.0 }]
[routes.text-to-video.house-model]
offers = [{ provider = "shop", price = "9", estimated_s = 60.0 }]
[auto]
text-to-video = "kling-v3-t2v"
"""


@pytest.fixture(params=["known models", "one of the operator's own"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Catalog:
    said = PROVIDERS
    if request.param == "known models":
        said = said.replace(', "house-model"', "")
    (tmp_path / "providers.toml").write_text(said)
    return read_catalog(Settings(config_dir=tmp_path))


def test_auto_goes_to_a_model_that_makes_so_long_a_video(catalog: Catalog) -> None:
    def name(seconds: float | None) -> str | None:
        found = model_of(catalog, "auto", has_image=False, seconds=seconds)
        return found.name if found else None

    assert (name(None), name(10)) == ("Kling V3", "Kling V3")
    assert name(12.5) == "Kling O3 Pro"
    own = "house-model" in catalog.providers.routes["text-to-video"]["kling-v3-t2v"].fallbacks
    if own:  # nothing is known of it, so it is not refused for it
        assert name(40) is None
        return
    with pytest.raises(BadRequest, match=r"^duration: auto makes at most 15 s\.$"):
        name(40)


def test_a_model_by_name_is_held_to_its_own_length(catalog: Catalog) -> None:
    with pytest.raises(BadRequest, match=r"^duration: kling-v3 makes at most 10 s\.$") as refused:
        model_of(catalog, "kling-v3", has_image=False, seconds=12)
    assert refused.value.param == "duration"
