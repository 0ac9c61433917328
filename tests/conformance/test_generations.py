"""Generations on both engines: marks, links, files handed in again, places in the line, own keys."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from farm.account import Caller
from farm.doors import accounts, assets, generations, line, own_keys
from farm.doors.fetch import own_key
from farm.doors.lending import lend
from farm.errors import Conflict, NotAllowed, NotFound, NotSignedIn
from farm.net.guard import UrlRefused
from farm.settings import Settings
from farm.store.schema import artifacts, generation_marks, jobs
from tasks.probe import Probe
from tests.conformance.test_retention import ASSET_DAYS, GRACE_S, JOB_DAYS, PRO_DAYS, House, house
from tests.farm import Farm
from tests.invariants import violations

__all__ = ["house"]  # a fixture
KINDS = ("probe",)


def made(house: House, caller: Caller, params: Probe | None = None) -> int:
    """A finished generation's number."""
    job_id = house.farm.submit(caller, params)
    house.finish(house.claim(), "video")
    return house.farm.job(job_id).seq


def file_of(house: House, caller: Caller, number: int) -> str:
    found = generations.generation(house.farm.hall, caller.account.id, number, KINDS)
    return found.files[0].name


def test_b054_b056_b058_marks_are_kept_one_by_one(house: House) -> None:
    hall, ada = house.farm.hall, house.farm.caller()
    number, me = made(house, ada), ada.account.id
    assert house.count(generation_marks) == 0
    assert generations.toggle_favorite(hall, me, number, KINDS).is_favorite
    shared = generations.share(hall, me, number, KINDS)
    assert generations.share(hall, me, number, KINDS) == shared
    public = generations.toggle_public(hall, me, number, KINDS)
    assert (public.is_favorite, public.is_shared, public.is_public) == (True, True, True)
    assert public.token == shared.token
    assert generations.unshare(hall, me, number, KINDS).token == shared.token  # it is public still
    assert generations.toggle_public(hall, me, number, KINDS).token is None
    with pytest.raises(NotFound):
        generations.shared(hall, shared.token or "")
    assert generations.share(hall, me, number, KINDS).token != shared.token
    bob = house.farm.caller("bob").account.id
    for door in (generations.toggle_favorite, generations.share, generations.toggle_public):
        with pytest.raises(NotFound):
            door(hall, bob, number, KINDS)
    with pytest.raises(NotFound):
        generations.delete_generation(hall, bob, number, KINDS)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that several connections can share."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'farm.sqlite3'}"
    return Settings(database_url=request.getfixturevalue("postgres").laid_out()).store_url


def test_b054_toggles_at_once_follow_each_other(shared_url: str) -> None:
    with closing(Farm(shared_url)) as farm:
        ada = farm.caller()
        number = farm.job(farm.submit(ada)).seq

        def toggle(_: int) -> bool:
            marks = generations.toggle_favorite(farm.hall, ada.account.id, number, KINDS)
            return marks.is_favorite

        with ThreadPoolExecutor(8) as threads:
            seen = list(threads.map(toggle, range(24)))
        assert seen.count(True) == seen.count(False) == 12
        found = generations.generation(farm.hall, ada.account.id, number, KINDS)
        assert not found.marks.is_favorite


def test_what_is_not_finished_or_has_expired_is_not_shared(house: House) -> None:
    hall, ada = house.farm.hall, house.farm.caller()
    me, number = ada.account.id, made(house, ada)
    token = generations.share(hall, me, number, KINDS).token or ""
    assert generations.shared(hall, token).id == number
    house.pass_days(PRO_DAYS + 1)
    with pytest.raises(NotFound):
        generations.shared(hall, token)
    assert generations.gallery(hall, KINDS, limit=9) == []
    with pytest.raises(Conflict, match="expired"):
        generations.toggle_public(hall, me, number, KINDS)
    waiting = house.farm.job(house.farm.submit(ada)).seq
    with pytest.raises(Conflict, match="not finished"):
        generations.share(hall, me, waiting, KINDS)


def test_b060_the_gallery_is_in_the_order_of_publishing(house: House) -> None:
    hall, ada = house.farm.hall, house.farm.caller()
    numbers = [made(house, ada) for _ in range(3)]
    for number in (numbers[1], numbers[0], numbers[2]):
        house.farm.clock.advance(1)
        generations.toggle_public(hall, ada.account.id, number, KINDS)
    seen = [one.id for one in generations.gallery(hall, KINDS, limit=2)]
    assert seen == [numbers[2], numbers[0]]
    assert [one.id for one in generations.gallery(hall, KINDS, limit=2, offset=2)] == [numbers[1]]
    assert generations.gallery(hall, ("generate-video",), limit=9) == []


def test_b053_a_deleted_file_is_nobodys_at_once_and_its_blob_goes_with_the_next_round(house: House) -> None:
    hall, ada = house.farm.hall, house.farm.caller()
    number, other = made(house, ada), made(house, ada)
    name = file_of(house, ada, number)
    generations.delete_generation(hall, ada.account.id, number, KINDS)
    left = generations.list_generations(hall, ada.account.id, KINDS, limit=9)
    assert [one.id for one in left] == [other]
    with pytest.raises(NotFound):
        generations.own_file(hall, ada.account.id, name)
    with pytest.raises(NotFound):
        lend(hall, ada.account, name)
    assert house.retention.round() == {"artifacts": 1}
    assert len(house.files()) == 1
    assert violations(house.farm.store) == []


def test_a_file_that_is_handed_in_again_outlives_its_generation(house: House) -> None:
    """B-072: the last frame of one video begins the next, whatever becomes of the first."""
    farm, ada = house.farm, house.farm.caller()
    number = made(house, ada)
    name = file_of(house, ada, number)
    asset = lend(farm.hall, ada.account, name)
    assert lend(farm.hall, ada.account, name).id == asset.id
    with pytest.raises(NotFound):
        lend(farm.hall, farm.caller("bob").account, name)
    assets.require_uploaded(farm.hall, house.blobs, [asset])
    generations.delete_generation(farm.hall, ada.account.id, number, KINDS)
    assert house.retention.round() == {"artifacts": 1}
    assert house.has(asset.blob_key)
    next_id = farm.submit(ada, Probe(inputs=(asset.id,)))
    claimed = house.claim()
    assert [given.blob_key for given in claimed.inputs] == [asset.blob_key]
    house.finish(claimed)
    assert farm.job(next_id).ended
    house.pass_days(ASSET_DAYS)
    farm.clock.advance(GRACE_S)
    assert house.retention.round() == {"assets": 1}
    assert not house.has(asset.blob_key)


def test_a_job_whose_file_is_lent_is_not_forgotten_and_marks_go_with_their_job(house: House) -> None:
    farm, ada = house.farm, house.farm.caller(tier="enterprise")
    number = made(house, ada)
    generations.toggle_favorite(farm.hall, ada.account.id, number, KINDS)
    house.pass_days(JOB_DAYS - 1)  # as long as enterprise keeps its files
    asset = lend(farm.hall, ada.account, file_of(house, ada, number))
    house.pass_days(2)
    assert house.retention.round() == {"artifacts": 1}
    assert house.has(asset.blob_key) and farm.job(jobs_id(farm, number)).ended
    house.pass_days(ASSET_DAYS)
    assert house.retention.round() == {"assets": 1, "jobs": 1}
    assert house.count(generation_marks) == house.count(artifacts) == house.count(jobs) == 0


def jobs_id(farm: Farm, number: int) -> str:
    with farm.store.read() as connection:
        return str(connection.scalar(select(jobs.c.id).where(jobs.c.seq == number)))


def test_b064_b066_a_place_counts_one_of_each_account_in_turn(farm: Farm) -> None:
    ada, bob = farm.caller("ada"), farm.caller("bob")
    of_ada = [farm.submit(ada) for _ in range(4)]
    of_bob = [farm.submit(bob) for _ in range(2)]
    assert line.length_of(farm.hall, ["cpu-render"]) == 6
    farm.tick()  # counts them in; there is no worker
    assert line.length_of(farm.hall, ["cpu-render"]) == 6
    assert line.length_of(farm.hall, ["gpu-generate"]) == 0
    assert [line.place_of(farm.hall, job_id) for job_id in of_ada] == [2, 4, 5, 6]
    assert list(line.places_of(farm.hall, of_bob).values()) == [2, 4]
    assert line.place_of(farm.hall, "job_nothing") is None


def test_b014_b016_b021_own_keys_and_when_they_were_used(farm: Farm) -> None:
    ada, bob = farm.caller("ada"), farm.caller("bob")
    new, key = own_keys.create_own_key(farm.hall, ada, "My App", 3)
    assert (key.name, key.last_used_at, key.is_active) == ("My App", None, True)
    accounts.caller_of(farm.hall, new.text)
    first_use = farm.clock.now()
    farm.clock.advance(59)
    accounts.caller_of(farm.hall, new.text)
    assert own_keys.list_own_keys(farm.hall, ada.account.id)[-1].last_used_at == first_use
    farm.clock.advance(1)
    accounts.caller_of(farm.hall, new.text)
    assert own_keys.list_own_keys(farm.hall, ada.account.id)[-1].last_used_at == first_use + 60
    with pytest.raises(NotFound):
        own_keys.revoke_own_key(farm.hall, bob, key.id)
    own_keys.create_own_key(farm.hall, ada, "another", 3)
    with pytest.raises(Conflict, match="3 keys"):
        own_keys.create_own_key(farm.hall, ada, "one too many", 3)
    own_keys.revoke_own_key(farm.hall, ada, key.id)
    with pytest.raises(NotSignedIn):
        accounts.caller_of(farm.hall, new.text)
    own_keys.create_own_key(farm.hall, ada, "in its place", 3)


def test_b002_a_key_with_a_budget_makes_no_key_without_one(farm: Farm) -> None:
    ada = farm.caller("ada")
    limited = accounts.create_key(farm.hall, ada.account, budget_mc=1_000)
    with pytest.raises(NotAllowed):
        own_keys.create_own_key(farm.hall, accounts.caller_of(farm.hall, limited.text), "free of it", 9)


def test_an_operators_key_is_not_a_customers_to_revoke(farm: Farm) -> None:
    ada = farm.caller("ada")
    made = accounts.create_key(farm.hall, ada.account, is_operator=True)
    operator = accounts.caller_of(farm.hall, made.text)
    with pytest.raises(NotFound):
        own_keys.revoke_own_key(farm.hall, ada, operator.key_id)
    own_keys.revoke_own_key(farm.hall, operator, ada.key_id)


def test_b053_what_was_finished_while_it_was_deleted_is_nobodys_either(house: House) -> None:
    """Its worker was too far to be stopped; the file that still came goes as those before it."""
    farm, ada = house.farm, house.farm.caller()
    job_id = farm.submit(ada)
    claimed = house.claim()
    generations.delete_generation(farm.hall, ada.account.id, farm.job(job_id).seq, KINDS)
    (key,) = house.finish(claimed, "video")
    assert farm.job(job_id).ended
    with farm.store.read() as connection:
        (made,) = connection.execute(select(artifacts)).all()
    with pytest.raises(NotFound):
        generations.own_file(farm.hall, ada.account.id, made.file_name)
    assert house.retention.round() == {"artifacts": 1}
    assert not house.has(key)
    assert violations(farm.store) == []


def test_b053_b054_marks_and_a_deletion_at_once_follow_each_other(shared_url: str) -> None:
    with closing(Farm(shared_url)) as farm:
        ada = farm.caller()
        numbers = [farm.job(farm.submit(ada)).seq for _ in range(8)]
        doors = (generations.toggle_favorite, generations.unshare, generations.delete_generation)

        def call(work: tuple[int, int]) -> None:
            number, door = work
            try:
                doors[door](farm.hall, ada.account.id, number, KINDS)
            except NotFound:  # deleted before
                assert door != len(doors) - 1

        with ThreadPoolExecutor(6) as threads:
            list(threads.map(call, [(number, door) for number in numbers for door in range(3)]))
        assert generations.list_generations(farm.hall, ada.account.id, KINDS, limit=9) == []


def test_a_url_of_the_farms_own_with_a_nul_leads_to_no_file(farm: Farm) -> None:
    account = farm.caller().account
    for path in ("assets/%00", "attempts/1/%00/x"):
        with pytest.raises(UrlRefused):
            own_key(farm.hall, account, f"https://farm.test/{path}", "https://farm.test")
