"""The deliverer's loop: fan out, claim, send, record. It waits asynchronously; one thread works the store.

Sending and recording cannot be one step: a deliverer that dies between them leaves a lease that ends, and the
same attempt is made again with the same webhook-id. At least once, never silently not at all.
"""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol

import structlog

import farm
from farm.blobs import open_blobs
from farm.doors.hall import Hall
from farm.errors import FarmError, FarmUnavailable
from farm.net.guard import UrlRefused
from farm.net.http import CallFailed, GuardedHttp, Reply
from farm.settings import Settings
from farm.store.engine import StoreAway
from farm.store.rows import AnyRow
from farm.webhook import Letter, signed_headers
from schedulers.webhooks.claims import Claim, anything_due, claim, record
from schedulers.webhooks.fanout import Link, fan_out

log = structlog.get_logger(__name__)

_AFTER_ERROR_S = 1.0
_GRACE_S = 5.0


class Sender(Protocol):
    """What a deliverer sends through; tests and simulations bring their own."""

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Reply:
        """Raises UrlRefused and CallFailed."""
        ...


class Deliverer:
    """Several may run, beside one scheduler or several: what is due is claimed in the store."""

    def __init__(self, hall: Hall, sender: Sender, link: Link) -> None:
        self._hall = hall
        self._sender = sender
        self._link = link
        self._rules = hall.catalog.webhooks
        self._busy: Counter[int] = Counter()
        self._unrecorded: set[int] = set()
        self._store = ThreadPoolExecutor(1, thread_name_prefix="webhooks-store")

    def deliver_due(self) -> int:
        """One round: whatever is due is fanned out, sent once and recorded. Returns the attempts made."""
        return asyncio.run(self._round())

    async def run(self, stopping: Callable[[], bool]) -> None:
        """Deliver until told to stop; what is being sent then gets a moment to end."""
        flights: set[asyncio.Task[None]] = set()
        while not stopping():
            try:
                # First what has been answered, else its lease may end and it is sent again.
                claims = await self._take(0 if self._unrecorded else self._rules.at_once - len(flights))
            except StoreAway as away:
                log.warning("store_away", error=away.message)
                await asyncio.sleep(_AFTER_ERROR_S)
                continue
            except Exception:  # whatever it was, the next look starts from the store again
                log.exception("webhooks_not_claimed")
                await asyncio.sleep(_AFTER_ERROR_S)
                continue
            flights |= {asyncio.create_task(self._carry(claimed)) for claimed in claims}
            flights = await _landed(flights, self._rules.look_s)
        if flights:
            await asyncio.wait(flights, timeout=_GRACE_S)

    async def _round(self) -> int:
        claims = await self._take(self._rules.at_once)
        await asyncio.gather(*(self._carry(claimed) for claimed in claims))
        return len(claims)

    async def _take(self, room: int) -> list[Claim]:
        claims = await asyncio.get_running_loop().run_in_executor(self._store, self._claim, room)
        self._busy.update(claimed.row.account_id for claimed in claims)
        return claims

    def _claim(self, room: int) -> list[Claim]:
        now = self._hall.clock.now()
        with self._hall.store.read() as connection:
            if room == 0 or not anything_due(connection, now):
                return []
        with self._hall.store.write() as connection:
            fan_out(self._hall, connection, self._link, now)
            return claim(connection, self._rules, now, room, self._busy)

    async def _carry(self, claimed: Claim) -> None:
        try:
            answer = await self._send(claimed)
            await self._recorded(claimed, answer)
        finally:
            self._busy[claimed.row.account_id] -= 1

    async def _recorded(self, claimed: Claim, answer: Reply | str) -> None:
        """Insist while the store is away: an answer that is not recorded makes its receiver hear it again.

        However long that takes: the claim's number tells whether the attempt is still ours.
        """
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    return await loop.run_in_executor(self._store, self._record, claimed, answer)
                except StoreAway:
                    self._unrecorded.add(claimed.row.id)
                    await asyncio.sleep(_AFTER_ERROR_S)
        finally:
            self._unrecorded.discard(claimed.row.id)

    async def _send(self, claimed: Claim) -> Reply | str:
        """The reply, or why there was none."""
        row = claimed.row
        letter = Letter(row.webhook_id, row.event, row.subject, row.tries + 1, row.body.encode())
        try:
            headers = self._headers(row, letter, claimed.started_at)
            return await self._sender.send("POST", row.url or row.job_url, headers, letter.body)
        except (UrlRefused, CallFailed) as error:
            return error.message
        except FarmError as error:  # what signs is sealed under another secret key
            log.error("webhook_not_signed", delivery=row.public_id, error=error.message)
            return error.message

    def _headers(self, row: AnyRow, letter: Letter, now: float) -> dict[str, str]:
        own = self._hall.secrets
        custom = json.loads(own.unseal(row.headers_sealed)) if row.headers_sealed else {}
        api_key = own.unseal(row.sealed) if row.sealed else None
        signed = signed_headers(letter, now, self._signing(row, now), api_key)
        return {"User-Agent": f"Kinefarm/{farm.__version__}", **custom, **signed}

    def _signing(self, row: AnyRow, now: float) -> Sequence[str]:
        """The secrets to sign with: the endpoint's, the one before it for a while, else the API key's."""
        own = self._hall.secrets
        if row.endpoint_id is None:
            return [own.webhook_secret(row.prefix)] if row.prefix else []
        found = [own.unseal(row.secret_sealed)]
        if row.old_secret_sealed and row.old_secret_until is not None and now < row.old_secret_until:
            found.append(own.unseal(row.old_secret_sealed))
        return found

    def _record(self, claimed: Claim, answer: Reply | str) -> None:
        with self._hall.store.write() as connection:
            follows = record(connection, claimed, answer, self._rules, self._hall.clock.now())
        row = claimed.row
        said = answer.status if isinstance(answer, Reply) else answer
        log.info("webhook_sent", delivery=row.public_id, job=row.subject, answer=said, follows=repr(follows))


@contextmanager
def delivering(settings: Settings, hall: Hall) -> Iterator[None]:
    """Run a deliverer in a thread of its own, with connections of its own, for as long as the block runs."""
    asked = threading.Event()
    with GuardedHttp(hall.guard, at_once=hall.catalog.webhooks.at_once) as http:
        deliverer = Deliverer(hall, http, link_of(settings, hall))
        thread = threading.Thread(
            target=lambda: asyncio.run(deliverer.run(asked.is_set)), name="webhooks", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            asked.set()
            thread.join()


def link_of(settings: Settings, hall: Hall) -> Link:
    """Download URLs for events.

    None while the storage cannot be used from here, or is a folder and FARM_PUBLIC_URL is not set.
    """
    try:
        blobs = open_blobs(settings, hall.secrets, hall.clock)
    except FarmUnavailable as error:  # a scheduler's host need not reach the storage
        log.warning("webhooks_without_urls", error=error.message)
        return lambda _artifact: None
    in_folder = not settings.blobs_location.startswith("s3://")
    base_url = (settings.public_url or "").rstrip("/")

    def link(artifact: AnyRow) -> str | None:
        if in_folder and not base_url:
            return None
        return blobs.download_url(
            artifact.blob_key,
            file_name=artifact.display_name,
            content_type=artifact.content_type,
            expires_s=hall.catalog.webhooks.link_s,
            base_url=base_url,
        )

    return link


async def _landed(flights: set[asyncio.Task[None]], patience_s: float) -> set[asyncio.Task[None]]:
    """Wait until one has ended, or for the next look. Returns those still under way."""
    if not flights:
        await asyncio.sleep(patience_s)
        return flights
    done, rest = await asyncio.wait(flights, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        error = task.exception()
        if error is not None:  # its lease ends, and the attempt is made again
            log.error("webhook_not_recorded", exc_info=error)
    return rest
