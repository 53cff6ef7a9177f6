"""A host's alerts, driven turn by turn, over a real store; may crash and come back."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.unit.alerts.looking import TOPIC, HandClock, Inbox, status
from vawsum_agent.alerts.message import Writer
from vawsum_agent.alerts.outbox import Outbox
from vawsum_agent.alerts.send import Sender
from vawsum_agent.alerts.watch import Watch
from vawsum_agent.core.board import StatusBoard
from vawsum_agent.core.identity import Identity
from vawsum_agent.state.notifications import Notifications
from vawsum_agent.state.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.core.component import ComponentStatus

LOOK_S = 15


class Host:
    """Looks every 15 seconds and sends once a second, as the component's thread does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = HandClock()
        self.sns = Inbox()
        self.board = StatusBoard()
        self.begin()

    def begin(self) -> None:
        """Start, or start again after a crash or in a reload: nothing was closed, and the board may hold a post."""
        self.store = Store.open(self.folder / "state.db", self.clock)
        self.rows = Notifications(self.store)
        self.outbox = Outbox(self.rows)
        writer = Writer(Identity("i-0abc", "h", "production", "web"))
        self.watch = Watch("alerts", self.board, self.outbox, self.rows.memories(), lambda: writer, self.clock)
        self.sender = Sender(self.sns, TOPIC, self.outbox, lambda: writer, self.clock, random.Random(7))

    def look(self, *statuses: ComponentStatus, sends: bool = True) -> None:
        """Let a look's time pass, post these, look, and send."""
        for _ in range(LOOK_S):
            self.clock.pass_s(1.0)
            if sends:
                self.send()
        self.board.post(self.clock.now(), statuses)
        self.watch.look()
        if sends:
            self.send()

    def looks(self, states: str, name: str = "logs", *, sends: bool = True) -> None:
        """Look once for each letter: r(unning), d(egraded), f(ailed), s(tarting)."""
        words = {"r": "running", "d": "degraded", "f": "failed", "s": "starting"}
        for letter in states:
            self.look(status(words[letter], None if letter == "r" else "why", name=name), sends=sends)

    def send(self) -> None:
        """Send until the sender waits."""
        while self.sender.turn():
            pass

    def labels(self) -> list[str]:
        """The first words of what arrived."""
        return [subject.partition("]")[0].strip("[") for subject in self.sns.subjects()]
