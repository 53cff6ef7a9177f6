"""How values and texts that others wrote are shown: nothing of them reaches a terminal as a control sequence. Pure."""

from __future__ import annotations

from datetime import date, datetime, time

_SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_LARGEST_IN_FOUR_DIGITS = 0xFFFF


def printable(text: str) -> str:
    r"""Escape what a terminal would not show as it stands: ``\x1b``, ``\x00``, ``\n``, marks of direction."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def toml(value: object) -> str:
    """Write a value as TOML does (toml.io: String, Boolean, Array); what TOML has no word for, as it calls itself."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return repr(value)


def _string(text: str) -> str:
    if text.isprintable() and "'" not in text and ("\\" in text or '"' in text):
        return f"'{text}'"
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= _LARGEST_IN_FOUR_DIGITS else f"\\U{code:08x}"
