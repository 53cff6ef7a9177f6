"""Which releases a rollback may go to: only those that served healthy on this host."""

from __future__ import annotations

import pytest

from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.fleet_release import parsed
from vawsum_agent.deploy.healthy import rollback_target, served_healthy, undoing
from vawsum_agent.deploy.machine import End
from vawsum_agent.deploy.record import WAS_HEALTHY, Record
from vawsum_agent.deploy.release_id import is_release_id

R1, R2, R3, R4 = (f"2026010{number}T000000Z-{number}" for number in range(1, 5))


def record(number: int, release: str, end: End | None, previous: str = "", *, was_healthy: bool = True) -> Record:
    """One deploy."""
    made = Record(
        deploy_id=f"20260101T00000{number}Z-00000000",
        app="web",
        kind="start",
        release=release,
        previous=previous,
        began_at=0.0,
        end=end,
    )
    made.remember(WAS_HEALTHY, was_healthy)
    return made


HISTORY = [
    record(1, R1, End.DEPLOYED),
    record(2, R2, End.DEPLOYED, R1),
    record(3, R3, End.TAKEN_BACK, R2),
    record(4, R4, End.DEPLOYED, R2),
]


def test_only_what_stayed_counts() -> None:
    """A release that was taken back never counts; the one deployed last comes first, each once."""
    assert served_healthy(HISTORY) == [R4, R2, R1]
    assert served_healthy([*HISTORY, record(5, R1, End.DEPLOYED, R4)]) == [R1, R4, R2]


def test_what_was_here_before_the_agent() -> None:
    """What the first deploy replaced counts if it was well then."""
    assert served_healthy([record(1, R2, End.TAKEN_BACK, R1)]) == [R1]
    assert served_healthy([record(1, R2, End.DEPLOYED, R1, was_healthy=False)]) == [R2]


def test_back_twice() -> None:
    """Asked twice, it goes back twice, and never to what was just left."""
    assert rollback_target(HISTORY, current=R4) == R2
    assert rollback_target([*HISTORY, record(5, R2, End.DEPLOYED, R4)], current=R2) == R1
    with pytest.raises(DeployError, match="no older release"):
        rollback_target(HISTORY, current=R1)


def test_to_a_release() -> None:
    """A release that is named must have served here, and not be the one that is served."""
    assert rollback_target(HISTORY, current=R4, wanted=R1) == R1
    with pytest.raises(DeployError, match="never served healthy"):
        rollback_target(HISTORY, current=R4, wanted=R3)
    with pytest.raises(DeployError, match="already"):
        rollback_target(HISTORY, current=R4, wanted=R4)


def test_what_undoes_one_that_was_cut_off() -> None:
    """A deploy is undone by where it came from, if that served healthy; a rollback that was cut off is meant again."""
    left = record(5, R4, None, R2)
    assert undoing(left, [*HISTORY[:3], left]) == R2
    unwell = record(5, R4, None, R3, was_healthy=False)
    assert undoing(unwell, [*HISTORY[:3], unwell]) == ""
    assert undoing(record(1, R1, None), []) == ""
    rollback = record(5, R2, None, R4)
    rollback.kind = "rollback"
    assert undoing(rollback, [*HISTORY, rollback]) == R2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "r1",
        "../r1",
        R1 + "\n",
        "\n" + R1,
        "--help",
        "$(id)",
        '"; rm -rf / #',
        R1 + "/..",
        "\u0968\u0966\u0968\u096c0101T000000Z-1",
    ],
)
def test_what_is_no_release(text: str) -> None:
    """A release's name is matched in full: nothing in it can mean anything to a shell, a path or a URL."""
    assert not is_release_id(text)
    assert is_release_id(R1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[" * 100_000,
        b"\xff",
        b'{"release": "20260101T000000Z-1"}',
        b'{"release": "../r1", "sha256": "%s"}' % (b"0" * 64),
        b'{"release": "20260101T000000Z-1", "sha256": "x"}',
    ],
)
def test_what_the_fleet_should_serve_is_anybodys_text(body: bytes) -> None:
    """Anything but a release and a SHA-256 is refused in one line."""
    with pytest.raises(DeployError):
        parsed(body)
