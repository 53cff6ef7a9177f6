"""Asks PHP itself, several workers several times, which release they serve."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from vawsum_agent.core.clock import Deadline
from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable
from vawsum_agent.deploy.prove.witness import Expected, read_witness, why_old

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.core.clock import Clock
    from vawsum_agent.deploy.prove.ask import Ask, Question, Reply

ANSWERS = 10
TOGETHER = 5
"""Requests at a time. A worker answers one at a time, so that several are heard, also where one is always the first."""

SETTLE_S = 10.0
"""A reload command returns before its server has reloaded: for so long old answers are waited out, and no longer."""

_EVERY_S = 0.25
_PAUSE_S = 0.5
_LONGEST_REQUEST_S = 10.0
_SHORTEST_REQUEST_S = 1.0


class OldAnswer(DeployError):
    """PHP answers, and with another release, or perhaps so. Whether the application is well does not come into it."""


@dataclass(frozen=True, slots=True)
class Proven:
    """What was heard.

    Attributes:
        answers: of PHP, all of them of the release; 0 where no ``proof_url`` is set.
        workers: how many processes gave them.
    """

    answers: int
    workers: int

    def __str__(self) -> str:
        if not self.answers:
            return "healthy; nobody can say what PHP serves, since proof_url is not set"
        by = f"{self.workers} PHP {'process' if self.workers == 1 else 'processes'}"
        return f"healthy; {self.answers} answers of {by}, all of this release"


@dataclass(frozen=True, slots=True)
class _Heard:
    """What one reply tells. All three are empty for a new answer but ``pid``."""

    pid: int = 0
    old: str = ""
    away: str = ""


class Hearing:
    """Hears the workers about one release.

    Args:
        question: how they are asked.
        expected: what they have to say.
        clock: for waiting, and to compare with OPcache's times.
        ask: makes one request; several threads call it.
    """

    def __init__(self, question: Question, expected: Expected, clock: Clock, ask: Ask) -> None:
        self._question = question
        self._expected = expected
        self._clock = clock
        self._ask = ask

    def hear(self, end: Deadline, sleep: Callable[[float], None], say: Callable[[str], None]) -> Proven:
        """Wait for the first new answer, and then hear nothing but new ones.

        Raises:
            OldAnswer: an answer was old.
            DeployError: none came in time, or it is no answer of the witness's.
        """
        self._await_first(end, sleep, say)
        # Servers that are reloading have new workers before the last old one has stopped listening.
        sleep(_PAUSE_S)
        count, workers = 0, set[int]()
        with ThreadPoolExecutor(TOGETHER) as pool:
            while count < ANSWERS:
                replies = list(pool.map(lambda _: self._asked(end), range(TOGETHER)))
                heard = [self._told(reply) for reply in replies]
                for one in heard:
                    if one.old or (one.away and end.has_passed()):
                        raise self._not_proven(one)
                    if not one.away:
                        count += 1
                        workers.add(one.pid)
                if any(one.away for one in heard):
                    sleep(_EVERY_S)
        return Proven(count, len(workers))

    def _await_first(self, end: Deadline, sleep: Callable[[float], None], say: Callable[[str], None]) -> None:
        settled, told = Deadline(self._clock, min(SETTLE_S, end.remaining_s())), ""
        while True:
            heard = self._told(self._asked(end))
            problem = heard.old or heard.away
            if not problem:
                return
            if (settled if heard.old else end).has_passed():
                raise self._not_proven(heard)
            if problem != told:
                told = problem
                say(printable(f"waiting for PHP: {self._question.where}: {problem}"))
            sleep(_EVERY_S)

    def _asked(self, end: Deadline) -> Reply:
        return self._ask(self._question, max(_SHORTEST_REQUEST_S, min(_LONGEST_REQUEST_S, end.remaining_s())))

    def _told(self, reply: Reply) -> _Heard:
        if not reply.status or reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return _Heard(away=str(reply))
        witness = read_witness(reply.body) if reply.status == HTTPStatus.OK else None
        if witness is None:
            # No reload makes this another answer, so waiting would only keep the host out of service.
            what = "answered 200 with another page" if reply.status == HTTPStatus.OK else str(reply)
            message = f"no proof of what PHP serves: {self._question.where} {what}"
            raise DeployError(printable(message), hint=_hint(reply.status))
        return _Heard(pid=witness.pid, old=why_old(witness, self._expected, self._clock.now))

    def _not_proven(self, heard: _Heard) -> DeployError:
        if heard.old:
            where = f"{self._question.where} (PHP process {heard.pid})"
            message = f"{self._expected.release} is not what PHP serves: {where}: {heard.old}"
            hint = "deploy.app.reload has to reload whatever runs PHP; see docs/deploy-proof.md"
            return OldAnswer(printable(message), hint=hint)
        message = f"no proof of what PHP serves: {self._question.where} {heard.away}"
        return DeployError(printable(message), hint="is PHP running? see the web server's log")


def _hint(status: int) -> str:
    if status == HTTPStatus.FORBIDDEN:
        return "proof_url has to name 127.0.0.1, with no proxy between; see docs/deploy-proof.md"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return "redirects are not followed: exempt the path of proof_url from it"
    return "switch on etc/apache2/vawsum-release-proof.conf, and exempt its path from the front controller"
