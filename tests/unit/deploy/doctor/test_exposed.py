"""Secrets that the web server hands out are found by their hash, wherever the document root is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.unit.deploy.watching.records import OLD, Host
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.deploy.doctor.exposed import exposed
from vawsum_agent.deploy.prove.ask import LARGEST_BYTES, Question, Reply
from vawsum_agent.deploy.secrets.pins import Pins, pin, write_pins

if TYPE_CHECKING:
    from pathlib import Path

KEY = b"key-4f2a91c08d\n"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """An application that serves a release with two secrets."""
    host = Host(tmp_path / "web")
    host.app = replace(host.app, health_url="http://127.0.0.1:8080/healthz?full", health_host="app.example.com")
    host.folder.release(OLD).mkdir(parents=True)
    host.folder.current.symlink_to(f"releases/{OLD}")
    secrets = {".env": pin("1", b"DB_PASSWORD=x\n"), "public/config/api.key": pin("1", KEY)}
    write_pins(host.folder, OLD, Pins(folder="s3://secrets/web/", secrets=secrets))
    return host


def found(host: Host, pages: dict[str, Reply]) -> list[Finding]:
    """What is found where a server has these pages, and 404 for all others."""

    def ask(question: Question, limit_s: float) -> Reply:
        assert (question.host, limit_s > 0) == ("app.example.com", True)
        return pages.get(question.url.removeprefix("http://127.0.0.1:8080"), Reply(404))

    return list(exposed(host.app, ask))


def test_none_is_handed_out(host: Host) -> None:
    """A front controller answers whatever it is asked; that is no secret."""
    (finding,) = found(host, {"/.env": Reply(200, b"<html>"), "/api.key": Reply(403, KEY)})
    assert (finding.severity, finding.what) == (Severity.OK, "2 secrets, and the web server hands out none")


@pytest.mark.parametrize(
    "reply", [Reply(301), Reply(503), Reply(failure="refused the connection"), Reply(200, b"x" * LARGEST_BYTES)]
)
def test_no_answer_is_no_all_clear(host: Host, reply: Reply) -> None:
    """A server that is away, redirects, or gives more than is read, may hand it out to others all the same."""
    (finding,) = found(host, {"/.env": reply})
    assert (finding.severity, "whether .env is handed out is not known" in finding.what) == (Severity.WARNING, True)


def test_a_server_that_hangs_is_waited_for_once(host: Host) -> None:
    """However many secrets there are, and folders that they may lie in."""
    asked = []

    def ask(question: Question, limit_s: float) -> Reply:
        asked.append((question, limit_s))
        return Reply(failure="gave no answer in 5 s")

    (finding,) = exposed(host.app, ask)
    assert (finding.severity, len(asked)) == (Severity.WARNING, 1)


@pytest.mark.parametrize("url", ["/public/config/api.key", "/config/api.key", "/api.key"])
def test_one_is_handed_out(host: Host, url: str) -> None:
    """Below the release, or below any folder of it that is the document root."""
    (finding,) = found(host, {url: Reply(200, KEY)})
    assert finding.severity is Severity.PROBLEM
    assert finding.what == "the secret public/config/api.key is handed out to whoever asks for it"


def test_nothing_to_say(host: Host) -> None:
    """Without secrets or a release there is nothing to find; what is wrong with `current`, others tell."""
    pins = host.folder.journal / "secrets" / f"{OLD}.json"
    pins.write_text("{}")
    (finding,) = found(host, {})
    assert (finding.severity, "is not known" in finding.what) == (Severity.WARNING, True)
    pins.unlink()
    assert found(host, {}) == []
    host.folder.current.unlink()
    assert found(host, {}) == []
    host.folder.current.mkdir()
    assert found(host, {}) == []
