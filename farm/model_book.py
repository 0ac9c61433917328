"""All models of the catalog, and how a name leads to one of them."""

import re
from collections.abc import Mapping

from pydantic import Field

from farm.errors import NotFound
from farm.models import ID_PATTERN, Capability, Model, ModelId, Wish
from farm.noun import Noun


class ModelBook(Noun):
    """All models, by the id that customers name."""

    models: Mapping[ModelId, Model] = Field(default_factory=dict)

    def named(self, model_id: str) -> Model:
        """The model of that id, or the one whose pattern (`gpt-*`) it has. Raises NotFound."""
        return self.models[self.id_of(model_id)]

    def id_of(self, model_id: str) -> str:
        """The catalog's own id of an id, a pattern's word or a concrete key. Raises NotFound."""
        found = self.find(model_id)
        if found is None:
            raise NotFound(f"There is no model {model_id[:64]!r}.", param="model", code="model_not_found")
        return found

    def find(self, name: str) -> str | None:
        """The id that a name belongs to: itself, the model with that concrete key, or a pattern."""
        if name in self.models:
            return name
        for model_id, model in self.models.items():
            if name in model.keys.values() or (model_id.endswith("*") and _fits(name, model_id)):
                return model_id
        return None

    def known(self, name: str) -> Model | None:
        """The model that a name belongs to, None where only providers.toml knows it."""
        found = self.find(name)
        return self.models[found] if found is not None else None

    def key_of(self, name: str, capability: str) -> str:
        """What providers.toml routes there under a name: the model's concrete key, else the name itself."""
        model = self.models.get(name)
        return (
            model.keys.get(Capability(capability)) if model and capability in model.serves else None
        ) or name

    def price_mc(self, name: str, capability: str, wish: Wish) -> int | None:
        """The list price of a wish, fitted to the model of that name; None where the catalog has none."""
        found = self.find(name)
        if found is None or capability not in self.models[found].serves:
            return None
        model = self.models[found]
        return model.price_mc(model.fitted(wish), Capability(capability))

    def stand_ins(self, name: str, capability: str) -> tuple[str, ...]:
        """The keys of the models that may stand in for this one there, in order."""
        found = self.find(name)
        if found is None or capability not in set(Capability):
            return ()
        others = ((other, self.models[other]) for other in self.models[found].fallbacks)
        asked = Capability(capability)
        return tuple(model.keys.get(asked, other) for other, model in others if asked in model.serves)


def _fits(name: str, pattern: str) -> bool:
    return (
        name.startswith(pattern[:-1])
        and not name.endswith("*")
        and re.fullmatch(ID_PATTERN, name) is not None
    )
