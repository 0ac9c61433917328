"""Text templates: one file each, declaring `TEMPLATE`. To add one, add a file; likewise a font in fonts/."""

from functools import cache

from farm.errors import BadRequest
from workers.cpu_render.registry import scan, slug
from workers.cpu_render.text.contract import Template


@cache
def templates() -> dict[str, Template]:
    """Every template by its slug."""
    return scan(__name__, "TEMPLATE", Template)


def template_named(name: str) -> Template:
    """The template of that name, in any spelling. Raises BadRequest naming the known ones."""
    known = templates()
    try:
        return known[slug(name)]
    except KeyError:
        names = ", ".join(sorted(template.name for template in known.values()))
        raise BadRequest(
            f"There is no text template {name!r}. Known: {names}.", param="templateName"
        ) from None
