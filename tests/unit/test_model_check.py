"""`farm models check`: what of an offered model is there on a host, told before a job finds out (issue 6)."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from farm import catalog
from farm.catalog import read_catalog
from farm.cli.main import farm_app
from farm.model_check import Here, Offered, Verdict, offers_here
from farm.settings import Settings

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PROVIDERS = """
[providers.cards]
pool = "gpu-generate"
resource = "device"
[providers.shop]
pool = "gpu-generate"
resource = "io"
remote = true
engine = "fal"
url = "https://queue.fal.run"
key_env = "SHOP_KEY"
[providers.comfy]
pool = "gpu-generate"
resource = "io"
remote = true
engine = "comfyui"
url = "http://gpu-box:8188"
models = { sd15 = { name = "text-to-image", fixed = { checkpoint = "sd15.safetensors" } } }
[providers.nowhere]
pool = "gpu-generate"
resource = "io"
engine = "replicate"

[routes.text-to-video.animatediff]
offers = [{ provider = "cards", price = "1", estimated_s = 60.0 }]
[routes.text-to-image.z-image]
offers = [{ provider = "cards", price = "1", estimated_s = 6.0 }]
[routes.text-to-image.sd15]
offers = [{ provider = "comfy", price = "1", estimated_s = 6.0 }]
[routes.sound-to-video.wan-s2v]
offers = [{ provider = "comfy", price = "1", estimated_s = 6.0 }]
[routes.sound-to-video.echomimic]
offers = [{ provider = "comfy", price = "1", estimated_s = 6.0 }]
[routes.text-to-video.kling-o3-pro-t2v]
offers = [
  { provider = "shop", price = "1", estimated_s = 60.0 },
  { provider = "nowhere", price = "1", estimated_s = 60.0 },
]
"""


class House:
    """A host with configs, a folder of models and an environment of its own."""

    def __init__(self, root: Path) -> None:
        self.root, self.configs = root, root / "configs"
        self.models = root / "home" / "models"
        (self.configs / "models").mkdir(parents=True)
        (self.configs / "providers.toml").write_text(PROVIDERS)
        self.environment = {"HF_HOME": str(root / "hf")}

    @property
    def settings(self) -> Settings:
        return Settings(home=self.root / "home", config_dir=self.configs)

    def told(self) -> dict[tuple[str, str], Offered]:
        """By model and provider, without what ships."""
        catalog._read.cache_clear()  # of a running farm they are read once
        here = Here(read_catalog(self.settings), self.settings, self.environment)
        own = ("cards", "shop", "comfy", "nowhere")
        return {(one.model, one.provider): one for one in offers_here(here) if one.provider in own}

    def pipeline(self, folder: Path, *, weights: bool = True) -> Path:
        """As diffusers saves one."""
        (folder / "transformer").mkdir(parents=True)
        (folder / "scheduler").mkdir()
        index = {
            "_class_name": "X",
            "transformer": ["diffusers", "Y"],
            "scheduler": ["diffusers", "Z"],
            "image_encoder": [None, None],
        }
        (folder / "model_index.json").write_text(json.dumps(index))
        (folder / "transformer" / "config.json").write_text("{}")
        (folder / "scheduler" / "scheduler_config.json").write_text("{}")
        if weights:
            (folder / "transformer" / "diffusion_pytorch_model.safetensors").write_bytes(b"")
        return folder


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_what_is_missing_is_told_with_what_to_do(house: House) -> None:
    told = house.told()
    unpinned = told["z-image", "cards"]
    assert unpinned.verdict is Verdict.MISSING
    assert "has no revision" in unpinned.said and str(house.models / "z-image") in unpinned.said
    assert unpinned.said.endswith("models/pictures.toml there, under [z-image].")
    assert (unpinned.licence, unpinned.commercial) == ("Apache-2.0", "yes")
    assert told["kling-o3-pro-t2v", "shop"].said == "SHOP_KEY is not set here; its workers need it."
    assert told["kling-o3-pro-t2v", "nowhere"].said == "The engine replicate needs the provider's url."
    assert told["sd15", "comfy"].verdict is Verdict.OK  # its workflow ships, and it wants no key
    assert "workflows/echomimic.json" in told["echomimic", "comfy"].said
    assert told["wan-s2v", "comfy"].said == (
        "wan-s2v.json needs diffusion_model, text_encoder, vae, audio_encoder under `fixed` of the provider's"
        " models.wan-s2v."
    )
    house.environment["SHOP_KEY"] = "secret"
    assert house.told()["kling-o3-pro-t2v", "shop"] == Offered(
        capability="text-to-video",
        model="kling-o3-pro-t2v",
        provider="shop",
        engine="fal",
        licence="the service's terms",
        commercial="limited",
        where="https://queue.fal.run",
        verdict=Verdict.OK,
    )


def test_weights_are_found_in_a_folder_in_the_cache_or_are_downloaded(house: House) -> None:
    (house.configs / "models" / "pictures.toml").write_text(f'[z-image]\nrevision = "{COMMIT}"\n')
    repository = read_catalog(Settings()).models.models["z-image"].repository
    missing = house.told()["z-image", "cards"]
    assert missing.where == f"{repository}@{COMMIT}"
    assert missing.said == f"Not in Hugging Face's cache: hf download {repository} --revision {COMMIT}"
    (house.configs / "generate.toml").write_text("[generate]\ndownload = true\n")
    assert house.told()["z-image", "cards"].verdict is Verdict.NOTE
    (house.configs / "generate.toml").unlink()

    cache = house.root / "hf" / "hub" / f"models--{repository.replace('/', '--')}" / "snapshots" / COMMIT
    house.pipeline(cache)
    assert house.told()["z-image", "cards"].verdict is Verdict.OK

    own = house.pipeline(house.models / "z-image", weights=False)
    assert house.told()["z-image", "cards"].said == f"{own} has no safetensors in transformer."
    (own / "scheduler" / "scheduler_config.json").unlink()
    (own / "scheduler").rmdir()
    assert house.told()["z-image", "cards"].said == f"{own} lacks scheduler."
    (own / "model_index.json").unlink()
    assert "no pipeline as diffusers saves one" in house.told()["z-image", "cards"].said


def test_parts_are_looked_for_as_well(house: House) -> None:
    house.pipeline(house.models / "animatediff")
    lacking = house.told()["animatediff", "cards"]
    assert "guoyww/animatediff-motion-adapter-v1-5-3 has no revision" in lacking.said
    assert "guoyww/animatediff-motion-adapter-v1-5-3@COMMIT" in lacking.said
    parts = f'[generate.models.animatediff.parts]\nmotion_adapter = "{house.root}/adapter.safetensors"\n'
    (house.configs / "generate.toml").write_text(parts)
    assert house.told()["animatediff", "cards"].said == f"{house.root}/adapter.safetensors is not there."
    (house.root / "adapter.safetensors").write_bytes(b"")
    assert house.told()["animatediff", "cards"].verdict is Verdict.OK


def test_the_command_ends_with_1_where_something_is_missing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = CliRunner()
    shipped = run.invoke(farm_app("models"), ["models", "check", "--json"])
    assert shipped.exit_code == 0, shipped.output
    assert {row["state"] for row in json.loads(shipped.stdout)} == {"ok"}  # a new farm lacks nothing
    monkeypatch.setenv("FARM_CONFIG_DIR", str(house.configs))
    monkeypatch.setenv("FARM_HOME", str(house.root / "home"))
    broken = run.invoke(farm_app("models"), ["models", "check", "--json"])
    assert broken.exit_code == 1
    listed = run.invoke(farm_app("models"), ["models", "--makes", "image", "--json"])
    rows = {row["id"]: row for row in json.loads(listed.stdout)}
    assert rows["sd15"]["offered_by"] == ["comfy"] and rows["z-image"]["offered_by"] == ["cards"]
    assert rows["flux-pro"]["offered_by"] == [] and "wan-t2v" not in rows
