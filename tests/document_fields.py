"""Reads from an OpenAPI document which fields every call takes, so that a test can send to each of them.

A field of a list is written `prompts[].image_url`; `planted` puts a value there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

JSON, FORM = "application/json", "multipart/form-data"


@dataclass(frozen=True, order=True)
class Field:
    """One field of one call's body, as one of the types that it may have."""

    method: str
    path: str
    media: str
    name: str
    type: str

    @property
    def shown(self) -> str:
        """How a refusal of its first item names it; those of a form are named as a whole."""
        if self.media == JSON:
            return self.name.replace("[]", "[0]")
        return self.name.replace("[]", "").replace("[", ".").replace("]", "")

    @property
    def leaf(self) -> str:
        return self.name.removesuffix("[]").rpartition(".")[2]


def fields(document: Mapping[str, Any]) -> Iterator[Field]:
    """Every field of every call. A file's type is `binary`."""
    schemas: Mapping[str, Any] = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for media, body in operation.get("requestBody", {}).get("content", {}).items():
                for name, schema in _walked(schemas, body["schema"], "", ()):
                    kind = schema.get("format") if schema.get("format") == "binary" else schema.get("type")
                    yield Field(method.upper(), path, media, name, str(kind))


def _walked(
    schemas: Mapping[str, Any], schema: Mapping[str, Any], name: str, above: Sequence[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    reference = str(schema.get("$ref", ""))
    if reference:
        if reference in above:
            return
        schema, above = schemas[reference.rpartition("/")[2]], (*above, reference)
    if name:
        yield name, schema
    for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from _walked(schemas, one, name, above)
    for key, inner in schema.get("properties", {}).items():
        yield from _walked(schemas, inner, f"{name}.{key}" if name else key, above)
    items = [schema["items"]] if "items" in schema else schema.get("prefixItems", ())
    for inner in items:
        yield from _walked(schemas, inner, f"{name}[]", above)


def planted(body: Any, name: str, value: object) -> dict[str, Any]:
    """A copy of the body with this value at that field; lists get it as their first item."""
    first, _, rest = name.partition(".")
    key = first.removesuffix("[]")
    old = body.get(key) if isinstance(body, Mapping) else None
    depth = first.count("[]")
    for _ in range(depth):
        old = old[0] if isinstance(old, list) and old else None
    new: Any = planted(old or {}, rest, value) if rest else value
    for _ in range(depth):
        new = [new]
    return {**(body if isinstance(body, Mapping) else {}), first.split("[")[0] if depth else key: new}
