"""Divides lines by virtual host: usually a log has one or none, and it is enough to prove that. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from vawsum_agent.logs.requests.line import HOST, HOST_LATER, is_host, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_NO_SHAPE = bytes(sorted(set(range(256)) - set(b"\n: ")))


def may_have_one(part: bytes) -> bool:
    """Whether the first and the last line begin alike, as far as hosts go: a look that costs nothing."""
    return _head_at(part, 0) == _head_at(part, part.rfind(b"\n", 0, -1) + 1)


def _head_at(part: bytes, position: int) -> bytes:
    found = HOST.match(part, position)
    return found[1] if found else b""


def only_host(heads: bytes) -> bytes | None:
    """Find the virtual host that all lines share, empty when none of them has any; None when they differ.

    Args:
        heads: the beginnings of lines, each but the first behind a newline, and a newline at the end.
    """
    head = _head_at(heads, 0)
    if not head:
        return b"" if _are_alike_and_bare(heads) or not HOST_LATER.search(heads) else None
    later = b"\n" + head + b" "
    # Each newline but the last begins a line. The identity after it would make it a client's address.
    is_shared = heads.count(later) == heads.count(b"\n") - 1 and later + b"- " not in heads
    return name_of(head) if is_shared else None


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
