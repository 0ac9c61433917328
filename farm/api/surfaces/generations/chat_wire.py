"""What is asked of language models, as OpenAI's clients send it. Fields not named here are handed on."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from farm.chat import ChatRules
from farm.errors import BadRequest
from farm.providers import AUTO

_MOST_MESSAGES = 2000
_MOST_CHOICES = 8
_MODEL = r"^[\x21-\x7e]+$"
_PICTURES = ("image_url", "input_image")
# Signs of base64 to a token, at the least: of a sound of 8 kbit/s and 32 tokens a second, and of a document.
_PACKED: Mapping[str, int] = {"input_audio": 32, "file": 8}
# How fields are called whose values a service may fetch, and those within which all is words.
_ADDRESSES = ("url", "urls", "uri", "uris", "_base", "_host")
_FILES = ("image", "audio", "video", "file")
_WORDS = ("function", "functions", "response_format", "metadata")
_SPOKEN_TO = ("user", "system", "developer")

Count = Annotated[int, Field(strict=True, ge=1)]
Token = Annotated[int, Field(strict=True, ge=0, lt=2**31)]


class Message(BaseModel):
    """One turn. `content` is a text, or a list of parts: texts and pictures."""

    model_config = ConfigDict(extra="allow")

    role: str = Field(min_length=1, max_length=32, examples=["user"])
    content: JsonValue = None


class LlmRequest(BaseModel):
    """What both calls have in common. `failover: false` asks the model's first provider only."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    model: str = Field(default=AUTO, pattern=_MODEL, max_length=128, examples=["gpt-4o-mini"])
    stream: bool = Field(default=False, strict=True)
    stream_options: dict[str, JsonValue] | None = None
    n: Annotated[int, Field(strict=True, ge=1, le=_MOST_CHOICES)] | None = None
    max_tokens: Count | None = None
    failover: bool = Field(default=True, strict=True)

    @property
    def limits(self) -> Mapping[str, int | None]:
        """The fields that say how long an answer may be."""
        return {"max_tokens": self.max_tokens}

    @property
    def choices(self) -> int:
        """How many answers the model writes."""
        return self.n or 1

    @property
    def urls(self) -> Iterator[tuple[str, str]]:
        """What the service might fetch (pictures, sounds, tools' servers), each after its field."""
        for name, value in (self.model_extra or {}).items():
            yield from ((name, url) for url in _urls_in({name: value}))

    def output_tokens(self, rules: ChatRules) -> int:
        """The most that may come, of all choices together. Raises BadRequest naming the field."""
        said = {name: most for name, most in self.limits.items() if most is not None}
        for name, most in said.items():
            if most > rules.most_output_tokens:
                raise BadRequest(f"{name} is {rules.most_output_tokens} at most.", param=name)
        return max(said.values(), default=rules.default_output_tokens) * self.choices

    @property
    def wants_usage(self) -> bool:
        """Whether the caller of a stream asked for its usage."""
        return bool((self.stream_options or {}).get("include_usage"))

    def handed_on(self, limit_field: str, rules: ChatRules) -> dict[str, Any]:
        """The request as a service gets it: bounded, and telling what a stream used."""
        body = self.model_dump(exclude_unset=True, exclude={"failover", "model"})
        if not any(self.limits.values()):
            body[limit_field] = rules.default_output_tokens
        if self.stream:
            body["stream_options"] = {**(self.stream_options or {}), "include_usage": True}
        return body


class ChatRequest(LlmRequest):
    """POST /v1/chat/completions."""

    messages: list[Message] = Field(min_length=1, max_length=_MOST_MESSAGES)
    max_completion_tokens: Count | None = None

    @property
    def limits(self) -> Mapping[str, int | None]:
        return {"max_completion_tokens": self.max_completion_tokens, "max_tokens": self.max_tokens}

    @property
    def texts(self) -> Mapping[str, str]:
        """What somebody says to the model, by field."""
        told = [(i, one) for i, one in enumerate(self.messages) if one.role in _SPOKEN_TO]
        return {f"messages[{i}].content": " ".join(_texts_of(one.content)) for i, one in told}

    @property
    def urls(self) -> Iterator[tuple[str, str]]:
        yield from super().urls
        for i, one in enumerate(self.messages):
            for name, value in {**(one.model_extra or {}), "content": one.content}.items():
                yield from ((f"messages[{i}].{name}", url) for url in _urls_in({name: value}))


class CompletionRequest(LlmRequest):
    """POST /v1/completions: the older call, with one prompt and no roles."""

    prompt: str | list[str] | list[Token] | list[list[Token]]
    best_of: Annotated[int, Field(strict=True, ge=1, le=_MOST_CHOICES)] | None = None

    @property
    def choices(self) -> int:
        prompts = len(self.prompt) if isinstance(self.prompt, list) and _is_many(self.prompt) else 1
        return prompts * max(self.n or 1, self.best_of or 1)

    @property
    def texts(self) -> Mapping[str, str]:
        if isinstance(self.prompt, str):
            return {"prompt": self.prompt}
        return {f"prompt[{i}]": one for i, one in enumerate(self.prompt) if isinstance(one, str)}


def pictures_in(value: object) -> int:
    """How many pictures a request has."""
    if isinstance(value, Mapping):
        own = value.get("type") in _PICTURES
        return int(own) + (0 if own else sum(pictures_in(item) for item in value.values()))
    return sum(pictures_in(item) for item in value) if isinstance(value, list) else 0


def text_bytes(value: object) -> int:
    """How many bytes of text and signs a request has, without pictures: no model makes more tokens of it."""
    if isinstance(value, Mapping):
        if value.get("type") in _PICTURES:
            return 0
        packed = next((signs for kind, signs in _PACKED.items() if value.get("type") == kind), None)
        if packed is not None:
            return len(str(value)) // packed
        return sum(len(str(name)) + text_bytes(item) + 4 for name, item in value.items())
    if isinstance(value, list):
        return sum(text_bytes(item) + 2 for item in value)
    return len(str(value).encode(errors="replace"))


def _is_many(prompt: Sequence[object]) -> bool:
    return bool(prompt) and not isinstance(prompt[0], int)


def _texts_of(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    for part in content if isinstance(content, list) else ():
        if isinstance(part, Mapping) and isinstance(part.get("text"), str):
            yield part["text"]


def _urls_in(value: object, name: str = "") -> Iterator[str]:
    """Addresses, by the name of the field they are in.

    A `data:` URL is the thing itself: nothing is fetched.
    """
    if isinstance(value, str):
        is_address = name.lower().endswith(_ADDRESSES) or (name in _FILES and "://" in value)
        if is_address and value[:5].lower() != "data:":
            yield value
    for item in value if isinstance(value, list) else ():
        yield from _urls_in(item, name)
    for field, item in value.items() if isinstance(value, Mapping) else ():
        if field not in _WORDS:
            yield from _urls_in(item, str(field))
