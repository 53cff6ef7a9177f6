"""The outbox as the alerts see it: in the store, and in memory for as long as the store can't be written.

That people are told matters most when the disk is broken. What a crash then loses of both decision and message, the
next start decides again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from vawsum_agent.core.errors import StateError
from vawsum_agent.state.notifications import MOST_WAITING, Draft, Waiting

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from vawsum_agent.state.notifications import Notifications

_log = structlog.get_logger()


class Outbox:
    """Owned by one thread; the counts may be read by any.

    Attributes:
        waiting, sent, folded, dropped: counts as of the last call.
    """

    def __init__(self, notifications: Notifications) -> None:
        self._rows = notifications
        self._memories: dict[str, bytes | None] = {}
        self._unsaved: list[Waiting] = []
        self._lowest_id = 0
        self._sent: dict[int, Waiting] = {}
        self._is_failing = False
        self.waiting = self.sent = self.folded = self.dropped = 0

    def record(self, memories: Mapping[str, bytes | None], drafts: Sequence[Draft]) -> None:
        """Remember decisions and keep what is to be told; together in the store, now or once it can be written."""
        self._memories.update(memories)
        for draft in drafts:
            self._lowest_id -= 1
            self._unsaved.append(Waiting(self._lowest_id, draft.created_at, draft.subject, draft.body, 0))
        surplus = max(0, len(self._unsaved) - MOST_WAITING)
        if surplus:
            del self._unsaved[:surplus]
            _log.warning("notifications_folded", count=surplus)
        self.save()

    def save(self) -> None:
        """Write what the store does not have yet; does nothing when it has all."""
        try:
            for waiting in list(self._sent.values()):
                self._rows.sent(waiting)
                del self._sent[waiting.notification_id]
            if self._memories or self._unsaved:
                drafts = [Draft(waiting.created_at, waiting.subject, waiting.body) for waiting in self._unsaved]
                folded = self._rows.record(self._memories, drafts)
                self._memories, self._unsaved = {}, []
                if folded:
                    _log.warning("notifications_folded", count=folded)
            self._is_failing = False
        except StateError as error:
            self._say_failing(error)

    def next(self, but: Collection[int] = ()) -> Waiting | None:
        """Give the oldest that waits, leaving out some; None when there is none."""
        skipped = {*but, *self._sent}
        found: list[Waiting] = []
        try:
            found = self._rows.pending(1, skipped)
            self.waiting = self._rows.waiting_count() + len(self._unsaved) - len(self._sent)
            self.sent, self.folded = self._rows.sent_count() + len(self._sent), self._rows.folded_count()
            self.dropped = self._rows.dropped_count()
        except StateError as error:
            self.waiting = len(self._unsaved)
            self._say_failing(error)
        found += [waiting for waiting in self._unsaved if waiting.notification_id not in skipped]
        return found[0] if found else None

    def begin(self, waiting: Waiting) -> None:
        """Note that one is about to be sent."""
        try:
            if waiting.notification_id >= 0:
                self._rows.tried(waiting.notification_id)
        except StateError as error:
            self._say_failing(error)

    def settle(self, waiting: Waiting) -> None:
        """Take one out that was sent. Where the store can't be written now, it is not sent again by this process."""
        if waiting.notification_id < 0:
            self._unsaved = [other for other in self._unsaved if other.notification_id != waiting.notification_id]
            return
        self._sent[waiting.notification_id] = waiting
        self.save()

    def _say_failing(self, error: StateError) -> None:
        if not self._is_failing:
            _log.error("notifications_not_kept", error=error.message, hint=error.hint)
        self._is_failing = True
