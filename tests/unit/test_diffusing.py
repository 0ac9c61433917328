"""What the engine `diffusers` decides without drawing: what stays loaded, where weights lie."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from farm.catalog import read_catalog
from farm.diffusing import DiffusionRules, OwnModel
from farm.errors import FailureClass, FarmUnavailable, TaskFailure
from farm.model_sources import Source, sources_of
from farm.settings import Settings
from workers.gpu_generate.diffusing.checks import checked
from workers.gpu_generate.diffusing.residents import Residents
from workers.gpu_generate.marking import mark_of, marked

SHIPPED = read_catalog(Settings()).models.models
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Shelf:
    """Residents of so many units, with a clock that loading moves on."""

    def __init__(self, units: int) -> None:
        self.now = 0.0
        self.sizes = {"small": 1, "large": 4, "slow": 2, "other": 2}
        self.seconds = {"small": 5.0, "large": 30.0, "slow": 60.0, "other": 20.0}
        self.held: Residents[str] = Residents(
            room=lambda taken: units - taken,
            tidy=lambda: None,
            size_of=self.sizes.__getitem__,
            clock=lambda: self.now,
        )

    def use(self, name: str, times: int = 1) -> None:
        for _ in range(times):
            self.now += 1.0
            with self.held.used(name, (name,), lambda: self._load(name), self.sizes[name]):
                pass

    def _load(self, name: str) -> str:
        self.now += self.seconds[name]
        return name


def test_what_is_cheapest_to_have_again_goes_first() -> None:
    shelf = Shelf(units=5)
    shelf.use("slow")
    shelf.use("small")
    shelf.use("other")  # 5 units: all are there
    assert shelf.held.names == ("other", "slow", "small")
    shelf.use("small", 20)  # asked for so often that its few seconds are worth more than the other's twenty
    shelf.use("large")  # needs all but one unit
    assert shelf.held.names == ("large", "small")
    assert shelf.held.loads == 4


def test_a_model_that_is_asked_for_seldom_of_late_is_worth_less() -> None:
    shelf = Shelf(units=4)
    shelf.use("slow", 3)
    shelf.now += 8 * 3600
    shelf.use("other", 2)
    shelf.use("small")
    assert shelf.held.names == ("other", "small")


def test_nothing_in_use_is_let_go_and_what_finds_no_room_is_loaded_all_the_same() -> None:
    shelf = Shelf(units=4)
    with shelf.held.used("large", ("large", "its-other-name"), lambda: "large", 4):
        shelf.use("small")
        assert shelf.held.names == ("its-other-name", "large", "small")
        shelf.held.let_go_of_idle()
        assert shelf.held.names == ("its-other-name", "large")


def test_weights_come_from_a_folder_or_from_a_commit_that_is_named(tmp_path: Path) -> None:
    model, settings = SHIPPED["animatediff"], Settings(home=tmp_path / "home")
    rules = DiffusionRules(folder=str(tmp_path))
    with pytest.raises(TaskFailure, match="has no revision") as caught:
        sources_of("animatediff", model, rules, settings)
    assert caught.value.public_code == "model_unpinned"
    pinned = model.model_copy(
        update={"revision": COMMIT, "parts": {"motion_adapter": f"some/adapter@{COMMIT}:a.safetensors"}}
    )
    found = sources_of("animatediff", pinned, rules, settings)
    assert found.model == Source(model.repository, COMMIT)
    assert found.parts == (("motion_adapter", Source("some/adapter", COMMIT, "a.safetensors")),)
    (tmp_path / "animatediff").mkdir()
    (tmp_path / "guoyww" / "animatediff-motion-adapter-v1-5-3").mkdir(parents=True)
    found = sources_of("animatediff", model, rules, settings)
    assert found.model == Source(str(tmp_path / "animatediff"))
    assert found.parts[0][1].place.endswith("guoyww/animatediff-motion-adapter-v1-5-3")
    own = rules.model_copy(
        update={"models": {"animatediff": OwnModel(folder="/elsewhere", parts={"motion_adapter": ""})}}
    )
    found = sources_of("animatediff", model, own, settings)
    assert (found.model, found.parts) == (Source("/elsewhere"), ())


def test_settings_for_a_model_that_is_not_there_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "generate.toml").write_text('[generate.models.nobody]\nquantised = "nf4"\n')
    with pytest.raises(FarmUnavailable, match=r"generate\.models\.nobody"):
        read_catalog(Settings(config_dir=tmp_path))


def test_what_is_said_of_a_model_goes_before_what_is_said_of_all() -> None:
    rules = DiffusionRules(
        offload="model", quantised="float8", models={"flux": OwnModel(offload="none", compiled=True)}
    )
    flux, other = rules.of("flux"), rules.of("sd15")
    assert (flux.offload, flux.quantised, flux.compiled) == ("none", "float8", True)
    assert (other.offload, other.quantised, other.compiled) == ("model", "float8", False)


def frames(count: int = 3, width: int = 32, height: int = 16) -> np.ndarray:
    return np.random.default_rng(1).random((count, height, width, 3), np.float32)


@pytest.mark.parametrize(
    ("drawn", "code"),
    [
        (frames(2), "output_length"),
        (frames(width=16), "output_size"),
        (frames() * np.float32("nan"), "output_not_finite"),
        (np.zeros_like(frames()), "output_black"),
        (frames()[..., :2], "output_shape"),
    ],
)
def test_what_cannot_be_handed_out_is_no_success(drawn: np.ndarray, code: str) -> None:
    with pytest.raises(TaskFailure) as caught:
        checked(drawn, 3, 32, 16, is_sized=True)
    assert (caught.value.failure, caught.value.public_code) == (FailureClass.CORRUPT_OUTPUT, code)


def test_one_black_picture_among_several_is_no_success() -> None:
    drawn = frames()
    drawn[1] = 0
    with pytest.raises(TaskFailure, match="nothing but black"):
        checked(drawn, 3, 32, 16, is_sized=True, is_film=False)


def test_a_film_that_begins_black_is_handed_out_and_one_of_its_own_size_is_fitted() -> None:
    drawn = frames()
    drawn[0] = 0
    assert checked(drawn, 3, 32, 16, is_sized=True) is drawn
    assert checked(frames(width=48, height=24), 3, 32, 16, is_sized=False).shape == (3, 16, 32, 3)


@pytest.mark.parametrize("size", [(832, 480), (480, 832), (64, 48), (3840, 2160)])
@pytest.mark.parametrize("ground", [0, 128, 255])
def test_b471_the_mark_can_be_read_on_any_ground_and_stays_in_its_corner(
    size: tuple[int, int], ground: int
) -> None:
    width, height = size
    picture = np.full((height, width, 3), ground, np.uint8)
    mark_of(width, height).lay(picture)
    changed = np.argwhere((picture != ground).any(axis=2))
    assert changed[:, 0].min() > 0.6 * height
    assert changed[:, 1].min() >= 0.04 * width
    corner = picture[int(0.6 * height) :].astype(int)
    assert corner.max() - corner.min() > 90


def test_a_still_keeps_what_can_be_seen_through() -> None:
    clear = Image.new("RGBA", (200, 100), (0, 0, 0, 0))
    shown = marked(clear)
    assert shown.mode == "RGBA"
    least, most = shown.getchannel("A").getextrema()
    assert least == 0 and most > 150  # where the letters are
    assert marked(Image.new("RGB", (200, 100))).mode == "RGB"


def test_each_process_of_a_host_has_a_card_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the extra diffusers is not installed")
    from workers.gpu_generate.diffusing.device import take_card

    cards = ["GPU-1", "GPU-2"]
    first, second = (take_card(cards, tmp_path / "run") for _ in cards)
    assert [number for number, _ in (first, second)] == [0, 1]
    with pytest.raises(TaskFailure, match="no more device slots than there are cards"):
        take_card(cards, tmp_path / "run")
    first[1].close()  # its process has ended
    third = take_card(cards, tmp_path / "run")
    assert third[0] == 0
    for _, lock in (second, third):
        lock.close()
