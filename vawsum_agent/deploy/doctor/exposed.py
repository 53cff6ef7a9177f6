"""Whether the web server hands out what nobody is to see: the secrets of the release that is served."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import counted
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.prove.ask import Question, ask_server
from vawsum_agent.deploy.secrets.pins import read_pins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.config.model import DeployApp
    from vawsum_agent.deploy.prove.ask import Ask
    from vawsum_agent.deploy.secrets.pins import Pin

_LIMIT_S = 5.0
_REMEDY = "let DocumentRoot be a folder of the release that holds no secret, or deny the file: docs/deploying.md"


def exposed(app: DeployApp, ask: Ask = ask_server) -> Iterator[Finding]:
    """Ask this host's web server for each secret, as a visitor could; what comes is compared by its hash alone."""
    folder = AppFolder(Path(app.path))
    try:
        release = folder.current_release()
        pins = read_pins(folder, release) if release else None
    except OSError:
        return  # `place` has told what is wrong with the link
    except DeployError as error:
        what = f"{error.message}: whether the web server hands secrets out is not known"
        yield Finding(Severity.WARNING, what, app.health_host or app.name, error.hint or "run this as root")
        return
    if pins is None or not pins.secrets:
        return
    given = [path for path, pin in sorted(pins.secrets.items()) if _is_given_out(path, pin, app, ask)]
    for path in given:
        what = f"the secret {printable(path)} is handed out to whoever asks for it"
        yield Finding(Severity.PROBLEM, what, app.health_host or app.name, _REMEDY)
    if not given:
        what = f"{counted(len(pins.secrets), 'secret')}, and the web server hands out none"
        yield Finding(Severity.OK, what, app.health_host or app.name)


def _is_given_out(path: str, pin: Pin, app: DeployApp, ask: Ask) -> bool:
    """Whether it is found under its path, or under the end of it: nobody told which folder is the document root."""
    server = urlsplit(app.health_url)
    parts = PurePosixPath(path).parts
    for start in range(len(parts)):
        url = urlunsplit((server.scheme, server.netloc, "/" + "/".join(parts[start:]), "", ""))
        reply = ask(Question(url, app.health_host), _LIMIT_S)
        if reply.is_well and pin.fits(reply.body):
            return True
    return False
