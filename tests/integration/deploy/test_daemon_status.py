"""The real daemon shows what deploys note, as a user who may read and nothing else; and what doctor says of them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox
from sandbox.demo.agent import Agent
from sandbox.servers.process import open_directory
from tests.integration.deploy.deploying import BUCKET, FIRST, SECOND, publish, wait_until
from tests.integration.images.buckets import session_for
from tests.unit.deploy.watching.records import STUCK, Host, app_at, deploy_id, record
from vawsum_agent.aws.metadata import InstanceMetadata
from vawsum_agent.config.model import DeployApp, DeployConfig
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.identity import Identity
from vawsum_agent.deploy.doctor.aws import aws
from vawsum_agent.deploy.journal import Journal
from vawsum_agent.deploy.machine import End, Step
from vawsum_agent.deploy.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

FRAGMENT: dict[str, Any] = json.loads((Path(__file__).parents[3] / "packaging/iam/deploy.json").read_text())
ME, PEER, ALONE = "i-0me", "i-0peer", "i-0alone"
SECRETS = "vawsum-secrets"
USER = "www-data"
"""As whom the daemon runs where root runs the tests; the journal is root's then."""

HOLD = """
import sys, time
from pathlib import Path
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.lock import Holder, locked
folder = AppFolder(Path(sys.argv[1]))
with locked({"web": folder}, Holder(deploy_id="", app="web", what="start", pid=1)):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def cloud() -> Iterator[Sandbox]:
    """One sandbox for the module."""
    with Sandbox.start(seed=9) as sandbox:
        yield sandbox


@pytest.fixture
def agent(cloud: Sandbox) -> Iterator[Agent]:
    """A daemon with one application, not started."""
    with open_directory("vd-") as folder:
        made = Agent(folder / "agent", cloud.environment(), user=USER)
        made.config.write_text(
            f'[agent]\ninstance_id = "{ME}"\nstate_dir = "{made.state_dir}"\nruntime_dir = "{made.runtime_dir}"\n'
            f'[[deploy.app]]\nname = "web"\npath = "{folder}/web"\nartifacts = "s3://{BUCKET}/web/"\n'
            'health_url = "http://127.0.0.1:9/healthz"\nreload = ["true"]\ndrain = "none"\n'
        )
        try:
            yield made
        finally:
            made.kill()


def app_of(agent: Agent) -> dict[str, Any]:
    """What `status` says of the application."""
    apps: list[dict[str, Any]] = agent.component("deploy").get("details", {}).get("apps", [])
    return apps[0] if apps else {}


def test_the_daemon_shows_deploys(agent: Agent) -> None:
    """One that runs, with its step; one whose process is killed; its end; one that is stuck, until that is settled."""
    host = Host(agent.config.parents[1] / "web")
    journal = Journal(host.folder, SystemClock())
    journal.prepare()
    host.folder.release(FIRST).mkdir(parents=True)
    first = Record(deploy_id=deploy_id(1), app="web", kind="start", release=FIRST, by="alice", began_at=time.time())
    journal.note(first, Step.DRAIN, "begun")
    arguments = [sys.executable, "-c", HOLD, str(host.folder.path), "deploy", "work"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as worker:
        agent.start()
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"held\n"
        wait_until(lambda: (app_of(agent).get("running") or {}).get("step") == "drain", "it is shown with its step")
        assert agent.component("deploy")["state"] == "running"
        worker.kill()
    wait_until(lambda: (app_of(agent)["unfinished"] or {}).get("step") == "drain", "nobody works on it any more")

    host.folder.current.symlink_to(host.folder.target(FIRST))
    journal.close(first, End.DEPLOYED)
    stuck = record(*STUCK, number=2, end=End.STUCK)
    journal.write(stuck)
    wait_until(lambda: agent.component("deploy")["state"] == "failed", "a person is needed")
    app = app_of(agent)
    assert (app["current"], app["last_deployed"]["by"], app["last_deploy"]["result"]) == (FIRST, "alice", "stuck")
    assert agent.component("deploy")["last_success_at"] == app["last_deployed"]["ended_at"]
    code, text = agent.command("status")
    assert (code, "STUCK" in text, "rollback-failed.md" in text) == (2, True, True)
    assert agent.component("deploy")["details"]["restarts"] == 0

    journal.close(stuck, End.TAKEN_BACK)
    wait_until(lambda: agent.component("deploy")["state"] == "running", "it is settled")
    assert agent.stop() == 0
    assert "component_failed" not in agent.output.read_text()


class _Well(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A web server that is always well."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Well) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def healthy(cloud: Sandbox, port: int) -> Sandbox:
    """Two hosts in a target group, releases, secrets, and a role with the shipped policy alone."""
    cloud.reset()
    cloud.deny()
    cloud.calm()
    cloud.settings(rate_limits_per_s={"DescribeTargetHealth": 1e6})
    for bucket in (BUCKET, SECRETS):
        cloud.create_bucket(bucket)
    for release in (FIRST, SECOND):
        publish(cloud, release)
    cloud.put_object(SECRETS, "web/.env", b"KEY=1234567890\n")
    cloud.add_target_group("web", interval_s=0.2, healthy_threshold_count=2, deregistration_delay_s=30)
    for instance_id in (ME, PEER, ALONE):
        cloud.add_host(instance_id, port=port)
    cloud.register_targets("web", (ME, port), (PEER, port))
    cloud.await_targets("web", ME, PEER)
    cloud.enforce(FRAGMENT)
    return cloud


def asked(sandbox: Sandbox, folder: Path, instance_id: str = ME, **changes: Any) -> list[Finding]:  # noqa: ANN401 - of any key
    """What AWS says of one application."""
    plain = {name: getattr(app_at(folder), name) for name in ("name", "path", "health_url")}
    urls = {"artifacts": f"s3://{BUCKET}/web/", "secrets": f"s3://{SECRETS}/web/"}
    deploy = DeployConfig(app=[DeployApp(**plain | urls | changes)])
    identity = Identity(instance_id, "web-1", "production", "web")
    metadata = InstanceMetadata(sandbox.metadata_for(instance_id))
    return list(aws(deploy, identity, session_for(sandbox, folder), metadata, tells_the_clock=True))


def bad(findings: list[Finding]) -> list[Finding]:
    """What is not well; all of it has a remedy."""
    found = [finding for finding in findings if finding.severity is not Severity.OK]
    assert all(finding.remedy for finding in found)
    return found


def test_aws_is_as_a_deploy_needs_it(healthy: Sandbox, tmp_path: Path) -> None:
    """The shipped policy is enough; nothing is changed; no secret's value is told."""
    before = (healthy.versions(BUCKET), healthy.versions(SECRETS), healthy.targets("web"))
    found = asked(healthy, tmp_path)
    assert bad(found) == []
    told = " ".join(finding.what for finding in found)
    assert f"2 releases published, the newest {SECOND}" in told
    assert "1 secret, readable" in told
    assert "deregistered from target groups web" in told
    assert "up to 30s to leave" in told
    assert "1234567890" not in told
    assert (healthy.versions(BUCKET), healthy.versions(SECRETS), healthy.targets("web")) == before
    assert healthy.violations() == []


TOGETHER = (
    ("s3:ListBucket", "s3:ListBucketVersions", "autoscaling:DescribeAutoScalingInstances"),
    ("s3:GetObject", "s3:GetObjectVersion", "elasticloadbalancing:DescribeTargetGroups"),
    ("elasticloadbalancing:DescribeTargetHealth",),
    ("elasticloadbalancing:DescribeTargetGroupAttributes",),
)


def test_a_missing_permission_is_named(healthy: Sandbox, tmp_path: Path) -> None:
    """Exactly the missing actions, each as a statement that can be added."""
    for actions in TOGETHER:
        healthy.deny(*actions)
        found = bad(asked(healthy, tmp_path))
        assert {finding.severity for finding in found} == {Severity.PROBLEM}
        statements = [json.loads(finding.remedy.removeprefix("add to the role's policy: ")) for finding in found]
        assert [statement["Action"] for statement in statements] == list(actions)
        assert all(f"{action} is not allowed: " in each.what for action, each in zip(actions, found, strict=True))


def test_what_would_refuse_a_deploy(healthy: Sandbox, tmp_path: Path) -> None:
    """The last healthy host, no such bucket, no secrets; and what is hardly meant: no releases, no load balancer."""
    healthy.enforce(None)
    gone = {"artifacts": "s3://no-such-bucket/web/", "secrets": f"s3://{SECRETS}/other/"}
    found = bad(asked(healthy, tmp_path, min_healthy_peers=2, **gone))
    assert [finding.severity for finding in found] == [Severity.PROBLEM] * 3
    assert "aws s3 mb s3://no-such-bucket" in found[0].remedy
    assert "no secret is below" in found[1].what
    assert "a deploy would be refused" in found[2].what
    found = bad(asked(healthy, tmp_path, ALONE, artifacts=f"s3://{BUCKET}/other/"))
    assert [finding.severity for finding in found] == [Severity.WARNING] * 2
    assert found[0].what == "no release is published"
    assert found[1].what.startswith("NOT DRAINED: this host is in no target group")


def test_the_whole_command(healthy: Sandbox, agent: Agent) -> None:
    """Doctor tells of the host and of AWS; check-config --online of what lets nobody in."""
    del healthy
    code, out = agent.command("doctor", "--json")
    rows = {(row["where"], row["severity"]) for row in json.loads(out)["findings"]}
    folder = str(agent.config.parents[1] / "web")
    assert {(folder, "ok"), ("reload of web", "ok"), ("guard of web", "warning"), (f"s3://{BUCKET}/web/", "ok")} <= rows
    assert ("http://127.0.0.1:9/healthz", "warning") in rows
    assert code in {0, 1}
    Path(folder).mkdir(0o777)
    Path(folder).chmod(0o777)
    code, out = agent.command("check-config", "--online", "--json")
    rows = {(row["where"], row["severity"]) for row in json.loads(out)["findings"]}
    assert (code, (folder, "problem") in rows) == (1, True)
