"""Whether the application is well: by its own health check, asked as the load balancer does, but here."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.core.clock import Deadline
    from vawsum_agent.deploy.prove.ask import Ask, Question, Reply

IN_A_ROW = 3
EVERY_S = 0.5
_LONGEST_REQUEST_S = 10.0
_SHORTEST_REQUEST_S = 1.0


def await_health(
    question: Question, end: Deadline, sleep: Callable[[float], None], say: Callable[[str], None], ask: Ask
) -> None:
    """Wait until the check succeeds, and then see it succeed thrice in a row.

    It may fail for as long as it likes before its first success: an application that starts is not well yet. One that
    fails after a success would be taken out of service by the load balancer again, or hurts one visitor in some: it
    fails at once.

    Raises:
        DeployError: it did not become well in time, or flapped.
    """
    successes, told = 0, ""
    while True:
        reply = ask(question, max(_SHORTEST_REQUEST_S, min(_LONGEST_REQUEST_S, end.remaining_s())))
        if reply.is_well:
            successes += 1
            if successes == IN_A_ROW:
                return
        elif successes:
            message = f"the health check flaps: {question.where} was well, and then {reply}"
            raise DeployError(
                printable(message), hint="it has to answer 2xx thrice in a row; see the application's log"
            )
        elif end.has_passed():
            message = f"not healthy in time: {question.where} {reply}"
            raise DeployError(printable(message), hint=_hint(reply))
        elif str(reply) != told:
            told = str(reply)
            say(printable(f"waiting for health: {question.where} {reply}"))
        sleep(EVERY_S)


def _hint(reply: Reply) -> str:
    if HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST:
        return "redirects are not followed: exempt the path of health_url, or set health_host to the application's name"
    if reply.status == HTTPStatus.NOT_FOUND:
        return "does health_host name the application's virtual host?"
    if not reply.status:
        return "is the web server running, and does it listen there?"
    return "see the application's log and the web server's"
