"""What `farm render` finds when it is pointed at folders and files."""

from pathlib import Path

import pytest

from farm.cli.footage import gather
from farm.errors import AssetUnreadable, BadRequest

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
