"""How long S3 is asked again."""

from __future__ import annotations

import pytest

from vawsum_agent.core.errors import AccessDenied, AwsError, Rejected, Throttled, Unavailable
from vawsum_agent.deploy.publish.tries import Tries


class Time:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self.at = 0.0
        self.said: list[str] = []

    def now(self) -> float:
        """See `Clock.now`."""
        return self.at

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.at += seconds

    def tries(self) -> Tries:
        """Make them."""
        return Tries(self, self.sleep, self.said.append)


def test_what_may_work_later_is_called_again() -> None:
    """Until it works; why it takes long is said once."""
    time = Time()
    answers: list[AwsError | None] = [Throttled("too fast"), Unavailable("away"), None]

    def action() -> str:
        answer = answers.pop(0)
        if answer is not None:
            raise answer
        return "done"

    assert time.tries().call(action) == "done"
    assert time.said == ["trying again: too fast"]
    assert 0 < time.at < 5


@pytest.mark.parametrize("error", [AccessDenied("no"), Rejected("nonsense")])
def test_what_will_not_is_told_at_once(error: AwsError) -> None:
    """Somebody waits for the answer."""
    time = Time()

    def action() -> None:
        raise error

    with pytest.raises(type(error)):
        time.tries().call(action)
    assert time.at == 0


def test_patience_ends_after_five_minutes() -> None:
    """With the last error."""
    time = Time()

    def action() -> None:
        raise Unavailable(f"away at {time.at:.0f}")

    with pytest.raises(Unavailable):
        time.tries().call(action)
    assert 270 < time.at <= 300
