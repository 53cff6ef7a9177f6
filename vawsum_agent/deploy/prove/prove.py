"""Asks this host's own web server until there is no doubt which release it serves, and that it is well.

First PHP, then health: what answers the health check is then known to be the new release. Nothing is changed by asking.
"""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from vawsum_agent.core.clock import Deadline
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.prove.ask import Question, ask_server
from vawsum_agent.deploy.prove.health import await_health
from vawsum_agent.deploy.prove.hearing import Hearing, Proven
from vawsum_agent.deploy.prove.witness import Expected, read_witness
from vawsum_agent.deploy.release_id import checked_release_id
from vawsum_agent.deploy.switch import switched_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.config.model.deploy import DeployApp
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.deploy.prove.ask import Ask

_REQUEST_S = 10.0


def prove(
    config: DeployApp,
    release: str,
    *,
    clock: Clock,
    sleep: Callable[[float], None],
    say: Callable[[str], None],
    ask: Ask = ask_server,
) -> Proven:
    """Prove that a release is served, and well, within ``health_timeout``. Asks only, so it is safe to call again.

    - PHP: old answers are waited out for a while, until the first new one comes. From then on one old answer fails.
    - Health: waited for; from the first success on one failure fails, and three in a row are enough.

    Args:
        config: of the application.
        release: that ``current`` leads to by now, and that was reloaded.
        clock: for the deadline, and to compare with OPcache's times.
        sleep: waits between requests.
        say: is told what is waited for.
        ask: makes one request; several threads call it.

    Raises:
        OldAnswer: PHP serves another release.
        DeployError: it is not proven. One line says what was answered last.
    """
    end = Deadline(clock, config.health_timeout)
    proven = Proven(answers=0, workers=0)
    if config.proof_url:
        since = switched_at(AppFolder(Path(config.path))) or 0.0
        expected = Expected(_releases(config), checked_release_id(release), since)
        hearing = Hearing(Question(config.proof_url, config.health_host), expected, clock, ask)
        proven = hearing.hear(end, sleep, say)
    await_health(Question(config.health_url, config.health_host), end, sleep, say, ask)
    return proven


def served_release(config: DeployApp, *, ask: Ask = ask_server) -> str | None:
    """Tell which release PHP says it serves, by one request; None where it does not say, or no ``proof_url`` is set."""
    if not config.proof_url:
        return None
    reply = ask(Question(config.proof_url, config.health_host), _REQUEST_S)
    witness = read_witness(reply.body) if reply.status == HTTPStatus.OK else None
    return None if witness is None else witness.release(_releases(config))


def _releases(config: DeployApp) -> PurePosixPath:
    """The folder as PHP tells of it, which resolves every link on the way."""
    return PurePosixPath(AppFolder(Path(config.path)).releases.resolve())
