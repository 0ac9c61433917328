"""XML as editors read it: declared, indented, the same text for the same tree."""

import re
from collections.abc import Mapping
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, indent, tostring

# What XML 1.0 cannot say in any way (https://www.w3.org/TR/xml/#charsets).
_UNSAYABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def child(parent: Element, tag: str, text: object = None, /, **attributes: object) -> Element:
    """A new element in `parent`. Attributes that are None are left out; a trailing underscore is cut off."""
    made = SubElement(parent, tag, said(attributes))
    if text is not None:
        made.text = plain(str(text))
    return made


def said(attributes: Mapping[str, object]) -> dict[str, str]:
    """Attributes as texts, in the order given."""
    return {key.rstrip("_"): plain(str(value)) for key, value in attributes.items() if value is not None}


def plain(text: str) -> str:
    """The text without what XML cannot say."""
    return _UNSAYABLE.sub("", text)


def document(root: Element, doctype: str) -> bytes:
    """The whole file."""
    indent(root, "  ")
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE {doctype}>\n'
    return (head + tostring(root, encoding="unicode") + "\n").encode()


def url(path: str) -> str:
    """A relative path as a URL."""
    return quote(path)
