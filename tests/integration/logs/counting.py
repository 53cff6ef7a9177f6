"""Runs the daemon so that requests are counted and nobody takes the counts (``python -m`` this, as `crashing`).

What is counted then stays in the store, where a test compares it with what was written. Like `crashing`, it wraps the
product from outside, in this process alone; with a step named, the process dies there.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sandbox.client import REPOSITORY
from tests.integration.logs.crashing import MODULES
from tests.integration.logs.crashing import main as crash
from tests.integration.logs.running import RunningAgent
from vawsum_agent.core.requests import RequestTally
from vawsum_agent.logs import component

if TYPE_CHECKING:
    from collections.abc import Iterable

DIE_LIMIT_S = 30.0
_NEVER = ("LogBatches.accept", "after", "0")


class CountingAgent(RunningAgent):
    """A daemon that counts requests."""

    def start(self) -> None:
        """Start it."""
        self.start_to_die(*_NEVER)

    def start_to_die(self, step: str, when: str, number: int | str) -> None:
        """Start one that dies at a step; see `crashing.main`."""
        command = [sys.executable, "-m", __name__, step, when, str(number), str(self.config)]
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                command, cwd=REPOSITORY, env=self._environment, stdout=output, stderr=output, start_new_session=True
            )

    def wait_dead(self) -> None:
        """Wait until it died at its step."""
        ends_at = time.monotonic() + DIE_LIMIT_S
        while self.is_running:
            assert time.monotonic() < ends_at, "it never came to that step"
            time.sleep(0.02)
        assert self.stop() == -9

    def tallies(self) -> dict[int, RequestTally]:
        """Read what is in the store, by minute; the daemon need not run."""
        merged: dict[int, RequestTally] = {}
        with closing(sqlite3.connect(f"file:{self.state_dir / 'state.db'}?mode=ro", uri=True)) as database:
            for minute_ms, body in database.execute("SELECT minute_ms, body FROM request_tally"):
                tally = RequestTally.decode(body)
                merged.setdefault(minute_ms, RequestTally(tally.source)).merge(tally)
        return merged

    def counted_requests(self) -> Counter[int]:
        """Count the requests in the store, by minute."""
        return Counter(
            {
                minute_ms: sum(counted.requests for counted in tally.hosts.values())
                for minute_ms, tally in self.tallies().items()
            }
        )


def requests_of(lines: Iterable[str]) -> Counter[int]:
    """Count lines by the minute that each one states."""
    return Counter(
        int(datetime.strptime(line.split("[")[1][:26], "%d/%b/%Y:%H:%M:%S %z").timestamp()) // 60 * 60_000
        for line in lines
    )


def main(step: str, when: str, number: str, config: str) -> None:
    """Run the daemon; it counts whatever its configuration says."""
    plain = component.LogsComponent

    def counting(*args: Any, **kwargs: Any) -> component.LogsComponent:  # noqa: ANN401 - the component's
        return plain(*args, **{**kwargs, "counts_requests": True})

    component.LogsComponent = counting  # type: ignore[assignment,misc]
    crash(MODULES, step, when, number, config)


if __name__ == "__main__":
    main(*sys.argv[1:])
