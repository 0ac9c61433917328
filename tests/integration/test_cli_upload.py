"""`farm batch submit --upload`: a catalog that names local files, sent to a farm that has none of them."""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from sqlalchemy import select

from farm.doors.accounts import create_key, ensure_account
from farm.store.schema import jobs
from tests.api import Api, png
from tests.command import farm as command

pytestmark = pytest.mark.slow

RENDER = ("--kind", "media-render", "--map", "photo=assets[0].asset_id", "--map", "sku=custom_id")


@dataclass
class Seller:
    """A customer of its own, in a folder with two photos and a catalog."""

    api: Api
    folder: Path
    key: str

    @property
    def catalog(self) -> Path:
        return self.folder / "catalog.csv"

    def write(self, *rows: Sequence[str]) -> None:
        with self.catalog.open("w", newline="") as file:
            csv.writer(file).writerows([("sku", "photo", "headline"), *rows])

    def submit(self, *words: str, upload: str = "photo") -> CompletedProcess[str]:
        """Run the command from another folder than the catalog's."""
        asked = ("batch", "submit", str(self.catalog), "--upload", upload, *words)
        return command(self.folder / "home", *asked, FARM_URL=self.api.url, FARM_API_KEY=self.key)

    def submitted(self, *words: str) -> str:
        """The batch that comes of it."""
        done = self.submit(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def get(self, path: str, **query: str) -> Any:
        with self.api.client(self.key) as client:
            answer = client.get(f"/farm/v1{path}", params={"limit": 100, **query})
            assert answer.status_code == 200, answer.text
            return answer.json()

    def assets(self) -> list[dict[str, Any]]:
        """All of them."""
        found, page = [], self.get("/assets")
        found += page["data"]
        while page["next_cursor"]:
            page = self.get("/assets", cursor=page["next_cursor"])
            found += page["data"]
        return found

    def params(self, job_id: str) -> dict[str, Any]:
        """What the job was asked for."""
        with self.api.hall.store.read() as connection:
            return dict(connection.execute(select(jobs.c.params).where(jobs.c.id == job_id)).scalar_one())

    def rejected(self, batch_id: str) -> list[dict[str, Any]]:
        with self.api.client(self.key) as client:
            answer = client.get(f"/farm/v1/batches/{batch_id}/rejected")
        return [json.loads(line) for line in answer.text.splitlines()]


@pytest.fixture
def seller(api: Api, tmp_path: Path) -> Seller:
    (tmp_path / "photos").mkdir()
    for name, colour in (("red.png", (200, 0, 0)), ("blue.png", (0, 0, 200))):
        (tmp_path / "photos" / name).write_bytes(png(32, 32, colour))
    return Seller(api, tmp_path, api.new_key(tmp_path.name))


def test_each_file_is_uploaded_once_and_its_row_names_it(seller: Seller) -> None:
    seller.write(
        ("A-1", "photos/red.png", 'Now, in "red"'),
        ("A-2", "photos/blue.png", "Back\nin stock"),
        ("A-3", "photos/red.png", ""),
    )
    batch = seller.submitted(*RENDER, "--map", "headline=hook_text")
    made = {job["custom_id"]: job["id"] for job in seller.get(f"/batches/{batch}/jobs")["data"]}
    assert set(made) == {"A-1", "A-2", "A-3"}
    ids = {asset["file_name"]: asset["id"] for asset in seller.assets()}
    assert len(seller.assets()) == len(ids) == 2
    wanted = {
        "A-1": ("red.png", 'Now, in "red"'),
        "A-2": ("blue.png", "Back\nin stock"),
        "A-3": ("red.png", None),
    }
    for name, (file_name, text) in wanted.items():
        params = seller.params(made[name])
        (asset,) = params["assets"]
        assert (asset["asset_id"], asset["file_name"]) == (ids[file_name], file_name)
        assert (asset["media_kind"], params.get("hook_text")) == ("image", text)


def test_a_file_that_cannot_be_uploaded_costs_its_row_alone(seller: Seller) -> None:
    (seller.folder / "photos" / "fake.jpg").write_text("no picture")
    seller.write(
        ("A-1", "photos/gone.png", ""),
        ("A-2", "photos/fake.jpg", ""),
        ("A-3", "photos", ""),
        ("A-4", "photos/" + "x" * 300, ""),
        ("A-5", "photos/red.png", ""),
    )
    done = seller.submit(*RENDER)
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stderr.splitlines() if line.startswith("line ")]
    assert [line.partition(":")[0] for line in told] == ["line 2", "line 3", "line 4", "line 5"]
    assert "There is no file" in told[0] and "not image/jpeg" in told[1]
    refused = seller.rejected(done.stdout.strip())
    assert [(row["line"], row["custom_id"]) for row in refused] == [
        (2, "A-1"),
        (3, "A-2"),
        (4, "A-3"),
        (5, "A-4"),
    ]
    assert "photos/gone.png" in refused[0]["reason"]
    assert len(seller.assets()) == 1


def test_lines_are_those_of_the_catalog_however_many_pieces_it_is_sent_in(seller: Seller) -> None:
    rows = [(f"SKU-{n}", "photos/red.png", "two\nlines" if n % 3 == 0 else "") for n in range(450)]
    seller.write(*rows, ("LAST", "photos/gone.png", ""))
    batch = seller.submitted(*RENDER, "--map", "headline=hook_text")
    (refused,) = seller.rejected(batch)
    text = seller.catalog.read_text().splitlines()
    assert refused["custom_id"] == "LAST"
    assert text[refused["line"] - 1].startswith("LAST,")
    assert seller.get(f"/batches/{batch}")["counts"]["queued"] == 450
    assert len(seller.assets()) == 1


def test_going_on_uploads_only_what_new_rows_name(seller: Seller) -> None:
    seller.write(("A-1", "photos/red.png", ""))
    batch = seller.submitted(*RENDER, "--open")
    seller.write(("A-1", "photos/red.png", ""), ("A-2", "photos/blue.png", ""))
    done = seller.submit(*RENDER, "--batch", batch)
    assert "1 rows accepted, 1 known already, 0 rejected." in done.stderr
    assert Counter(asset["file_name"] for asset in seller.assets()) == {"red.png": 1, "blue.png": 1}


def test_an_asset_that_is_there_already_may_be_named_by_its_id(seller: Seller) -> None:
    seller.write(("A-1", "photos/red.png", ""))
    seller.submitted(*RENDER)
    (asset,) = seller.assets()
    seller.write(("A-2", asset["id"], ""))
    done = seller.submit(*RENDER)
    assert "1 rows accepted, 0 known already, 0 rejected." in done.stderr
    assert len(seller.assets()) == 1


def test_nothing_is_uploaded_for_columns_that_make_no_sense(seller: Seller) -> None:
    seller.write(("A-1", "photos/red.png", ""))
    done = seller.submit(*RENDER, "--map", "headline=no_such_parameter")
    assert (done.returncode, seller.assets()) == (1, [])
    assert "no_such_parameter" in done.stderr
    done = seller.submit(*RENDER, upload="picture")
    assert done.returncode == 2
    assert "catalog.csv has no column 'picture'." in done.stderr
    assert len(seller.get("/batches")["data"]) == 1  # of the first call


def test_rows_of_json_have_no_columns(seller: Seller) -> None:
    rows = seller.folder / "rows.jsonl"
    rows.write_text('{"params": {}}\n')
    words = ("batch", "submit", str(rows), "--kind", "probe", "--upload", "photo")
    done = command(seller.folder / "home", *words, FARM_URL=seller.api.url, FARM_API_KEY=seller.key)
    assert done.returncode == 2
    assert "column of a CSV" in done.stderr


def test_uploads_stop_where_the_credits_end(seller: Seller) -> None:
    owner = ensure_account(seller.api.hall, f"poor-{seller.folder.name}", "pro", balance_mc=2500)
    seller.key = create_key(seller.api.hall, owner).text
    many = seller.folder / "many"
    many.mkdir()
    for number in range(205):
        (many / f"{number}.png").write_bytes(png(16, 16, (number, 0, 0)))
    seller.write(*((f"A-{number}", f"many/{number}.png", "") for number in range(205)))
    done = seller.submit(*RENDER)
    assert done.returncode == 1
    assert "Stopped at line 3 (A-1)" in done.stderr
    assert len(seller.assets()) == 200  # one piece


def test_rows_are_sent_on_with_their_wish_to_be_tried_again(seller: Seller) -> None:
    seller.write(("A-1", "photos/red.png", ""))
    batch = seller.submitted(*RENDER, "--webhook-auto-retry")
    (job,) = seller.get(f"/batches/{batch}/jobs")["data"]
    assert job["webhook_auto_retry"] is True
    params = json.dumps({"assets": seller.params(job["id"])["assets"]})
    hook = ("--webhook-url", "https://93.184.216.34/hook")
    words = ("submit", "media-render", "--params", params, "--webhook-auto-retry", *hook)
    done = command(seller.folder / "home", *words, FARM_URL=seller.api.url, FARM_API_KEY=seller.key)
    job = seller.get(f"/jobs/{done.stdout.strip()}")
    assert (job["webhook_auto_retry"], job["webhook_url"]) == (True, "https://93.184.216.34/hook")


def test_a_catalog_that_breaks_off_says_how_to_go_on(seller: Seller) -> None:
    good = "".join(f"A-{number},photos/red.png,\n" for number in range(200))
    seller.catalog.write_text(f'sku,photo,headline\n{good}B-1,photos/blue.png,"never closed\n')
    done = seller.submit(*RENDER)
    assert done.returncode == 2
    hint, wrong = done.stderr.splitlines()[-2:]
    assert "line 202, is not CSV" in wrong
    batch = hint.rpartition(" ")[2]
    assert seller.get(f"/batches/{batch}")["counts"]["queued"] == 200
    seller.catalog.write_text(f"sku,photo,headline\n{good}B-1,photos/blue.png,closed\n")
    done = seller.submit(*RENDER, "--batch", batch)
    assert "1 rows accepted, 200 known already, 0 rejected." in done.stderr
    assert [asset["file_name"] for asset in seller.assets()] == ["blue.png", "red.png"]
