"""Whether the application answers on this host as a deploy will ask it."""

from __future__ import annotations

import ipaddress
import os
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.prove.ask import Question, ask_server
from vawsum_agent.deploy.prove.witness import read_witness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.config.model import DeployApp
    from vawsum_agent.deploy.prove.ask import Ask, Reply

_LIMIT_S = 10.0
_PROOF = "docs/deploy-proof.md"


def health(app: DeployApp, ask: Ask = ask_server) -> Iterator[Finding]:
    """Ask the health check once."""
    question = Question(app.health_url, app.health_host)
    if not _is_loopback(app.health_url):
        what = "health_url does not name 127.0.0.1: it may well be another host, or a load balancer, that answers"
        yield Finding(Severity.WARNING, what, question.where, "name 127.0.0.1, and the application in health_host")
    reply = ask(question, _LIMIT_S)
    if reply.is_well:
        yield Finding(Severity.OK, f"the health check {reply}", question.where)
    elif not os.path.lexists(AppFolder(Path(app.path)).current):
        what = f"the health check {reply}; no release is here yet"
        yield Finding(Severity.WARNING, what, question.where, "look again after the first deploy")
    else:
        what = f"the health check {reply}: a release that answers so is taken back"
        yield Finding(Severity.PROBLEM, what, question.where, _remedy(reply, app))


def proof(app: DeployApp, ask: Ask = ask_server) -> Iterator[Finding]:
    """Ask PHP once which release it serves."""
    if not app.proof_url:
        what = "proof_url is not set: nobody can say which release PHP really serves"
        yield Finding(Severity.WARNING, what, f"proof of {app.name}", f"switch it on: {_PROOF}")
        return
    question = Question(app.proof_url, app.health_host)
    folder = AppFolder(Path(app.path))
    reply = ask(question, _LIMIT_S)
    witness = read_witness(reply.body) if reply.status == HTTPStatus.OK else None
    if witness is None:
        said = "answers with another page" if reply.status == HTTPStatus.OK else str(reply)
        what = f"no proof of what PHP serves: it {said}"
        yield Finding(Severity.PROBLEM, what, question.where, f"{_remedy(reply, app)}; see {_PROOF}")
        return
    served = witness.release(PurePosixPath(folder.releases.resolve()))
    current = _current(folder)
    if served == current:
        told = "no release of ours yet" if served is None else served
        yield Finding(Severity.OK, f"PHP serves {told}", question.where)
        return
    what = f"PHP serves {served or 'no release of ours'}, while current points to {current or 'none'}"
    yield Finding(Severity.PROBLEM, what, question.where, f"reload PHP: {'; '.join(app.reload) or 'restart it'}")


def _current(folder: AppFolder) -> str | None:
    try:
        return folder.current_release()
    except OSError:
        return None


def _is_loopback(url: str) -> bool:
    name = urlsplit(url).hostname or ""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _remedy(reply: Reply, app: DeployApp) -> str:
    if not reply.status:
        return "is the web server running, and does it listen there?"
    if HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST:
        return "redirects are not followed: exempt this path, or set health_host to the application's name"
    if reply.status == HTTPStatus.FORBIDDEN:
        return "let this host in: Require local"
    if reply.status == HTTPStatus.NOT_FOUND:
        named = f"{app.health_host} name" if app.health_host else "health_host, which is not set, need to name"
        return f"is the path right, and does {named} the application's virtual host?"
    return "see the application's log and the web server's"
