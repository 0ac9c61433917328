"""What a farm answers, as the CLI takes it: a refusal is a Refused in the farm's own words, a broken line is
FarmUnavailable, and "too many calls" is waited out.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

from farm.cli.console import remark
from farm.errors import FarmError, FarmUnavailable

Ask = Callable[[], httpx.Response]
Pause = Callable[[float], None]

# A key's calls are counted by the minute; who shares it with others may have to wait for several.
_LONGEST_WAIT_S = 600.0
_QUIET_WAIT_S = 3.0
_UNTOLD_WAIT_S = 5.0


class Refused(FarmError):
    """The farm answered with an error; `code`, `message` and `param` are its own, `status` is HTTP's."""

    def __init__(self, message: str, *, status: int, param: str | None = None, code: str | None = None):
        super().__init__(message, param=param, code=code)
        self.status = status


def answered(url: str, ask: Ask, pause: Pause) -> httpx.Response:
    """What `ask` gets, asked again for as long as the key has no calls left, or ten minutes.

    `url` names the farm in FarmUnavailable. The answer may be a refusal: see require_good.
    """
    waited_s = 0.0
    while True:
        with errors_named(url):
            answer = ask()
        wait_s = _wait_s(answer)
        if wait_s is None or waited_s + wait_s > _LONGEST_WAIT_S:
            return answer
        answer.close()
        if wait_s > _QUIET_WAIT_S:
            remark(f"This key has used its calls for now; going on in {wait_s:.0f} s.", style="dim")
        pause(wait_s)
        waited_s += wait_s


@contextmanager
def errors_named(url: str) -> Iterator[None]:
    """Turn what goes wrong on the way into FarmUnavailable."""
    try:
        yield
    except httpx.ConnectError as error:
        raise FarmUnavailable(
            f"No farm answers at {url}. Start one with farm up, or set FARM_URL."
        ) from error
    except httpx.ConnectTimeout as error:
        raise FarmUnavailable(f"{url} does not answer.") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FarmUnavailable(f"The farm at {url} broke off: {error or type(error).__name__}.") from error


def require_good(answer: httpx.Response) -> None:
    """Raise Refused unless it is a success."""
    if answer.is_success:
        return
    status = answer.status_code
    try:
        said = answer.json()["error"]
        raise Refused(said["message"], status=status, param=said.get("param"), code=said["code"])
    except (ValueError, KeyError, TypeError):
        host, phrase = answer.request.url.host, answer.reason_phrase
        raise Refused(f"{host} answered {status} {phrase}.", status=status) from None


def _wait_s(answer: httpx.Response) -> float | None:
    """How long to wait before asking again; None unless there were too many calls."""
    if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
        return None
    told = answer.headers.get("Retry-After", "")
    return float(told) if told.isdecimal() else _UNTOLD_WAIT_S
