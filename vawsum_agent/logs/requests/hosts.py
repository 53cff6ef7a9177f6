"""Divides lines by virtual host: usually a log has one or none, and it is enough to prove that. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from vawsum_agent.logs.requests.line import HOST, HOST_LATER, is_host, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_END = b'] "\n'
_NO_SHAPE = bytes(sorted(set(range(256)) - set(b"\n: ")))


def may_have_one(part: bytes) -> bool:
    """Whether the first and the last line begin alike, as far as hosts go: a look that costs nothing."""
    return _head_at(part, 0) == _head_at(part, part.rfind(b"\n", 0, -1) + 1)


def _head_at(part: bytes, position: int) -> bytes:
    found = HOST.match(part, position)
    return found[1] if found else b""


def only_host(heads: bytes, count: int) -> bytes | None:
    """Find the virtual host that all lines share, empty when none of them has any.

    Args:
        heads: what should be the beginnings of lines up to the requests' first quotes, these included, each with a
            newline behind it.
        count: of lines.

    Returns:
        None when the hosts differ, or these are no such beginnings.
    """
    head = _head_at(heads, 0)
    if not head:
        is_bare = are_heads(heads, count) and (_are_alike_and_bare(heads) or not HOST_LATER.search(heads))
        return b"" if is_bare else None
    # One search for both: each line but the last ends as it should, and the next begins with the host.
    later = _END + head + b" "
    is_shared = heads.count(later) == count - 1 and heads.endswith(_END)
    # The identity behind it would make it a client's address.
    return name_of(head) if is_shared and later + b"- " not in heads else None


def are_heads(heads: bytes, count: int) -> bool:
    """Whether each of the beginnings ends as one does right before the request: behind the time."""
    return heads.count(_END) == count


def _are_alike_and_bare(heads: bytes) -> bool:
    """Whether all lines have the same colons and spaces, and no colon before the first space: a quick way to know."""
    shape = heads.translate(None, _NO_SHAPE)
    line = shape[: shape.find(b"\n") + 1]
    return b":" not in line.partition(b" ")[0] and shape == line * (len(shape) // len(line))


def by_host(text: bytes) -> Iterator[tuple[bytes | None, bytes]]:
    """Sort lines by virtual host.

    Yields:
        The host and its lines, in their order; as host empty where lines have none, and None where it takes a look at
        each line to tell.
    """
    by_head: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for line in text.removesuffix(b"\n").split(b"\n"):
        by_head[line.partition(b" ")[0]].append(line)
    others: list[bytes] = []
    for head, lines in by_head.items():
        if not is_host(head):
            others += lines
            continue
        together = b"\n".join(lines) + b"\n"
        has_addresses = together.startswith(head + b" - ") or b"\n" + head + b" - " in together
        yield None if has_addresses else name_of(head), together
    if others:
        yield b"", b"\n".join(others) + b"\n"
