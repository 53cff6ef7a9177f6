"""Whose store this is. An image made of a running host takes the store along, to every instance that is made of it.

What waited to be published there is the other instance's: under a clone's name it would be false, and once for each.
Files followed and images known are left as they are: the image took those files along as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import structlog

from vawsum_agent.state.metric_spool import OTHER_INSTANCE, drop_everything
from vawsum_agent.state.notifications import drop_all_notifications
from vawsum_agent.state.request_tallies import drop_all_tallies

if TYPE_CHECKING:
    import sqlite3

    from vawsum_agent.state.store import Store

_log = structlog.get_logger()


class _Left(NamedTuple):
    """What another instance had left: its id, and how much of each kind waited."""

    owner: str
    data: int
    rounds: int
    tallies: int
    notifications: int


def claim(store: Store, instance_id: str) -> None:
    """Make the store this instance's; what another one had left to be published in it is dropped and counted.

    To be called before anything reads it.

    Args:
        store: the first claim of it drops nothing.
        instance_id: proven by instance metadata: a host name, or a name that was configured, may change on one host.

    Raises:
        StateError: it is as it was; trying again helps when the disk was full.
    """
    rows = store.read("SELECT instance_id FROM instance")
    if rows and rows[0]["instance_id"] == instance_id:
        return
    owner = rows[0]["instance_id"] if rows else None

    def take(db: sqlite3.Connection) -> _Left | None:
        db.execute("INSERT OR REPLACE INTO instance VALUES (1, ?)", (instance_id,))
        return None if owner is None else _drop(db, owner)

    # If we die before this commits, the store is the other one's still and the next start does it again.
    left = store.write(take)
    if left is not None:
        _log.warning("clone_noticed", **left._asdict())


def _drop(db: sqlite3.Connection, owner: str) -> _Left:
    data_count, round_count = drop_everything(db, OTHER_INSTANCE)
    return _Left(owner, data_count, round_count, drop_all_tallies(db), drop_all_notifications(db))
