"""One release on one host: drained, switched, proven, back, by the command; and whatever fails is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.host.fleet import PAGES
from tests.integration.deploy.deploying import FIRST, SECOND, THIRD, DeployHost, publish, wait_until
from vawsum_agent.deploy.machine import End

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox

BROKEN = {name: text for name, text in PAGES.items() if name != "healthz"}


def targets(aws: Sandbox) -> list[tuple[str, int, str]]:
    """What is registered, and how."""
    return sorted((row["instance_id"], row["port"], row["state"]) for row in aws.targets("web"))


def test_a_good_release(aws: Sandbox, balanced: list[DeployHost]) -> None:
    """It is served by PHP, this host is back exactly where it was, and all of it is told in the document."""
    host, before = balanced[0], targets(aws)
    ended = host.deploy(SECOND)
    assert ended.code == 0, ended.error
    told = ended.document
    assert (told["result"], told["serving"], told["previous"]) == ("deployed", SECOND, FIRST)
    assert 1 <= told["out_of_service_s"] < 30
    assert host.serves() == SECOND
    assert host.answer() == f"{host.host.instance_id} {SECOND}"
    aws.await_targets("web", host.host.instance_id)
    assert targets(aws) == before
    history = host.run("deploy", "history", "--app", "web", "--json").document
    assert (history["current"], history["healthy"]) == (SECOND, [SECOND, FIRST])


def test_rollback(hosts: list[DeployHost]) -> None:
    """It goes to the last healthy release before this one, back to what was there before any deploy, and no further."""
    host = hosts[0]
    assert host.deploy(SECOND).code == 0
    assert host.deploy(THIRD).code == 0
    ended = host.run("deploy", "rollback", "--app", "web")
    assert ended.code == 0, ended.error
    assert ended.out.startswith(f"deployed: web {SECOND}")
    assert host.serves() == SECOND
    assert host.run("deploy", "rollback", "--app", "web").code == 0
    assert (host.serves(), host.answer()) == (FIRST, f"{host.host.instance_id} {FIRST}")
    refused = host.run("deploy", "rollback", "--app", "web", "--to", "20260404T000000Z-4444444")
    assert (refused.code, host.serves()) == (1, FIRST)
    assert "never served healthy" in refused.error


def with_more(aws: Sandbox, **files: str) -> str:
    """Publish a release that has these files as well; `__` stands for a dot."""
    release = "20260505T000000Z-5555555"
    publish(aws, release, {**PAGES, **{name.replace("__", "."): text for name, text in files.items()}})
    return release


def hook(name: str, run: str, more: str = "") -> dict[str, str]:
    """A release's file with one hook."""
    return {"deploy__toml": f"[hooks.{name}]\nrun = '{run}'\n{more}\n"}


FAILURES: dict[str, tuple[str, Callable[[Sandbox], str]]] = {
    "hook fetched": ("boom", lambda aws: with_more(aws, **hook("fetched", "echo boom; exit 3"))),
    "hook drained": ("boom", lambda aws: with_more(aws, **hook("drained", "echo boom; exit 3"))),
    "hook switched": (
        "did not end within 1s",
        lambda aws: with_more(aws, **hook("switched", "sleep 60", 'timeout = "1s"')),
    ),
    "hook healthy": ("boom", lambda aws: with_more(aws, **hook("healthy", "echo boom; exit 3"))),
    "prove": ("404", lambda aws: _published(aws, BROKEN)),
    "fetch": ("sha256", lambda _: "20260606T000000Z-6666666"),
    "prepare": ("missing.ini", lambda aws: with_more(aws, deploy__toml='shared = ["missing.ini"]\n')),
}


def _published(aws: Sandbox, pages: dict[str, str]) -> str:
    publish(aws, "20260505T000000Z-5555555", pages)
    return "20260505T000000Z-5555555"


@pytest.mark.parametrize("step", FAILURES)
def test_a_step_fails(aws: Sandbox, balanced: list[DeployHost], step: str) -> None:
    """The release before is served again, proven, in service as before; one line says why, and people are told."""
    host, before = balanced[0], targets(aws)
    host.configure(top='[notify]\nsns_topic_arn = "arn:aws:sns:ap-south-1:123456789012:vawsum-ops"')
    words, make = FAILURES[step]
    release = make(aws)
    ended = host.deploy(release)
    assert ended.code == 1, ended.error
    told: dict[str, Any] = ended.document
    assert (told["result"], told["failed_step"], told["serving"]) == ("taken back", step, FIRST)
    assert words in f"{told['error']} {ended.error}"
    assert (host.serves(), host.answer()) == (FIRST, f"{host.host.instance_id} {FIRST}")
    aws.await_targets("web", host.host.instance_id)
    assert targets(aws) == before
    assert not (host.folder.releases / release).exists()
    (notification,) = aws.notifications()
    assert "TAKEN BACK" in notification.subject
    assert step in notification.message


def test_two_at_once(balanced: list[DeployHost]) -> None:
    """The second one is told who is first, and that it may try again; the first one is not disturbed."""
    host = balanced[0]
    with host.start("deploy", "start", "--app", "web", "--release", SECOND, "--json") as first:
        wait_until(host.records, "the first one begins")
        second = host.deploy(THIRD)
        assert second.code == 75
        assert host.records()[0].deploy_id in second.error
        first.communicate(timeout=60)
    assert (first.returncode, host.serves()) == (0, SECOND)


def test_converge(aws: Sandbox, balanced: list[DeployHost]) -> None:
    """The host comes to serve what the fleet should serve, once; with a wrong checksum nothing changes."""
    host = balanced[0]
    digest = aws.object_bytes("vawsum-artifacts", f"web/{SECOND}.sha256").split()[0].decode()
    current = '{"release": "%s", "sha256": "%s", "deployed_by": "x", "deployed_at": "y"}'
    aws.put_object("vawsum-artifacts", "web/CURRENT.json", (current % (SECOND, "0" * 64)).encode())
    assert host.run("deploy", "converge", "--app", "web").code == 1
    assert host.serves() == FIRST
    aws.put_object("vawsum-artifacts", "web/CURRENT.json", (current % (SECOND, digest)).encode())
    assert host.run("deploy", "converge", "--app", "web").code == 0
    assert host.serves() == SECOND
    again = host.run("deploy", "converge", "--app", "web", "--json")
    assert (again.code, again.document["result"]) == (0, "nothing to do")
    assert len([record for record in host.records() if record.end == End.DEPLOYED]) == 1
