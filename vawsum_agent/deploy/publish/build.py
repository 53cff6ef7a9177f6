"""The build command: whatever makes an application of a work copy, such as Composer. It runs as we do.

Its environment is ours, and:

    VAWSUM_APP           the name of the application
    VAWSUM_COMMIT        the whole id of the commit; empty where there is none
    SOURCE_DATE_EPOCH    the time that all files will have in the archive (reproducible-builds.org)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.publish.child import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vawsum_agent.deploy.publish.work_copy import WorkCopy

_SHELL = "/bin/sh"


@dataclass(frozen=True, slots=True)
class Build:
    """A command line for the shell.

    Attributes:
        output: descriptor that takes what it prints, be it to stdout or stderr.
    """

    command: str
    output: int = 2


def build(what: Build, copy: WorkCopy, app: str, mtime: int, environ: Mapping[str, str]) -> None:
    """Run a build command in a work copy, to its end; what it leaves running is ended with it.

    Args:
        what: to run.
        copy: in which.
        app: the name of the application.
        mtime: of all files in the archive.
        environ: of this process.

    Raises:
        DeployError: it failed. The command itself is not quoted: it may hold a token.
    """
    more = {"VAWSUM_APP": app, "VAWSUM_COMMIT": copy.commit, "SOURCE_DATE_EPOCH": str(mtime)}
    code = run([_SHELL, "-c", what.command], copy.folder, {**environ, **more}, what.output, what.output)
    if code:
        how = f"ended with exit code {code}" if code > 0 else f"was ended by signal {-code}"
        raise DeployError(f"the build command {how}", hint="nothing was published; what it said stands above")
