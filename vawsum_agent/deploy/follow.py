"""Follows the work of a deploy from another process: passes on what it says, and waits for its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.deploy.journal import Journal, Refusal
    from vawsum_agent.deploy.launch import Job
    from vawsum_agent.deploy.record import Record

POLL_S = 0.05
_MOST_STARTS = 3
_LAST_WORDS_S = 20.0


def followed(
    journal: Journal,
    deploy_id: str,
    start: Callable[[], Job],
    *,
    say: Callable[[str], None],
    sleep: Callable[[float], None],
) -> Record | Refusal:
    """Start the work and wait for what comes of it.

    Killed without an end, the work is started again, and goes on from its journal.

    Raises:
        DeployError: it died again and again.
    """
    lines = _Lines(journal, deploy_id, say)
    for attempt in range(_MOST_STARTS):
        if attempt:
            say("the work was killed, or could not begin: started again, it goes on from its journal")
        job = start()
        while True:
            is_alive = job.is_alive()  # asked first: what it wrote before it ended is read below
            lines.pass_on()
            outcome = _outcome(journal, deploy_id)
            if outcome is not None:
                _await_last_words(job, sleep)
                lines.pass_on()
                return outcome
            if not is_alive:
                break
            sleep(POLL_S)
    hint = f"`vawsum-agent deploy recover` ends it; why: `journalctl`, or {journal.stray_path(deploy_id)}"
    message = f"the process of deploy {deploy_id} was killed, or could not begin, {_MOST_STARTS} times"
    if journal.read(deploy_id) is not None:
        message = f"this host may be out of service: {message}"
    raise DeployError(message, hint=hint)


def _await_last_words(job: Job, sleep: Callable[[float], None]) -> None:
    """Let it tell others how it ended, before whoever asked goes on."""
    for _ in range(round(_LAST_WORDS_S / POLL_S)):
        if not job.is_alive():
            return
        sleep(POLL_S)


def _outcome(journal: Journal, deploy_id: str) -> Record | Refusal | None:
    refusal = journal.refusal(deploy_id)
    if refusal is not None:
        return refusal
    record = journal.read(deploy_id)
    return record if record is not None and record.end else None


class _Lines:
    """What a deploy says, each line once."""

    def __init__(self, journal: Journal, deploy_id: str, say: Callable[[str], None]) -> None:
        self._path = journal.log_path(deploy_id)
        self._say = say
        self._offset = 0

    def pass_on(self) -> None:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                body = file.read()
        except OSError:
            return
        whole, newline, _ = body.rpartition(b"\n")
        self._offset += len(whole) + len(newline)
        for line in whole.decode(errors="replace").splitlines():
            self._say(line)
