"""Whether the web server hands out what nobody is to see: the secrets of the release that is served."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import counted
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.prove.ask import LARGEST_BYTES, Question, ask_server
from vawsum_agent.deploy.secrets.pins import read_pins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.config.model import DeployApp
    from vawsum_agent.deploy.prove.ask import Ask, Reply
    from vawsum_agent.deploy.secrets.pins import Pin

_LIMIT_S = 5.0
_GIVEN = "given"
_DENIED = range(HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR)
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
    where = app.health_host or app.name
    ask = _until_none_comes(ask)
    answers = {path: _answer(path, pin, app, ask) for path, pin in sorted(pins.secrets.items())}
    for path, answer in answers.items():
        if answer == _GIVEN:
            what = f"the secret {printable(path)} is handed out to whoever asks for it"
            yield Finding(Severity.PROBLEM, what, where, _REMEDY)
    unknown = [(path, answer) for path, answer in answers.items() if answer not in {_GIVEN, ""}]
    for path, answer in unknown[:1]:
        what = f"whether {printable(path)} is handed out is not known: {answer}"
        yield Finding(Severity.WARNING, what, where, "have the server answer this host by itself, without a redirect")
    if not any(answers.values()):
        yield Finding(Severity.OK, f"{counted(len(answers), 'secret')}, and the web server hands out none", where)


def _until_none_comes(ask: Ask) -> Ask:
    """Ask no more once a server gave no answer: one that hangs would else be waited for at each secret."""
    failed: list[Reply] = []

    def asked(question: Question, limit_s: float) -> Reply:
        reply = failed[0] if failed else ask(question, limit_s)
        if reply.failure and not failed:
            failed.append(reply)
        return reply

    return asked


def _answer(path: str, pin: Pin, app: DeployApp, ask: Ask) -> str:
    """Ask for a file by its path, and by every end of it, for nobody told which folder is the document root.

    Returns:
        `_GIVEN`; empty: it is not handed out; or why that is not known.
    """
    server, unknown = urlsplit(app.health_url), ""
    parts = PurePosixPath(path).parts
    for start in range(len(parts)):
        url = urlunsplit((server.scheme, server.netloc, "/" + "/".join(parts[start:]), "", ""))
        reply = ask(Question(url, app.health_host), _LIMIT_S)
        if reply.is_well and pin.fits(reply.body):
            return _GIVEN
        if (reply.is_well and len(reply.body) >= LARGEST_BYTES) or not (reply.is_well or reply.status in _DENIED):
            unknown = f"{url} {reply}"
    return unknown
