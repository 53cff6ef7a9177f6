"""Whether root alone decides what lies below an application's path, what ``current`` is, and what the journal tells."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.core.clock import rfc3339
from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.text import printable
from vawsum_agent.deploy.copies import COPIES
from vawsum_agent.deploy.glance import Glance, journal_folder
from vawsum_agent.deploy.health import Look, problems
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.standing import standing
from vawsum_agent.deploy.switch import link_of
from vawsum_agent.deploy.trust import see_that_it_is_own
from vawsum_agent.deploy.worker import is_worked_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.config.model import DeployApp


def place(app: DeployApp, now: float) -> Iterator[Finding]:
    """Look at one application; ``now`` in seconds since the epoch."""
    folder = AppFolder(Path(app.path))
    found = _owned(folder)
    yield found
    if os.path.lexists(folder.path) and found.severity is Severity.OK:
        yield _current(folder)
        yield from _journal(app, folder, now)


def _owned(folder: AppFolder) -> Finding:
    """See whose it is, as a deploy does, which makes what is missing; here nothing is made."""
    wanted = (folder.path, folder.releases, folder.secrets, folder.journal, journal_folder(folder))
    there = [path for path in wanted if os.path.lexists(path)]
    try:
        for path in there or [next(path for path in folder.path.parents if os.path.lexists(path))]:
            see_that_it_is_own(path)
    except DeployError as error:
        return Finding(Severity.PROBLEM, f"{error.message}: every deploy is refused", str(folder.path), error.hint)
    if not there:
        return Finding(Severity.OK, "does not exist yet; the first deploy makes it", str(folder.path))
    return Finding(Severity.OK, "nobody but root, or who deploys, can replace anything in it", str(folder.path))


def _current(folder: AppFolder) -> Finding:
    where = str(folder.current)
    try:
        link = link_of(folder)
        release = folder.current_release()
    except (DeployError, OSError) as error:
        hint = error.hint if isinstance(error, DeployError) else "run this as root"
        return Finding(Severity.PROBLEM, str(getattr(error, "message", error)), where, hint)
    if link is None:
        return Finding(Severity.OK, "is not there yet: no release was deployed", where)
    if release is None:
        what = f"points to {printable(link)}, no release of ours: the first replaces it, and puts it back if it fails"
        return Finding(Severity.OK, what, where)
    if not folder.release(release).is_dir():
        remedy = "deploy one: vawsum-agent deploy start, or converge"
        return Finding(Severity.PROBLEM, f"points to {release}, which is not there", where, remedy)
    return Finding(Severity.OK, f"points to {release}", where)


def _journal(app: DeployApp, folder: AppFolder, now: float) -> Iterator[Finding]:
    where, copies = f"deploys of {app.name}", COPIES / app.name
    try:
        found = standing(Glance(folder, copies).look(), None)
    except DeployError as error:
        yield Finding(Severity.PROBLEM, error.message, where, error.hint)
        return
    is_busy = found.unfinished is not None and is_worked_on(folder, copies)
    look = Look(app=app, standing=found, is_worked_on=is_busy)
    wrong = problems(look, now)
    for problem in wrong:
        yield Finding(Severity.PROBLEM, problem.what, where, problem.hint)
    if wrong:
        return
    if look.running is not None:
        yield Finding(Severity.OK, f"{look.running.release} is being deployed", where)
    elif found.latest is None:
        yield Finding(Severity.OK, "none yet", where)
    elif found.latest.ended_at is not None:
        ended = f"{rfc3339(found.latest.ended_at)[:19]}Z"
        yield Finding(Severity.OK, f"the last one, {found.latest.release}, was {found.latest.end} at {ended}", where)
