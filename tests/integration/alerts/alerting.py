"""The alerts in a process of their own, with a clock that is told what time it is: ``python -m …alerting``.

Each line on stdin is ``{"pass_s": 15, "statuses": [["logs", "failed", "why"]]}`` or ``{"drain_s": 5}``; each is
answered with one line about the component. Killed at any moment, it leaves behind what a crash of the daemon would.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import structlog

from vawsum_agent.alerts.component import AlertsComponent
from vawsum_agent.aws.session import connect
from vawsum_agent.aws.sns import SnsClient
from vawsum_agent.config.model import Config, NotifyConfig
from vawsum_agent.core.board import StatusBoard
from vawsum_agent.core.clock import Deadline, SystemClock
from vawsum_agent.core.component import ComponentStatus, State
from vawsum_agent.core.errors import DrainTimeout
from vawsum_agent.core.identity import Identity
from vawsum_agent.state.store import Store


class ShiftedClock(SystemClock):
    """The machine's clocks, ahead by what has been passed."""

    ahead_s = 0.0

    def now(self) -> float:
        """See `Clock.now`."""
        return super().now() + self.ahead_s

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return super().monotonic() + self.ahead_s


def main(state_dir: str, topic: str, ahead_s: str) -> None:
    """Run until stdin ends."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    clock = ShiftedClock()
    clock.ahead_s = float(ahead_s)
    board = StatusBoard()
    store = Store.open(Path(state_dir) / "state.db", clock)
    config = Config(notify=NotifyConfig(sns_topic_arn=topic))
    identity = Identity("i-test", "host", "production", "web")
    alerts = AlertsComponent(config, identity, store, SnsClient(connect(None), identity.instance_id), board, clock)
    alerts.start()
    print("{}", flush=True)  # noqa: T201 - it is up
    for line in sys.stdin:
        order = json.loads(line)
        left = ""
        clock.ahead_s += order.get("pass_s", 0)
        if "statuses" in order:
            board.post(
                clock.now(),
                [
                    ComponentStatus(name, State(state), 0.0, last_error=error)
                    for name, state, error in order["statuses"]
                ],
            )
        if "drain_s" in order:
            try:
                alerts.drain(Deadline(SystemClock(), order["drain_s"]))
            except DrainTimeout as error:
                left = error.message
        else:
            turns = alerts._turns
            while alerts._turns < turns + 2 and alerts.status().state is not State.FAILED:
                alerts._wake.set()
                time.sleep(0.002)
        status = alerts.status()
        answer = {
            "state": status.state,
            "error": status.last_error,
            "hint": status.hint,
            "left": left,
            **status.details,
        }
        print(json.dumps(answer), flush=True)  # noqa: T201 - how it answers
    alerts.stop()
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
