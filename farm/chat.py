"""Language models as the API hands calls on to them: who serves a model, and what its tokens cost. Pure."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Literal

from pydantic import Field

from farm.errors import FarmUnavailable, ModelNotOffered, NotFound
from farm.models import Capability
from farm.money import MILLI
from farm.noun import Noun
from farm.offers import ModelRoute
from farm.providers import AUTO, ProviderBook, not_offered

CHAT = Capability.CHAT
_ANY = "*"
_TOKENS = 1000  # that a price is for


class TokenPrice(Noun):
    """Credits for 1,000 tokens."""

    input: Decimal = Field(ge=0)
    output: Decimal = Field(ge=0)


class Usage(Noun):
    """Tokens of one call. `counted`: by the service, and not estimated from what was said."""

    input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)
    counted: bool = True


class ChatRules(Noun):
    """See configs/chat.toml, where each key is explained."""

    first_byte_s: float = Field(default=60.0, gt=0)
    answer_s: float = Field(default=300.0, gt=0)
    idle_s: float = Field(default=60.0, gt=0)
    call_s: float = Field(default=900.0, gt=0)
    at_once: int = Field(default=100, gt=0)
    per_account: int = Field(default=16, gt=0)
    default_output_tokens: int = Field(default=4096, gt=0)
    most_output_tokens: int = Field(default=65_536, gt=0)
    limit_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    request_bytes: int = Field(default=8_388_608, gt=0)
    answer_bytes: int = Field(default=16_777_216, gt=0)
    picture_tokens: int = Field(default=4000, gt=0)
    prices: Mapping[str, TokenPrice] = Field(
        default_factory=lambda: {_ANY: TokenPrice(input=Decimal(1), output=Decimal(1))}
    )

    def price_of(self, model: str) -> TokenPrice:
        """By the model's own entry, else the longest pattern that fits; nothing without any."""
        fitting = [name for name in self.prices if fits(model, name)]
        if not fitting:
            return TokenPrice(input=Decimal(0), output=Decimal(0))
        return self.prices[max(fitting, key=len)]


class Line(Noun):
    """A provider that may answer. `model` is its id there; `share` of the list price is what it costs.

    `route` is the name or pattern in providers.toml that led to it.
    """

    provider: str
    model: str
    share: Decimal
    route: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What a breaker stands for."""
        return self.provider, self.route

    @property
    def is_guess(self) -> bool:
        """Whether a pattern alone says that the provider has the model."""
        return self.route.endswith(_ANY)

    def price_mc(self, rules: ChatRules, usage: Usage) -> int:
        """Milli-credits for so many tokens, rounded up."""
        price = rules.price_of(self.model)
        credits = (price.input * usage.input_tokens + price.output * usage.output_tokens) / _TOKENS
        return int((credits * self.share * MILLI).to_integral_value(ROUND_CEILING))


def fits(model: str, name: str) -> bool:
    """Whether an id is that one, or of that pattern (`gpt-*`)."""
    return model == name or (name.endswith(_ANY) and model.startswith(name[:-1]))


def lines_of(book: ProviderBook, asked: str, *, failover: bool = True) -> Sequence[Line]:
    """Who may answer, in order; without failover the first alone.

    Raises ModelNotOffered where nobody here has a model that there is, NotFound for one that there is not.
    """
    routed = book.routes.get(CHAT, {})
    if not routed and asked == AUTO:
        raise ModelNotOffered(
            "No provider of this farm offers a language model. Its operator can name one in providers.toml,"
            " under routes.chat (chat.toml tells how).",
            param="model",
        )
    model = book.auto_of(CHAT) if asked == AUTO else asked
    route = _route(routed, model)
    if route is None or model.endswith(_ANY):
        if not routed or model.endswith(_ANY) or book.models.find(model) is not None:
            raise not_offered(CHAT, model)
        raise NotFound(f"There is no model {model[:64]!r}.", param="model", code="model_not_found")
    lines = _lines(routed, route, model)
    for other in _fallbacks(book, routed[route], model):
        stand_in = _route(routed, other)
        if stand_in is not None and not other.endswith(_ANY):
            lines += _lines(routed, stand_in, other)
    return lines if failover else lines[:1]


def check_chat(book: ProviderBook) -> None:
    """Raise FarmUnavailable naming the provider of a chat model that cannot be called."""
    for model, route in book.routes.get(CHAT, {}).items():
        for offer in route.offers:
            provider = book.providers.get(offer.provider)
            if provider is not None and provider.url is None:
                where = f"routes.{CHAT}.{model}"
                said = f"{where} is offered by {offer.provider!r}, which has no url"
                raise FarmUnavailable(f"providers.toml: {said}.", param=where)


def _route(routed: Mapping[str, ModelRoute], model: str) -> str | None:
    """The name of the model's own route, else the longest pattern that fits."""
    fitting = [name for name in routed if fits(model, name)]
    return max(fitting, key=lambda name: (name == model, len(name)), default=None)


def _fallbacks(book: ProviderBook, route: ModelRoute, model: str) -> Sequence[str]:
    if "fallbacks" in route.model_fields_set:
        return route.fallbacks
    return book.models.stand_ins(model, CHAT)


def _lines(routed: Mapping[str, ModelRoute], route: str, model: str) -> list[Line]:
    return [
        Line(provider=offer.provider, model=model, share=offer.price, route=route)
        for offer in routed[route].offers
    ]
