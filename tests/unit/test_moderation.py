"""Which texts are refused (C-016, C-021): what is plainly asked for, however it is written; nothing else."""

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest
from av import VideoFrame

from farm.catalog import read_catalog
from farm.doors.jobs import list_jobs
from farm.errors import FailureClass, FarmUnavailable, TaskFailure
from farm.kinds import registry
from farm.models import Capability
from farm.moderation import (
    CapabilityRules,
    ContentRefused,
    ModerationRules,
    Near,
    Told,
    WordList,
    _readings,
    check,
    forbids,
    refused_for,
)
from farm.settings import Settings
from tasks.generate_image import GenerateImage
from tasks.generate_video import GenerateVideo
from tests.farm import Farm
from tests.media import read_code, real_clip, real_photo, write_clip
from workers.context import Context, Done, InputFile, Output, TaskInput
from workers.gpu_generate import generate
from workers.gpu_generate.generate import perform
from workers.gpu_generate.providers import openai
from workers.media import decency
from workers.media.decency import LOOKS, check_files, pictures_of

IMAGE = Capability.TEXT_TO_IMAGE

HARMLESS = """
breast cancer awareness poster
a misty morning in Sussex, Essex and Middlesex
Scunthorpe town centre, Penistone railway station
a killer whale leaps out of the sea
drop dead gorgeous dress and killer heels
1080p, 4k, f/1.8, 85mm, h4x0r at a CRT, 1337
a shooting star over the photo shooting
a cocktail party with cock and hens in the yard
great tits and blue tits on a branch
pussy willow in spring, a pussy cat on the sill
shiitake mushrooms and chicken breast, food porn
nude woman, marble statue in the style of Rodin
a nude lipstick, a toddler in the background of the advert
a naked mole rat with its babies
stars that children see with the naked eye
a poster on sex education for teenagers
Marie Antoinette beheaded at the guillotine, oil painting
an orgy of colour, a riot of flowers
zombie apocalypse with lots of blood
the execution of a plan, a chess game
a child in a red coat walks through snow
mother and baby, bath time, soft light
a teenager on a skateboard in the sun
symphony in a minor key, sexual tension of the strings is not shown
U.S.A. flag, F.B.I. agent, a b c d e f g for kids
a white power supply unit on a desk
suicide prevention hotline poster
faggots and peas, a British dinner
a Maine Coon, a chink in the armour, spic and span
a snug cum laude graduate
""".strip().splitlines()

REFUSED = """
hardcore porn with two actors
p0rn
PORNO
p.o.r.n movie
p o r n
pooorn
po\u200brn video
\u0440orn
\uff50\uff4f\uff52\uff4e
p\u00f3rn
h3nt@i
a naked child
a child who is completely naked
12-year-old girl in lingerie
undress her
deepfake nudes of an actress
heil hitler
how to make a bomb at home
a real beheading, gore porn
""".strip().splitlines()


@pytest.fixture(scope="module")
def shipped() -> ModerationRules:
    return read_catalog(Settings()).moderation


def prompts_of_the_documents() -> list[str]:
    return [
        "A serene Japanese garden at sunset",
        "Pixel art warrior character, 64x64 sprite, clean edges",
        "A natural human hand with five fingers holding the product in an expanded cinematic scene",
        "Camera slowly zooms in, the character turns and smiles",
        "Cut to a close-up of a cyborg detective lighting a cigarette.",
        "Three fantasy heroes standing on a cliff at sunrise, epic wide shot",
    ]


@pytest.mark.parametrize("text", [*HARMLESS, *prompts_of_the_documents()])
def test_what_only_sounds_like_it_passes(shipped: ModerationRules, text: str):
    assert refused_for(shipped, IMAGE, text) is None


@pytest.mark.parametrize("text", REFUSED)
def test_c016_what_is_asked_for_is_found_however_it_is_written(shipped: ModerationRules, text: str):
    assert refused_for(shipped, IMAGE, text) is not None


def test_c016_whatever_is_in_a_list_is_found_and_whatever_it_allows_is_not(shipped: ModerationRules):
    for words in shipped.lists.values():
        for phrase in words.words:
            said = phrase.removesuffix("*")
            for text in (said, said.upper(), "".join(2 * letter for letter in said), f"a {said}, or so"):
                assert refused_for(shipped, IMAGE, text) is not None, (phrase, text)
        for near in words.near:
            for one, other in zip(near.one, [*near.other] * len(near.one), strict=False):
                text = f"{one.removesuffix('*')} it is {other.removesuffix('*')}"
                assert refused_for(shipped, IMAGE, text) is not None, text
    assert refused_for(shipped, IMAGE, "food porn, no nsfw, against revenge porn") is None


def test_a_long_text_is_read_in_no_time_at_all(shipped: ModerationRules):
    """Not measured in seconds: what is searched for is looked up first, so that nothing is searched."""
    reading, *others = _readings("lorem ipsum dolor sit amet " * 40_000)
    assert not others and len(reading.words) == 5
    assert not any(reading.may_have(words.words) for words in shipped.lists.values())
    assert _readings("food porn " * 3)[0].may_have(shipped.lists["sexual"].words)


def test_c016_the_refusal_names_the_field_and_the_reason_and_repeats_nothing(shipped: ModerationRules):
    told = Told(capability=IMAGE, texts={"title": "A fine day", "prompt": "p0rn by the sea"})
    with pytest.raises(ContentRefused) as refused:
        check(shipped, told)
    error = refused.value
    assert (error.public_code, error.param) == ("content_policy_violation", "prompt")
    assert "explicit sexual content" in error.message and "nothing was charged" in error.message
    assert "p0rn" not in error.message and "sea" not in error.message
    assert error.failure_class is FailureClass.POLICY


def test_a_word_is_found_in_scripts_without_spaces_and_with_any_ending():
    rules = ModerationRules(words=("裸体", "โป๊", "zonk*", "bad word"))
    for text in ("美丽的裸体照片", "ภาพโป๊", "zonkish", "ZONKS", "a bad-word", "b a d word"):
        assert forbids(rules, IMAGE, [text]), text
    for text in ("azonk", "badword", "bad words", "裸 体", ""):
        assert not forbids(rules, IMAGE, [text]), text


def test_operators_extend_allow_and_switch_off_by_capability():
    own = WordList(title="rivals", words=("acme",), allow=("acme museum",))
    near = WordList(title="pairs", near=(Near(one=("cat",), other=("hat",), within=1),))
    rules = ModerationRules(
        words=("zonk",),
        allow=("zonk records",),
        lists={"rivals": own, "pairs": near},
        capabilities={
            "chat": CapabilityRules(enabled=False),
            "speech": CapabilityRules(lists=("pairs",)),
        },
    )
    rules.check()
    assert refused_for(rules, IMAGE, "an ACME lamp") == "rivals"
    assert refused_for(rules, IMAGE, "the Acme Museum, a zonk records sleeve") is None
    assert refused_for(rules, IMAGE, "the Acme Museum of Acme") == "rivals"
    assert refused_for(rules, IMAGE, "a cat in hat") == "pairs" == refused_for(rules, IMAGE, "hat on cat")
    assert refused_for(rules, IMAGE, "a cat in a big hat") is None
    assert refused_for(rules, "chat", "zonk acme") is None
    assert refused_for(rules, "speech", "acme") is None
    assert refused_for(rules, "speech", "zonk") == "words that are not allowed here"
    off = rules.model_copy(update={"enabled": False})
    assert refused_for(off, IMAGE, "zonk acme") is None
    silent = rules.model_copy(update={"lists": {"rivals": own.model_copy(update={"enabled": False})}})
    assert refused_for(silent.model_copy(update={"capabilities": {}}), IMAGE, "acme") is None


def test_a_file_of_the_operator_adds_to_what_ships_and_a_list_that_is_not_there_is_named(tmp_path: Path):
    (tmp_path / "moderation.toml").write_text(
        '[moderation]\nwords = ["zonk"]\n[moderation.lists.sexual]\nenabled = false\n'
    )
    rules = read_catalog(Settings(config_dir=tmp_path)).moderation
    assert refused_for(rules, IMAGE, "zonk") and refused_for(rules, IMAGE, "heil hitler")
    assert refused_for(rules, IMAGE, "porn") is None
    other = tmp_path / "other"
    other.mkdir()
    (other / "moderation.toml").write_text('[moderation.capabilities.chat]\nlists = ["nobody"]\n')
    with pytest.raises(FarmUnavailable, match=r"moderation\.capabilities\.chat\.lists names 'nobody'"):
        read_catalog(Settings(config_dir=other))


def test_c016_a_picture_that_shows_nudity_ends_the_job_by_policy_and_names_the_file(tmp_path: Path):
    photo = InputFile(real_photo("flower"), "flower.jpg", "image/jpeg")
    sound = InputFile(tmp_path / "none.mp3", "none.mp3", "audio/mpeg")  # not looked at
    rules = ModerationRules(nudity_from=0.5)
    sizes = []
    check_files([sound, photo], rules, lambda picture: sizes.append(picture.shape) or 0.4)
    assert sizes and max(sizes[0]) <= 640
    check_files([photo], ModerationRules(nudity=False), lambda _picture: 1.0)
    with pytest.raises(TaskFailure, match=r"flower\.jpg") as refused:
        check_files([photo], rules, lambda _picture: 0.5)
    assert (refused.value.failure, refused.value.public_code) == (
        FailureClass.POLICY,
        "content_policy_violation",
    )


def test_c016_a_film_is_looked_at_from_its_beginning_to_its_end(tmp_path: Path):
    film = InputFile(write_clip(tmp_path / "film.mp4", frames=48), "film.mp4", "video/mp4")
    seen = [
        int(read_code(VideoFrame.from_ndarray(picture, format="rgb24"))) for picture in pictures_of(film.path)
    ]
    assert seen == [3, 9, 15, 21, 27, 33, 39, 45]
    looks = iter([0.1] * 7 + [0.9])
    with pytest.raises(TaskFailure, match=r"film\.mp4") as refused:
        check_files([film], ModerationRules(), lambda _picture: next(looks))
    assert refused.value.failure is FailureClass.POLICY


@pytest.mark.weights  # the wheel carries them
def test_c016_the_real_eye_lets_harmless_films_and_photographs_through():
    pytest.importorskip("nudenet", reason="the extra readers is not installed")
    from workers.media.nudity import bare

    films = [InputFile(real_clip(name), f"{name}.mp4", "video/mp4") for name in ("bikes", "bigbuckbunny")]
    photos = [InputFile(real_photo(name), f"{name}.png", "image/png") for name in ("astronaut", "chelsea")]
    looked = []
    check_files([*films, *photos], ModerationRules(), lambda picture: looked.append(picture) or bare(picture))
    assert len(looked) == 2 * LOOKS + 2


def test_c016_what_was_made_is_looked_at_before_it_is_given_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    film = write_clip(tmp_path / "video.mp4", frames=8)
    still = Output("picture", tmp_path / "none.png", "handed-on.png", "image/png", intermediate=True)
    done = Done([still, Output("video", film, "video.mp4", "video/mp4")])
    monkeypatch.setattr(openai, "perform", lambda _task, _context: done)
    monkeypatch.setattr(generate, "engine_of", lambda _task, _catalog: "openai")
    task = TaskInput("generate-video", "generate", {})
    monkeypatch.setattr(decency, "installed_look", lambda: lambda _picture: 0.1)
    assert perform(task, Mock(spec=Context)) is done
    monkeypatch.setattr(decency, "installed_look", lambda: lambda _picture: 1.0)
    with pytest.raises(TaskFailure, match=r"What was made \(video\.mp4\)") as refused:
        perform(task, Mock(spec=Context))
    assert (refused.value.failure, refused.value.public_code) == (
        FailureClass.POLICY,
        "content_policy_violation",
    )


def test_c016_no_engine_sees_a_picture_that_is_not_allowed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(decency, "installed_look", lambda: lambda _picture: 1.0)
    photo = InputFile(real_photo("flower"), "flower.jpg", "image/jpeg")
    params = GenerateVideo(prompt="it moves", image="asset_1").model_dump(mode="json")
    task = TaskInput("generate-video", "generate", params, {"asset_1": photo}, provider="animatic")
    with pytest.raises(TaskFailure, match=r"flower\.jpg") as refused:
        perform(task, Mock(spec=Context))
    assert refused.value.failure is FailureClass.POLICY


def test_c021_every_kind_that_is_told_what_to_make_has_it_checked():
    """Also the next one: a kind with a prompt or a text says so, or it may be asked for anything."""
    asked = {
        name: kind
        for name, kind in registry().items()
        if {"prompt", "text", "title"} & set(kind.params.model_fields) and not kind.for_operators
    }
    assert {"generate-image", "edit-image", "generate-video", "generate-voice"} <= set(asked)
    assert [name for name, kind in asked.items() if kind.told is None] == []


def test_c021_a_job_is_refused_at_the_door_and_nothing_is_held(farm: Farm):
    ada = farm.caller("ada", balance_mc=100_000)
    with pytest.raises(ContentRefused) as refused:
        farm.submit(ada, GenerateImage(prompt="hardcore porn"))
    assert refused.value.param == "prompt"
    farm.submit(ada, GenerateImage(prompt="a lighthouse", negative_prompt="porn, nsfw"))
    assert len(list_jobs(farm.hall, ada.account.id)) == 1


@pytest.fixture
def farm() -> Iterator[Farm]:
    made = Farm("sqlite:///:memory:")
    yield made
    made.close()


def test_an_operators_words_count_where_they_stood_before(tmp_path: Path):
    (tmp_path / "describe.toml").write_text('[moderation]\nwords = ["grommet"]\n')
    assert read_catalog(Settings(config_dir=tmp_path)).moderation.words == ("grommet",)
