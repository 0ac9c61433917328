"""What `farm render` finds when it is pointed at folders and files."""

import json
import os
from pathlib import Path

import pytest

from farm.cli.cut import gather_cut
from farm.cli.footage import gather
from farm.cli.rendering import Wish, params_of
from farm.errors import AssetUnreadable, BadRequest
from farm.otio import as_otio
from farm.timeline import AudioClip, AudioTrack, Media, MediaKind
from tasks.media_render.layout import DEFAULT_VISUAL_S

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x02\0\0\0"
MP3 = b"ID3\x04\0\0\0\0\0\0" + b"\xff\xfb\x90\0" + bytes(2000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("shot-10.png", "shot-2.png", "Shot-1.png"):
        (tmp_path / name).write_bytes(PNG)
    return tmp_path


def test_a_folder_gives_its_pictures_in_natural_order(folder: Path) -> None:
    assert [file.path.name for file in gather([folder], None).visuals] == [
        "Shot-1.png",
        "shot-2.png",
        "shot-10.png",
    ]


def test_files_are_known_by_the_names_that_cameras_and_phones_give_them(tmp_path: Path) -> None:
    heads = {
        "00001.MTS": (bytes(4) + b"G" + bytes(187)) * 6,
        "clip.3gp": b"\0\0\0\x18ftyp3gp5\0\0\0\0isom3gp5",
        "IMG_1.HIF": b"\0\0\0\x18ftypheix\0\0\0\0mif1heix",
        "saved.jfif": b"\xff\xd8\xff\xe0",
    }
    for name, head in heads.items():
        (tmp_path / name).write_bytes(head + bytes(64))
    footage = gather([tmp_path], None)
    assert {file.path.name for file in footage.visuals} == set(heads)
    assert footage.skipped == ()


def test_single_files_stay_in_the_order_given(folder: Path) -> None:
    footage = gather([folder / "shot-10.png", folder / "Shot-1.png"], None)
    assert [file.path.name for file in footage.visuals] == ["shot-10.png", "Shot-1.png"]


def test_what_is_no_media_is_left_out_with_a_note_and_hidden_files_without(folder: Path) -> None:
    (folder / "notes.txt").write_text("buy milk")
    (folder / ".DS_Store").write_bytes(b"\0")
    (folder / "more").mkdir()
    footage = gather([folder], None)
    assert len(footage.visuals) == 3
    assert [note.partition(":")[0] for note in footage.skipped] == ["notes.txt"]


def test_a_sound_in_the_folder_is_the_music_unless_another_is_named(folder: Path, tmp_path: Path) -> None:
    (folder / "tune.mp3").write_bytes(MP3)
    found = gather([folder], None).music
    assert found is not None
    assert found.path.name == "tune.mp3"

    named = tmp_path / "elsewhere"
    named.mkdir()
    (named / "song.mp3").write_bytes(MP3)
    footage = gather([folder], named / "song.mp3")
    assert footage.music is not None
    assert footage.music.path.name == "song.mp3"
    assert footage.skipped == ("tune.mp3: the music is song.mp3",)


def test_missing_music_and_music_that_is_a_picture_are_refused(folder: Path) -> None:
    with pytest.raises(BadRequest, match="no file"):
        gather([folder], folder / "missing.mp3")
    with pytest.raises(BadRequest, match="no sound file"):
        gather([folder], folder / "shot-2.png")


def test_nothing_to_show_says_what_was_there_instead(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("buy milk")
    with pytest.raises(BadRequest, match=r"no picture and no clip.*notes\.txt"):
        gather([tmp_path], None)


def test_a_named_file_of_no_known_type_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("buy milk")
    with pytest.raises(BadRequest, match=r"of no known type.*jpeg"):
        gather([tmp_path / "notes.txt"], None)


def test_a_file_that_is_not_what_its_name_says_is_refused_by_name(folder: Path) -> None:
    (folder / "clip.mp4").write_text("#EXTM3U\n")
    with pytest.raises(AssetUnreadable, match=r"clip\.mp4"):
        gather([folder], None)


def test_a_name_of_any_bytes_or_of_great_length_is_no_trouble(tmp_path: Path) -> None:
    """Names as old archives have them, which are no UTF-8, and films called as no other system would."""
    picture = tmp_path / os.fsdecode(b"caf\xe9.png")
    picture.write_bytes(PNG)
    footage = gather([tmp_path], None)
    wish = Wish("1:1", 1.0, ("none",), 10.0, None, 0.5)
    for output, named in (
        (os.fsdecode(b"caf\xe9.mp4"), "caf\N{REPLACEMENT CHARACTER}.mp4"),
        ("a\\b\nc.mp4", "a_b_c.mp4"),
        ("x" * 240 + ".mp4", "x" * 120 + ".mp4"),
    ):
        params = params_of(footage, ["asset_1"], wish, Path(output), ())
        assert params.output_file_name == named
        assert params.assets[0].file_name == "caf\N{REPLACEMENT CHARACTER}.png"


def cut_of(folder: Path, url: str) -> Path:
    """A cut of one clip, as another program writes it."""
    time = {"OTIO_SCHEMA": "RationalTime.1", "rate": 10, "value": 10}
    clip = {
        "OTIO_SCHEMA": "Clip.1",
        "source_range": {"start_time": time, "duration": time},
        "media_reference": {"OTIO_SCHEMA": "ExternalReference.1", "target_url": url},
    }
    tracks = {"children": [{"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [clip]}]}
    path = folder / "cut.otio"
    path.write_text(json.dumps({"OTIO_SCHEMA": "Timeline.1", "tracks": tracks}))
    return path


@pytest.mark.parametrize("url", ["x" * 300 + ".png", "a/" * 3000 + "b.png"])
def test_a_medium_of_a_cut_whose_name_no_file_can_have_does_not_lie_beside_it(folder: Path, url: str) -> None:
    with pytest.raises(BadRequest, match="does not lie beside it"):
        gather_cut(cut_of(folder, url), None, (64, 64))


@pytest.mark.parametrize("url", ["day%201/a.png", "day 1/a.png", "b%20c.png"])
def test_a_medium_of_a_cut_may_be_named_as_urls_name_it_or_as_it_is(tmp_path: Path, url: str) -> None:
    """A cut composed for Premiere has percent signs in relative paths; a file may have them in its name."""
    (tmp_path / "day 1").mkdir()
    for place in (tmp_path / "day 1" / "a.png", tmp_path / "b%20c.png"):
        place.write_bytes(PNG)
    (found,) = gather_cut(cut_of(tmp_path, url), None, (64, 64)).visuals
    assert found.path == tmp_path / ("b%20c.png" if "b%20c" in url else "day 1/a.png")


def test_a_picture_shown_twice_is_one_asset_in_two_places(folder: Path) -> None:
    """Each file is sent once, so its id comes twice."""
    first, second = folder / "Shot-1.png", folder / "shot-2.png"
    wish = Wish("1:1", 1.0, ("none",), 10.0, None, 0.5)
    footage = gather([first, second, first], None)
    params = params_of(footage, ["asset_1", "asset_2", "asset_1"], wish, Path("film.mp4"), ())
    assert [asset.asset_id for asset in params.assets] == ["asset_1", "asset_2"]
    assert [cut.asset_id for cut in params.cuts] == ["asset_1", "asset_2", "asset_1"]


def test_what_is_in_a_cut_and_also_its_music_is_one_asset(folder: Path) -> None:
    """Else two have the id that the cut names, and the farm refuses it after the upload."""
    (folder / "tune.mp3").write_bytes(MP3)
    sound = Media(id="tune.mp3", kind=MediaKind.AUDIO, name="tune.mp3")
    heard = AudioTrack(clips=(AudioClip(media="tune.mp3", start_sample=0, end_sample_exclusive=48_000),))
    shown = gather_cut(cut_of(folder, "shot-2.png"), None, (64, 64))
    assert shown.cut is not None
    cut = shown.cut.model_copy(update={"media": (*shown.cut.media, sound), "audio": (heard,)})
    (folder / "cut.otio").write_text(as_otio(cut))
    footage = gather_cut(folder / "cut.otio", folder / "tune.mp3", (64, 64))
    ids = ["asset_1" if file.path.name == "tune.mp3" else "asset_2" for file in footage.files]
    assert len(ids) == 3
    wish = Wish("1:1", DEFAULT_VISUAL_S, ("crossfade",), 30.0, None, 0.5)
    assert len(params_of(footage, ids, wish, Path("film.mp4"), ()).assets) == 2


def test_the_music_of_a_cut_is_a_sound(folder: Path) -> None:
    cut = cut_of(folder, "shot-2.png")
    with pytest.raises(BadRequest, match=r"shot-2\.png is no sound file"):
        gather_cut(cut, folder / "shot-2.png", (64, 64))
    assert gather_cut(cut, None, (64, 64)).visuals[0].path == folder / "shot-2.png"
