"""Saved voices on both engines: an account's own, one name each, and no more than it may have."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete

from farm.account import Account
from farm.doors import voices
from farm.errors import Conflict, NotFound
from farm.ids import RandomIds
from farm.settings import Settings
from farm.store.rows import AnyRow
from farm.store.schema import saved_voices
from farm.voice import NewVoice, is_saved
from tests.farm import Farm

NARRATOR = NewVoice("My narrator", "svoice_espeak_en-us_female", "en-US", 1.1, ("calm", "warm"))


@pytest.fixture
def ada(farm: Farm) -> Account:
    return farm.caller("ada").account


def limited(farm: Farm, most: int) -> None:
    rules = farm.hall.catalog.voices.model_copy(update={"max_saved": most})
    farm.hall = replace(farm.hall, catalog=farm.hall.catalog.model_copy(update={"voices": rules}))


def test_d155_d159_a_voice_is_saved_changed_and_forgotten(farm: Farm, ada: Account) -> None:
    made = voices.save_voice(farm.hall, ada, NARRATOR)
    assert is_saved(made.id) and made.id.startswith("dvoice_")
    assert made.said == NARRATOR
    assert made.created_at == made.updated_at == farm.clock.now()
    assert voices.saved_voice(farm.hall, ada, made.id) == made
    farm.clock.advance(s=60)
    quicker = replace(NARRATOR, speed=1.4, tags=())
    changed = voices.change_voice(farm.hall, ada, made.id, quicker)
    assert changed == replace(made, said=quicker, updated_at=farm.clock.now())
    assert voices.list_voices(farm.hall, ada) == [changed]
    assert voices.remove_voice(farm.hall, ada, made.id) == changed
    assert voices.list_voices(farm.hall, ada) == []


def test_another_account_never_learns_of_it(farm: Farm, ada: Account) -> None:
    made = voices.save_voice(farm.hall, ada, NARRATOR)
    bob = farm.caller("bob").account
    assert voices.list_voices(farm.hall, bob) == []
    for door in (voices.saved_voice, voices.remove_voice):
        with pytest.raises(NotFound):
            door(farm.hall, bob, made.id)
    with pytest.raises(NotFound):
        voices.change_voice(farm.hall, bob, made.id, NARRATOR)
    voices.save_voice(farm.hall, bob, NARRATOR)  # the same name is another account's own affair
    assert voices.list_voices(farm.hall, ada) == [made]


def test_a_name_belongs_to_one_voice(farm: Farm, ada: Account) -> None:
    made = voices.save_voice(farm.hall, ada, NARRATOR)
    other = voices.save_voice(farm.hall, ada, replace(NARRATOR, name="Another"))
    with pytest.raises(Conflict, match=made.id) as caught:
        voices.save_voice(farm.hall, ada, NARRATOR)
    assert (caught.value.param, caught.value.public_code) == ("name", "name_taken")
    with pytest.raises(Conflict, match=made.id):
        voices.change_voice(farm.hall, ada, other.id, NARRATOR)
    voices.change_voice(farm.hall, ada, made.id, replace(NARRATOR, speed=0.8))  # its own name is free to it


def test_a_voice_that_is_removed_while_it_is_changed_is_not_there(
    farm: Farm, ada: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = voices.save_voice(farm.hall, ada, NARRATOR)
    look = voices._row

    def look_and_lose(connection: Connection, account: Account, voice_id: str) -> AnyRow:
        row = look(connection, account, voice_id)
        connection.execute(delete(saved_voices))  # as another process does between the look and the change
        return row

    monkeypatch.setattr(voices, "_row", look_and_lose)
    with pytest.raises(NotFound):
        voices.change_voice(farm.hall, ada, made.id, replace(NARRATOR, speed=1.4))


def test_an_account_saves_no_more_than_it_may(farm: Farm, ada: Account) -> None:
    limited(farm, 2)
    for name in ("one", "two"):
        made = voices.save_voice(farm.hall, ada, replace(NARRATOR, name=name))
    with pytest.raises(Conflict, match="may save 2 voices"):
        voices.save_voice(farm.hall, ada, replace(NARRATOR, name="three"))
    voices.remove_voice(farm.hall, ada, made.id)
    voices.save_voice(farm.hall, ada, replace(NARRATOR, name="three"))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that several connections can share."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'farm.sqlite3'}"
    return Settings(database_url=request.getfixturevalue("postgres").laid_out()).store_url


def test_eight_savers_at_once_keep_to_the_name_and_the_limit(shared_url: str) -> None:
    with closing(Farm(shared_url)) as farm:
        farm.hall = replace(farm.hall, ids=RandomIds())
        limited(farm, 4)
        account = farm.caller("ada").account

        def save(number: int) -> str:
            new = replace(NARRATOR, name=f"voice {number % 6}")
            try:
                return voices.save_voice(farm.hall, account, new).said.name
            except Conflict:
                return ""

        with ThreadPoolExecutor(8) as threads:
            saved = [name for name in threads.map(save, range(24)) if name]
        assert len(saved) == len(set(saved)) == 4
        assert {voice.said.name for voice in voices.list_voices(farm.hall, account)} == set(saved)
