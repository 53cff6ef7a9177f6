"""The only broad ``except`` of the daemon: a bug in one part becomes that part's failure, never the daemon's."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import structlog

from vawsum_agent.core.errors import AgentError

if TYPE_CHECKING:
    from collections.abc import Callable

_log = structlog.get_logger()

T = TypeVar("T")


def contained(part: str, action: Callable[[], T]) -> T:
    """Run ``action``; what it raises beyond AgentError is logged with its trace and raised as one.

    Raises:
        AgentError: ``action`` failed, expectedly or not.
    """
    try:
        return action()
    except AgentError:
        raise
    except Exception as error:
        _log.exception("bug_contained", part=part)
        message = f"{type(error).__name__}: {error}"
        raise AgentError(message, hint="a bug in the agent: report it with the trace in its log") from error
