"""Counts the tokens of a call: as the service counts them, else by what was said. Pure."""

from collections.abc import Mapping
from math import ceil
from typing import Any

from farm.chat import Usage

_BYTES_A_TOKEN = 4  # of English; other languages have more tokens


def usage_of(said: Mapping[str, Any]) -> Usage | None:
    """What an answer, or a piece of one, says that it used."""
    told = said.get("usage")
    if not isinstance(told, dict):
        return None
    counts = [told.get("prompt_tokens"), told.get("completion_tokens", 0)]
    if not all(isinstance(count, int) and not isinstance(count, bool) and count >= 0 for count in counts):
        return None
    return Usage(input_tokens=counts[0], output_tokens=counts[1])


def estimated(input_tokens: int, output_bytes: int) -> Usage:
    """By the length of what was said."""
    return Usage(input_tokens=input_tokens, output_tokens=ceil(output_bytes / _BYTES_A_TOKEN), counted=False)


def tokens_in(text_bytes: int, pictures: int, picture_tokens: int) -> int:
    """An estimate of what was asked."""
    return ceil(text_bytes / _BYTES_A_TOKEN) + pictures * picture_tokens


def said_bytes(said: Mapping[str, Any]) -> int:
    """How much text an answer, or a piece of one, brings."""
    return sum(_text_bytes(choice) for choice in _choices(said))


class Meter:
    """What has come of one stream."""

    def __init__(self, input_tokens: int) -> None:
        self._input_tokens = input_tokens
        self._counted: Usage | None = None
        self._bytes = 0
        self._ends: dict[int, bool] = {}
        self.is_done = False  # its last event has come

    def read(self, said: Mapping[str, Any]) -> None:
        """Count a piece."""
        self._counted = usage_of(said) or self._counted
        self._bytes += said_bytes(said)
        for choice in _choices(said):
            number = choice.get("index")
            number = number if isinstance(number, int) else 0
            self._ends[number] = self._ends.get(number, False) or bool(choice.get("finish_reason"))

    @property
    def has_finished(self) -> bool:
        """Whether every choice that began has come to its end."""
        return self.is_done or (bool(self._ends) and all(self._ends.values()))

    @property
    def usage(self) -> Usage:
        return self._counted or estimated(self._input_tokens, self._bytes)


def _choices(said: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    choices = said.get("choices")
    return [one for one in choices if isinstance(one, dict)] if isinstance(choices, list) else []


def _text_bytes(choice: Mapping[str, Any]) -> int:
    """Everything of a choice that a model wrote: text, reasoning, calls of tools."""
    wrote = choice.get("delta") or choice.get("message") or {"text": choice.get("text")}
    return sum(len(text.encode(errors="replace")) for text in _texts(wrote))


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [
            text
            for name, item in value.items()
            if name not in ("role", "id", "type")
            for text in _texts(item)
        ]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return []
