"""What is remembered of a component's trouble between two looks, and across restarts. Data only."""

from __future__ import annotations

import msgspec

from vawsum_agent.core.component import Problem, State


class Trouble(msgspec.Struct, frozen=True):
    """A time of not being well, as it was observed.

    Attributes:
        began_at: wall time of the first look that found it; for telling, never for deciding.
        state, problems: as of the last look that found it bad; the problems that are told, what is news first.
        more: how many problems there were beside these.
        bad_s: observed time, from bad look to bad look.
        lasted_s: the same for telling: it also holds what passed while nobody looked (the daemon was down).
        failed_looks: how many in a row found it failed.
    """

    began_at: float
    state: State
    problems: tuple[Problem, ...] = ()
    more: int = 0
    bad_s: float = 0.0
    lasted_s: float = 0.0
    failed_looks: int = 0


class Told(msgspec.Struct, frozen=True):
    """What people know of the trouble; kinds are those of `news.kinds_of`.

    Attributes:
        kinds: what the last message named.
        known: what any message of this trouble named.
        has_failed: whether one of them said that it failed.
        silent_s: observed time since the last message.
        updates: how many came after the first.
        untold_s: by kind, what is there and the last message did not name: the observed time it has been there.
    """

    kinds: tuple[str, ...]
    known: tuple[str, ...]
    has_failed: bool
    silent_s: float = 0.0
    updates: int = 0
    untold_s: dict[str, float] = {}


class Memory(msgspec.Struct, frozen=True):
    """All of it; `CALM` when there is nothing to remember.

    Attributes:
        looked_at: wall time of the last look.
        trouble: None while the component is well.
        told: None as long as nobody was told of the trouble; never without a trouble.
        well_s: observed time of running without interruption since the trouble was told; None when it does not run.
        gone_s: observed time of not being there at all, likewise.
        quiet_s: observed time since a recovery was told; None when that is long enough ago.
    """

    looked_at: float = 0.0
    trouble: Trouble | None = None
    told: Told | None = None
    well_s: float | None = None
    gone_s: float | None = None
    quiet_s: float | None = None


CALM = Memory()
