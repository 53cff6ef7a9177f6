r"""The records of a pax header, ``"%d %s=%s\n"`` (pax(1), "pax Extended Header"). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.deploy.fetch.refused import member_refused

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_DIGITS = 10


def records(name: str, body: bytes) -> Iterator[tuple[str, str]]:
    """Give keys and values in their order; bytes that are not UTF-8 as lone surrogates.

    Args:
        name: of the header, for messages.
        body: all of it, without padding.

    Raises:
        Refused: a record is not written so.
    """
    at = 0
    while at < len(body):
        digits = body[at : at + _MOST_DIGITS].partition(b" ")[0]
        end = at + int(digits) if digits.isdigit() else 0
        key, equals, value = body[at + len(digits) + 1 : end].partition(b"=")
        if end > len(body) or not equals or not key or not value.endswith(b"\n"):
            raise member_refused(name, "is a pax header that makes no sense")
        yield key.decode("utf-8", "surrogateescape"), value[:-1].decode("utf-8", "surrogateescape")
        at = end
