"""Looks at the board, decides, and puts what is to be told into the outbox. Sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec
import structlog

from vawsum_agent.alerts.decide import Look, decide
from vawsum_agent.alerts.memory import CALM, Memory
from vawsum_agent.alerts.pace import AT_REST, Letter, Pace, admit
from vawsum_agent.state.notifications import Draft

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vawsum_agent.alerts.message import Writer
    from vawsum_agent.alerts.outbox import Outbox
    from vawsum_agent.core.board import Posted, StatusBoard
    from vawsum_agent.core.clock import Clock

_log = structlog.get_logger()

T = TypeVar("T")

_PACE = ""
"""Where the store keeps the pace of all: no component has this name."""


class Watch:
    """Owned by one thread.

    Args:
        own_name: the component that is not looked at: it could tell of its own trouble only by what is in trouble.
        memories: what an earlier process left.
        writer: asked anew for each look, since the host's group may become known later.
    """

    def __init__(
        self,
        own_name: str,
        board: StatusBoard,
        outbox: Outbox,
        memories: Mapping[str, bytes],
        writer: Callable[[], Writer],
        clock: Clock,
    ) -> None:
        self._own_name = own_name
        self._board = board
        self._outbox = outbox
        self._writer = writer
        self._clock = clock
        self._pace = _restored(memories.get(_PACE), Pace, AT_REST)
        restored = {name: _restored(body, Memory, CALM) for name, body in memories.items() if name != _PACE}
        self._memories = {name: memory for name, memory in restored.items() if memory != CALM}
        # What is on the board already is of the components that went before.
        self._seen = board.latest()
        self._looked: float | None = None

    def look(self) -> None:
        """Take a look when something new is posted."""
        posted = self._board.latest()
        if posted is self._seen:
            return
        self._seen = posted
        now = self._clock.monotonic()
        elapsed_s = None if self._looked is None else now - self._looked
        self._looked = now
        self._decide(posted, Look(posted.at, elapsed_s))

    def _decide(self, posted: Posted, look: Look) -> None:
        writer = self._writer()
        statuses = {status.name: status for status in posted.statuses if status.name != self._own_name}
        changed: dict[str, bytes | None] = {}
        letters: list[Letter] = []
        for name in dict.fromkeys([*statuses, *self._memories]):
            before = self._memories.get(name, CALM)
            memory, verdict = decide(before, statuses.get(name), look)
            if verdict is not None:
                letters.append(letter := writer.about(name, verdict, statuses.get(name), look.at))
                _log.info("notification_decided", component=name, kind=verdict.kind.value, subject=letter.subject)
            if memory != before:
                changed[name] = self._remember(name, memory)
        drafts = self._paced(letters, look, writer, changed)
        if changed or drafts:
            self._outbox.record(changed, drafts)

    def _remember(self, name: str, memory: Memory) -> bytes | None:
        if memory == CALM:
            self._memories.pop(name, None)
            return None
        self._memories[name] = memory
        return msgspec.json.encode(memory)

    def _paced(
        self, letters: list[Letter], look: Look, writer: Writer, changed: dict[str, bytes | None]
    ) -> list[Draft]:
        pace, admitted = admit(self._pace, letters, look.step_s)
        if pace != self._pace:
            changed[_PACE] = None if pace == AT_REST else msgspec.json.encode(pace)
        self._pace = pace
        going = list(admitted.letters)
        if admitted.together:
            going.append(writer.together(admitted.together, admitted.left_out, look.at))
        return [Draft(letter.at, letter.subject, letter.body) for letter in going]


def _restored(body: bytes | None, kind: type[T], otherwise: T) -> T:
    if body is None:
        return otherwise
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as exc:
        # The worst that comes of it: somebody is told once more what they know.
        _log.warning("alert_memory_unreadable", error=str(exc))
        return otherwise
