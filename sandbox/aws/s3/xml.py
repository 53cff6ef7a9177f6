"""Writing and reading S3's XML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from sandbox.aws.answers import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_TAG = re.compile(r"\{[^}]*\}")


def document(root: str, fields: Mapping[str, object]) -> bytes:
    """Return a document. Values are texts, numbers, truths, mappings, or lists: an element as often as it is long."""
    inner = "".join(_element(key, value) for key, value in fields.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{NAMESPACE}">{inner}</{root}>'.encode()


def plain(text: str) -> str:
    """Escape a text; control characters have no place in XML 1.0, not even escaped."""
    return escape("".join(char for char in text if char >= " " or char in "\t\n\r"))


def _element(key: str, value: object) -> str:
    if isinstance(value, list):
        return "".join(_element(key, one) for one in value)
    if isinstance(value, dict):
        inner = "".join(_element(name, one) for name, one in value.items())
    else:
        inner = plain(str(value).lower() if isinstance(value, bool) else str(value))
    return f"<{key}>{inner}</{key}>"


def parse(body: bytes, root: str) -> ET.Element:
    """Return the root of a document, all names freed from their namespace."""
    try:
        # Entities are the one danger in it, and Python's parser refuses outside ones; our own clients wrote the rest.
        found = ET.fromstring(body)  # noqa: S314
    except ET.ParseError as exc:
        raise _malformed() from exc
    for element in found.iter():
        element.tag = _TAG.sub("", element.tag)
    if found.tag != root:
        raise _malformed()
    return found


def _malformed() -> ServiceError:
    message = "The XML you provided was not well-formed or did not validate against our published schema"
    return ServiceError("MalformedXML", message, is_violation=True)
