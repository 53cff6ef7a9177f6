"""`vawsum-agent doctor` on real files and a strict AWS: what it finds, and that it changes nothing."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.integration.logs.running import RunningAgent, source
from tests.integration.logs.writing import CountedLog, access_line

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

GROUP = "/vawsum/test/web"

SEVERITIES = {
    "PutLogEvents": ("problem", "problem"),
    "CreateLogStream": ("problem", "problem"),
    "CreateLogGroup": ("problem", "warning"),
    "PutRetentionPolicy": ("warning", "warning"),
    "GetLogEvents": ("warning", "warning"),
}
"""Of a missing permission, while the group is missing and once it is there."""


def findings(agent: RunningAgent, *arguments: str, command: str = "doctor") -> list[dict[str, str]]:
    """Return what is not well; each has a remedy, and a problem makes the exit code 1."""
    code, out = agent.command(command, "--json", *arguments)
    rows: list[dict[str, str]] = json.loads(out)["findings"]
    found = [row for row in rows if row["severity"] != "ok"]
    assert all(row["remedy"] for row in found)
    assert code == int(any(row["severity"] == "problem" for row in found))
    return found


def client(sandbox: Sandbox) -> Any:  # noqa: ANN401 - boto3 has no types
    """Return a client of the sandbox's CloudWatch Logs."""
    return boto3.client(
        "logs",
        endpoint_url=sandbox.endpoint,
        region_name="ap-south-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )


@pytest.fixture
def log(logs: Path, agent: RunningAgent) -> CountedLog:
    """A log with a few lines of now, followed by the agent."""
    log = CountedLog(logs / "access.log")
    log.write(20)
    agent.configure(source("web", log.path, log_group=GROUP))
    return log


def test_a_healthy_host(agent: RunningAgent, log: CountedLog, tmp_path: Path) -> None:
    """Nothing wrong: only what was looked at is said, exit 0, before the first start and beside a running daemon."""
    assert findings(agent, "--root", str(tmp_path)) == []
    agent.start_and_wait()
    agent.wait_settled(log.written_bytes)
    assert findings(agent, "--root", str(tmp_path)) == []
    assert findings(agent, "--online", command="check-config") == []


def test_nothing_is_changed(agent: RunningAgent, sandbox: Sandbox, log: CountedLog) -> None:
    """Whether the group is missing, is there without the stream, or holds it: AWS and state_dir stay as they are."""
    before = sorted(agent.state_dir.iterdir())
    findings(agent)
    assert sandbox.groups() == []
    client(sandbox).create_log_group(logGroupName=GROUP)
    client(sandbox).put_retention_policy(logGroupName=GROUP, retentionInDays=30)
    findings(agent)
    assert sandbox.streams() == []
    client(sandbox).create_log_stream(logGroupName=GROUP, logStreamName=f"i-test{log.path}")
    groups = sandbox.groups()
    findings(agent)
    assert sandbox.groups() == groups
    assert sandbox.count() == 0
    assert sorted(agent.state_dir.iterdir()) == before


@pytest.mark.parametrize("is_there", [False, True])
def test_a_missing_permission_is_named(
    agent: RunningAgent, sandbox: Sandbox, log: CountedLog, *, is_there: bool
) -> None:
    """Exactly the missing action on exactly its resource, whether the group exists yet or not, with the fragment."""
    if is_there:
        client(sandbox).create_log_group(logGroupName=GROUP)
        client(sandbox).put_retention_policy(logGroupName=GROUP, retentionInDays=30)
        client(sandbox).create_log_stream(logGroupName=GROUP, logStreamName=f"i-test{log.path}")
    for action, severity in SEVERITIES.items():
        sandbox.deny(f"logs:{action}")
        (found,) = findings(agent)
        assert found["severity"] == severity[is_there]
        assert found["where"] == GROUP
        assert f"logs:{action} is not allowed" in found["what"]
        statement = json.loads(found["remedy"].removeprefix("add to the role's policy: "))
        assert statement["Action"] == f"logs:{action}"
        assert statement["Resource"].startswith(f"arn:aws:logs:ap-south-1:*:log-group:{GROUP}:")


@pytest.mark.parametrize(("offset_s", "severity"), [(60, "warning"), (-600, "problem")])
@pytest.mark.usefixtures("log")
def test_a_clock_that_is_off(agent: RunningAgent, sandbox: Sandbox, offset_s: int, severity: str) -> None:
    """The skew is measured against AWS's answers, also when it is so large that AWS refuses every request."""
    sandbox.settings(clock_offset_s=offset_s)
    (clock,) = [found for found in findings(agent) if found["where"] == "clock"]
    assert clock["severity"] == severity
    direction = "behind" if offset_s > 0 else "ahead of"
    assert direction in clock["what"]
    assert any(unit in clock["what"] for unit in ("1m", "59s", "10m", "9m 59s"))


@pytest.mark.usefixtures("log")
def test_aws_away(agent: RunningAgent, sandbox: Sandbox) -> None:
    """When AWS can't be reached, then one finding says so, soon, and everything else is looked at all the same."""
    sandbox.outage(20)
    begun = time.monotonic()
    (found,) = findings(agent)
    assert time.monotonic() - begun < 15
    assert found["severity"] == "problem"
    assert "can't be reached" in found["what"] or "no usable answer" in found["what"]


@pytest.mark.usefixtures("log")
def test_no_credentials(agent: RunningAgent, sandbox: Sandbox) -> None:
    """Without credentials that is what is said, not ten missing permissions."""
    kept = {key: value for key, value in sandbox.environment().items() if not key.startswith("AWS_ACCESS_KEY")}
    agent._environment = {**kept, "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(agent.state_dir)}
    (found,) = findings(agent)
    assert "no usable AWS credentials" in found["what"]


@pytest.mark.usefixtures("log")
def test_other_retention(agent: RunningAgent, sandbox: Sandbox) -> None:
    """A group that keeps its events for ever, or not as long as configured, is pointed out with the command to run."""
    client(sandbox).create_log_group(logGroupName=GROUP)
    (found,) = findings(agent)
    assert found["severity"] == "warning"
    assert "for ever" in found["what"]
    assert found["remedy"].startswith("aws logs put-retention-policy")
    client(sandbox).put_retention_policy(logGroupName=GROUP, retentionInDays=7)
    assert "for 7 days" in findings(agent)[0]["what"]


def test_everything_at_once(agent: RunningAgent, logs: Path, tmp_path: Path) -> None:
    """A host with a bit of everything: each cause is told once, at its place."""
    CountedLog(logs / "access.log").write(20)
    (logs / "wrong.log").write_text("not what Apache writes\n" * 20)
    ahead = time.time() + 5 * 3600
    stamp = (
        time.strftime("%a %b %d %H:%M:%S", time.gmtime(ahead)) + ".000001 " + time.strftime("%Y", time.gmtime(ahead))
    )
    (logs / "error.log").write_text(f"[{stamp}] [core:error] [pid 1:tid 1] AH00126: bad\n" * 20)
    (logs / "loop.log").symlink_to("loop.log")
    (tmp_path / "etc/logrotate.d").mkdir(parents=True)
    (tmp_path / "etc/logrotate.conf").write_text("weekly\nrotate 4\ninclude /etc/logrotate.d\n")
    rotation = tmp_path / "etc/logrotate.d/web"
    rotation.write_text(f"{logs}/*.log {{\n    copytruncate\n    compress\n    compresscmd /usr/bin/zstd\n}}\n")
    agent.configure(
        source("web", logs / "access.log", logs / "wrong.log", log_group=GROUP, log_stream="one"),
        source("error", logs / "error.log", format="apache-error", log_group=GROUP),
        source("loop", logs / "loop.log", logs / "none" / "*.log", log_group=GROUP),
    )
    found = {(row["where"], row["severity"]): row["what"] for row in findings(agent, "--root", str(tmp_path))}
    assert "0 of the last 20 lines" in found.pop((str(logs / "wrong.log"), "problem"))
    assert "timezone? Read as UTC" in found.pop((str(logs / "error.log"), "problem"))
    assert "can't be opened" in found.pop((str(logs / "loop.log"), "problem"))
    assert "no file matches" in found.pop((f"loop: {logs}/none/*.log", "warning"))
    assert "share this log stream" in found.pop((f"{GROUP} one", "warning"))
    assert "copytruncate" in found.pop((f"{rotation}:2", "warning"))
    assert "zstd" in found.pop((f"{rotation}:4", "problem"))
    assert not found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run the daemon as another user")
def test_the_running_daemons_eyes(agent: RunningAgent, log: CountedLog) -> None:
    """Run by root beside a daemon of another user, the doctor sees what that user sees."""
    for folder in (*reversed(log.path.parents), agent.state_dir, agent.runtime_dir):
        if folder.stat().st_uid == 0 and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o055)
    os.chown(agent.state_dir, 54_321, 54_321)
    log.path.chmod(0o600)
    log.append((access_line("x", time.time()) + "\n").encode())
    (found,) = findings(agent)
    assert found["severity"] == "problem"
    assert found["where"] == str(log.path)
    assert "54321" in found["what"]


@pytest.mark.usefixtures("log")
def test_text_for_people(agent: RunningAgent, sandbox: Sandbox) -> None:
    """Without --json: a line a finding, the worst first, the remedy below, nothing on stderr and no log events."""
    sandbox.deny("logs:PutLogEvents")
    code, out = agent.command("doctor")
    lines = out.splitlines()
    assert code == 1
    assert lines[0].startswith(f"problem  {GROUP}: logs:PutLogEvents is not allowed")
    assert lines[1].strip().startswith("→ add to the role's policy")
    assert all(line.startswith(("problem ", "warning ", "ok ", " ")) for line in lines)
