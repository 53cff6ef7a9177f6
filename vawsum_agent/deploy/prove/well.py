"""Whether the application is well, whatever release it is: for one that was served before there were releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.clock import Deadline
from vawsum_agent.deploy.prove.ask import Question, ask_server
from vawsum_agent.deploy.prove.health import await_health

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.config.model.deploy import DeployApp
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.deploy.prove.ask import Ask

_REQUEST_S = 10.0


def prove_health(
    config: DeployApp,
    *,
    clock: Clock,
    sleep: Callable[[float], None],
    say: Callable[[str], None],
    ask: Ask = ask_server,
) -> None:
    """Prove that it is well, within ``health_timeout``. Asks only. Raises DeployError: it is not."""
    end = Deadline(clock, config.health_timeout)
    await_health(Question(config.health_url, config.health_host), end, sleep, say, ask)


def is_well(config: DeployApp, *, ask: Ask = ask_server) -> bool:
    """Whether one request to the health check succeeds now."""
    return ask(Question(config.health_url, config.health_host), _REQUEST_S).is_well
