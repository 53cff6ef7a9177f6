"""Does not give up a deploy that has begun: its host may be out of service, and nobody else may come by for long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AgentError, BusyError, DeployError
from vawsum_agent.deploy.engine import Unended

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.deploy.journal import Journal
    from vawsum_agent.deploy.record import Record

PAUSES_S = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 60.0, 60.0)
"""Between attempts: some four minutes in all."""

BUSY_S = 2.0


def carried_through(
    journal: Journal,
    deploy_id: str,
    attempt: Callable[[], Record],
    *,
    say: Callable[[str], None],
    sleep: Callable[[float], None],
) -> Record:
    """Carry out a deploy. Where it has begun, as before a crash, and can't be gone on with now, try again and again.

    AWS or instance metadata may not answer just then. Whoever holds the lock finishes this deploy, or takes it back,
    before anything else: that is waited for, however long it takes.

    Args:
        journal: has its record once it has begun.
        deploy_id: which one.
        attempt: carries it out, or goes on with it.
        say: is told why it waits.
        sleep: waits.

    Raises:
        AgentError: it did not begin; or it has come as far as it can, and where that is stands in the error.
    """
    pauses, told = iter(PAUSES_S), ""
    while True:
        try:
            return attempt()
        except Unended:
            raise
        except AgentError as error:
            record = journal.read(deploy_id)
            if record is None:
                raise
            if record.end is not None:
                return record  # by somebody else's hand
            is_busy = isinstance(error, BusyError)
            pause_s = BUSY_S if is_busy else next(pauses, None)
            if pause_s is None:
                raise _given_up(deploy_id, error) from error
            text = f"{error.message}: it is waited for" if is_busy else f"not now: {error}: again in {pause_s:.0f} s"
        if text != told:
            say(text)
            told = text
        sleep(pause_s)


def _given_up(deploy_id: str, error: AgentError) -> DeployError:
    first = f"{error.hint}; then " if error.hint else ""
    return DeployError(
        f"this host may be out of service: deploy {deploy_id} had begun, and can't be gone on with: {error.message}",
        hint=f"{first}`vawsum-agent deploy recover` finishes it or takes it back",
    )
