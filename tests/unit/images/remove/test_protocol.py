"""What is said over the helper's socket."""

from __future__ import annotations

import json
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.images.fingerprint import Fingerprint
from vawsum_agent.images.remove.names import is_plain
from vawsum_agent.images.remove.protocol import (
    LARGEST_BYTES,
    MOST_REMOVALS,
    Answer,
    MalformedError,
    Request,
    batches,
    decode_answer,
    decode_request,
    receive,
    send,
)
from vawsum_agent.images.remove.removal import Outcome, Removal

NUMBERS = st.integers(0, 2**63 - 1)
REMOVALS = st.builds(
    Removal,
    st.binary(min_size=1, max_size=300).filter(is_plain),
    st.builds(Fingerprint, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS),
)
LARGEST = 2**63 - 1
LONGEST = Removal(b"\xff" * 4096, Fingerprint(LARGEST, LARGEST, LARGEST, LARGEST, LARGEST))


def over_a_socket(message: Request | Answer) -> bytes:
    """Send a message, and what arrives."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * LARGEST_BYTES)
        ends_at = time.monotonic() + 60
        send(ours, message, ends_at)
        return receive(theirs, ends_at)


def received(raw: bytes) -> bytes:
    """What arrives when these bytes are sent and the connection is closed."""
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.sendall(raw)
        return receive(theirs, time.monotonic() + 60)


@given(st.lists(REMOVALS, max_size=5), st.sampled_from(["remove", "recover"]))
def test_requests_arrive_as_sent(removals: list[Removal], action: str) -> None:
    """Paths of any bytes and fingerprints to the nanosecond arrive as they were."""
    request = Request(action=action, folder="app", path="/var/www/up\N{SNOWMAN}", removals=removals)  # type: ignore[arg-type]
    assert decode_request(over_a_socket(request)) == request


def test_answers_arrive_as_sent() -> None:
    """Each outcome arrives, and so does a reason with its hint."""
    for answer in (Answer(outcomes=list(Outcome), put_back_count=3), Answer(error="no", hint="try")):
        assert decode_answer(over_a_socket(answer)) == answer


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_understood(content: bytes) -> None:
    """Whatever is sent is a request or `MalformedError`, never anything else."""
    for attempt in (lambda: decode_request(content), lambda: received(content)):
        try:
            attempt()
        except MalformedError:
            continue


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"action": "delete"},
        {"more": 1},
        {"folder": 7},
        {"removals": [{"path": "Li4vYQ==", "fingerprint": [1, 2, 3, 4, 5]}]},
        {"removals": [{"path": "***"}]},
        {"removals": "all"},
        {"path": "a" * 5000},
    ],
)
def test_what_is_no_request(change: dict[str, object]) -> None:
    """Another version, an unknown action or key, a value of another kind: none is guessed at."""
    whole: dict[str, object] = {"version": 1, "action": "remove", "folder": "app", "path": "/up", "removals": []}
    decode_request(json.dumps(whole).encode())
    with pytest.raises(MalformedError):
        decode_request(json.dumps(whole | change).encode())


@pytest.mark.parametrize("path", [b"../a", b"/etc/passwd", b"a//b", b".vawsum-quarantine/fa", b""])
def test_paths_are_checked_again(path: bytes) -> None:
    """The helper takes no path that is not below the folder, whoever has checked it before."""
    request = Request(action="remove", folder="app", path="/up", removals=[Removal(path, LONGEST.fingerprint)])
    with pytest.raises(MalformedError, match="not below the folder"):
        decode_request(over_a_socket(request))


def test_too_long() -> None:
    """A length beyond the limit is refused before anything of that length is read or kept."""
    with pytest.raises(MalformedError, match="1048577 bytes"):
        received((LARGEST_BYTES + 1).to_bytes(4, "big"))


def test_cut_off() -> None:
    """A message that ends in its midst is none; a connection that closes without one is no error."""
    for raw in (b"\0", b"\0\0\0\x09", b"\0\0\0\x09half"):
        with pytest.raises(MalformedError):
            received(raw)
    assert received(b"") == b""


def test_a_peer_that_says_nothing() -> None:
    """Whoever connects and stays silent, or sends a byte now and then, is waited for until a fixed moment."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.send(b"\0")
        with pytest.raises(TimeoutError):
            receive(theirs, time.monotonic() + 0.05)


@pytest.mark.parametrize("path", [b"a", b"\xff" * 4096])
def test_batches_fit(path: bytes) -> None:
    """However many files there are and however long their paths, each request fits, and none is left out."""
    removals = [Removal(path, LONGEST.fingerprint)] * 1000
    parts = batches(removals)
    assert [removal for part in parts for removal in part] == removals
    for part in parts:
        assert len(part) <= MOST_REMOVALS
        content = over_a_socket(Request(action="remove", folder="a" * 4096, path="\N{SNOWMAN}" * 4096, removals=part))
        assert len(decode_request(content).removals) == len(part)
    assert batches([]) == []
