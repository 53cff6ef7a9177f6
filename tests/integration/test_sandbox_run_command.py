"""The sandbox's Run Command behaves like Systems Manager to boto3, and its hosts like SSM Agent to a script."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox import Sandbox
from sandbox.host.ssm_agent import SsmAgent
from sandbox.host.ssm_text import NEW_AGENT, OLD_AGENT
from sandbox.servers.process import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENTS = Path(__file__).parents[2] / "packaging/ssm"
HOST, OLD_HOST = "i-0new", "i-0old"
OVER = {"Success", "Failed", "TimedOut", "Cancelled"}
Document = dict[str, Any]


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """One sandbox for the module."""
    with Sandbox.start() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stands in for `vawsum-agent`: prints what it was called with."""
    path = tmp_path_factory.mktemp("bin") / "vawsum-agent"
    path.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module", autouse=True)
def hosts(shared: Sandbox, program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Two hosts, one with an agent of today and one with an agent that knows no variables."""
    with contextlib.ExitStack() as running:
        for instance_id, version in ((HOST, NEW_AGENT), (OLD_HOST, OLD_AGENT)):
            folder = tmp_path_factory.mktemp(instance_id)
            programs = {"/usr/bin/vawsum-agent": str(program)}
            agent = SsmAgent(shared.exchange_commands, instance_id, folder, version=version, programs=programs)
            running.enter_context(agent)
        yield


class Operator:
    """Somebody at the console."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.ssm = boto3.client(
            "ssm",
            endpoint_url=sandbox.endpoint,
            region_name="ap-south-1",
            aws_access_key_id="AKIASANDBOX000000000",
            aws_secret_access_key="sandbox",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=10, connect_timeout=2),
        )

    def create(self, name: str, content: Document | str) -> None:
        """Create a document."""
        text = content if isinstance(content, str) else json.dumps(content)
        self.ssm.create_document(Name=name, Content=text, DocumentType="Command")

    def send(self, name: str, *instance_ids: str, **rest: Any) -> str:  # noqa: ANN401 - as boto3 has it
        """Send a command, and return its id."""
        command_id: str = self.ssm.send_command(DocumentName=name, InstanceIds=list(instance_ids), **rest)["Command"][
            "CommandId"
        ]
        return command_id

    def invocation(self, command_id: str, instance_id: str = HOST, step: str = "") -> Document:
        """Return what became of a command on a host so far."""
        named = {"PluginName": step} if step else {}
        row: Document = self.ssm.get_command_invocation(CommandId=command_id, InstanceId=instance_id, **named)
        return row

    def ended(self, command_id: str, instance_id: str = HOST, step: str = "") -> Document:
        """Wait until a command is over on a host, and return what became of it."""
        assert wait_until(lambda: self.overall(command_id, instance_id) in OVER, 20, pause_s=0.02)
        return self.invocation(command_id, instance_id, step)

    def overall(self, command_id: str, instance_id: str = HOST) -> str:
        """Return the status of a command on a host."""
        (row,) = self.ssm.list_command_invocations(CommandId=command_id, InstanceId=instance_id)["CommandInvocations"]
        status: str = row["Status"]
        return status

    def run(self, *lines: str, **inputs: str) -> Document:
        """Run a script of one step, and return what became of it."""
        with contextlib.suppress(ClientError):
            self.ssm.delete_document(Name="Test-Once")
        self.create("Test-Once", of(step("only", *lines, **inputs)))
        return self.ended(self.send("Test-Once", HOST))


def step(name: str, *lines: str, **inputs: str) -> Document:
    """A step that runs a script."""
    return {"action": "aws:runShellScript", "name": name, "inputs": {"runCommand": list(lines), **inputs}}


def of(*steps: Document, **parameters: Document) -> Document:
    """A document of these steps."""
    return {"schemaVersion": "2.2", "description": "", "parameters": parameters, "mainSteps": list(steps)}


@pytest.fixture
def operator(shared: Sandbox) -> Operator:
    """Somebody at the console of an account without documents."""
    shared.reset()
    return Operator(shared)


@pytest.mark.parametrize("host", [HOST, OLD_HOST])
def test_a_document_runs_on_a_host(operator: Operator, host: str) -> None:
    """The deploy's document, as it is shipped, calls the command with what was given, whatever the agent's age."""
    operator.create("Vawsum-Deploy", (DOCUMENTS / "Vawsum-Deploy.json").read_text())
    given = {"App": ["vawsum-web"], "Release": ["20261129T101500Z-4f2a91c"]}
    row = operator.ended(operator.send("Vawsum-Deploy", host, Parameters=given), host)
    assert (row["Status"], row["StatusDetails"], row["ResponseCode"]) == ("Success", "Success", 0)
    assert row["StandardOutputContent"] == "deploy|start|--app|vawsum-web|--release|20261129T101500Z-4f2a91c|--json|"
    assert (row["StandardErrorContent"], row["PluginName"]) == ("", "deploy")


@pytest.mark.parametrize("host", [HOST, OLD_HOST])
def test_a_newline_at_the_end_passes_the_service_and_not_the_script(operator: Operator, host: str) -> None:
    """What `$` lets pass ends on the host: exit code 64, nothing called. All else the service refuses by itself."""
    operator.create("Vawsum-Deploy", (DOCUMENTS / "Vawsum-Deploy.json").read_text())
    given = {"App": ["vawsum-web\n"], "Release": ["20261129T101500Z-4f2a91c"]}
    row = operator.ended(operator.send("Vawsum-Deploy", host, Parameters=given), host)
    assert (row["Status"], row["ResponseCode"]) == ("Failed", 64)
    assert row["StandardErrorContent"].startswith("Vawsum-Deploy: App is ")
    assert "deploy|" not in row["StandardOutputContent"]
    for wrong in ({"App": ["$(id)"]}, {"App": ["a", "b"]}, {"Other": ["a"]}, {"Release": [""]}):
        with pytest.raises(operator.ssm.exceptions.InvalidParameters):
            operator.send("Vawsum-Deploy", host, Parameters={**given, "App": ["a"], **wrong})
    with pytest.raises(operator.ssm.exceptions.InvalidParameters):
        operator.send("Vawsum-Deploy", host, Parameters={"App": ["a"]})


def test_text_is_put_in_place_of_text(operator: Operator) -> None:
    """A parameter without ENV_VAR, or any with an agent of old, is part of the script; a loose pattern lets all in."""
    raw = {"type": "String", "allowedPattern": "[a-z]+"}
    variable = {**raw, "interpolationType": "ENV_VAR"}
    lines = ("echo {{ Raw }}", "echo '{{Variable}}'", 'echo "${SSM_Variable-unset}"')
    operator.create("Test-Text", of(step("only", *lines), Raw=raw, Variable=variable))
    command_id = operator.send("Test-Text", HOST, OLD_HOST, Parameters={"Raw": ["a; echo b"], "Variable": ["$(c)"]})
    assert operator.ended(command_id)["StandardOutputContent"] == "a\nb\n$SSM_Variable\n$(c)\n"
    assert operator.ended(command_id, OLD_HOST)["StandardOutputContent"] == "a\nb\n$(c)\nunset\n"


@pytest.mark.parametrize(
    ("line", "status", "code"),
    [
        ("exit 1", "Failed", 1),
        ("exit 75", "Failed", 75),
        ("exit 137", "TimedOut", 137),
        ("exit 143", "Failed", 143),
        ("exit 168", "Success", 168),
        ("exit 169", "Failed", 169),
        ("sh -c 'kill -9 $$'; exit $?", "TimedOut", 137),
    ],
)
def test_exit_codes(operator: Operator, line: str, status: str, code: int) -> None:
    """137 counts as a timeout, also where it is that of a command that was killed, and 168 as success."""
    row = operator.run("echo said", "echo complained >&2", line)
    assert (row["Status"], row["ResponseCode"]) == (status, code)
    assert row["StandardOutputContent"].startswith("said\n")
    assert ("complained" in row["StandardErrorContent"]) == (code != 168)


def test_194_reboots_and_runs_again(shared: Sandbox, operator: Operator, tmp_path: Path) -> None:
    """The host is restarted and the same step begins anew; what it printed adds up."""
    reboots: list[float] = []
    operator.create("Test-Reboot", of(step("only", f"echo again; mkdir {tmp_path}/mark && exit 194 || true")))
    with SsmAgent(shared.exchange_commands, "i-0reboots", tmp_path, reboot=lambda: reboots.append(time.time())):
        row = operator.ended(operator.send("Test-Reboot", "i-0reboots"), "i-0reboots")
    assert (row["Status"], row["ResponseCode"], row["StandardOutputContent"]) == ("Success", 0, "again\nagain\n")
    assert len(reboots) == 1


def test_later_steps_run_unless_told_otherwise(operator: Operator) -> None:
    """After a failure the next step runs, and the whole has failed; with `onFailure: exit`, or 168, it is skipped."""
    then = step("then", "echo then")
    operator.create("Test-On", of(step("first", "exit 3"), then))
    operator.create("Test-Exit", of(step("first", "exit 3", onFailure="exit"), then))
    operator.create("Test-168", of(step("first", "exit 168"), then))
    sent = {name: operator.send(name, HOST) for name in ("Test-On", "Test-Exit", "Test-168")}
    ends = {name: operator.ended(sent[name], step="then") for name in sent}
    assert {name: (row["Status"], row["StandardOutputContent"]) for name, row in ends.items()} == {
        "Test-On": ("Success", "then\n"),
        "Test-Exit": ("Skipped", ""),
        "Test-168": ("Skipped", ""),
    }
    assert {name: operator.overall(sent[name]) for name in sent} == {
        "Test-On": "Failed",
        "Test-Exit": "Failed",
        "Test-168": "Success",
    }
    with pytest.raises(ClientError, match="InvalidPluginName"):
        operator.invocation(sent["Test-On"])


def test_the_head_of_the_output_is_kept(operator: Operator) -> None:
    """24,000 characters of stdout and 8,000 of stderr, from the beginning."""
    row = operator.run("echo begin; seq 10000; echo begin >&2; seq 10000 >&2")
    out, err = row["StandardOutputContent"], row["StandardErrorContent"]
    assert (len(out), out[:10]) == (24_000, "begin\n1\n2\n")
    assert out.endswith("--output truncated--")
    assert (len(err), err[:10]) == (8_000, "begin\n1\n2\n")


def test_who_holds_the_output_holds_the_command(operator: Operator) -> None:
    """A child in the background that keeps stdout keeps the command open; one that gives it up does not."""
    began = time.monotonic()
    assert operator.run("sleep 1 & echo done")["StandardOutputContent"] == "done\n"
    assert time.monotonic() - began > 0.9
    began = time.monotonic()
    assert operator.run("sleep 30 >/dev/null 2>&1 & echo done; echo $!")["Status"] == "Success"
    assert time.monotonic() - began < 10


def test_cancel_kills_the_process_group(operator: Operator, tmp_path: Path) -> None:
    """All of the group dies at once, no trap runs; who left the group lives on. What was printed is kept."""
    operator.create(
        "Test-Cancel",
        of(
            step(
                "only",
                f"trap 'echo cleaned >{tmp_path}/cleaned' EXIT TERM INT HUP",
                f"setsid sleep 60 >/dev/null 2>&1 & echo $! >{tmp_path}/escaped",
                f"sleep 60 & echo $! >{tmp_path}/child",
                f"echo begun; mkdir {tmp_path}/begun; wait",
            ),
        ),
    )
    command_id = operator.send("Test-Cancel", HOST)
    assert wait_until((tmp_path / "begun").is_dir, 10)
    assert operator.overall(command_id) == "InProgress"
    operator.ssm.cancel_command(CommandId=command_id)
    row = operator.ended(command_id)
    child, escaped = (int((tmp_path / name).read_text()) for name in ("child", "escaped"))
    try:
        assert (row["Status"], row["StatusDetails"], row["ResponseCode"]) == ("Cancelled", "Canceled", 137)
        assert row["StandardOutputContent"] == "begun\n"
        assert wait_until(lambda: not is_alive(child), 5)
        assert is_alive(escaped)
        assert not (tmp_path / "cleaned").exists()
    finally:
        os.kill(escaped, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie, which nobody has waited for yet, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.soak
def test_a_timeout_kills_likewise(operator: Operator) -> None:
    """Five seconds are the shortest that counts; `onFailure: exit` does not hold up the step after a timeout."""
    first = step("first", "echo begun; sleep 60", timeoutSeconds="5", onFailure="exit")
    operator.create("Test-Timeout", of(first, step("then", "echo then")))
    command_id = operator.send("Test-Timeout", HOST)
    row = operator.ended(command_id, step="first")
    assert (row["Status"], row["ResponseCode"], row["StandardOutputContent"]) == ("TimedOut", 137, "begun\n")
    assert operator.invocation(command_id, step="then")["StandardOutputContent"] == "then\n"


def test_scripts_find_the_agents_environment(operator: Operator) -> None:
    """No HOME, and nothing of ours; the command's id and the instance's."""
    row = operator.run("pwd", 'echo "${HOME-none}"', "env | cut -d= -f1")
    folder, home, *names = row["StandardOutputContent"].splitlines()
    assert (folder, home) == ("/usr/bin", "none")
    assert {"AWS_SSM_INSTANCE_ID", "LANG", "PATH", "SSM_COMMAND_ID"} <= set(names)
    assert set(names) & {"HOME", "USER", "PYTHONPATH", "VIRTUAL_ENV"} == set()


def test_one_at_a_time_and_no_further_after_a_failure(operator: Operator) -> None:
    """With a concurrency of 1 and no errors allowed, the first failure is the last: the other host never begins."""
    operator.create("Test-Fail", of(step("only", "exit 1")))
    command_id = operator.send("Test-Fail", HOST, OLD_HOST, MaxConcurrency="1", MaxErrors="0")
    both = (HOST, OLD_HOST)
    assert wait_until(lambda: {operator.overall(command_id, one) for one in both} <= OVER, 20)
    rows = operator.ssm.list_command_invocations(CommandId=command_id)["CommandInvocations"]
    assert sorted(row["StatusDetails"] for row in rows) == ["Failed", "Terminated"]
    (whole,) = operator.ssm.list_commands(CommandId=command_id)["Commands"]
    assert (whole["Status"], whole["TargetCount"], whole["CompletedCount"], whole["ErrorCount"]) == ("Failed", 2, 2, 1)


def test_what_the_service_refuses(operator: Operator) -> None:
    """Documents it can't read, documents and hosts it does not know, in its words."""
    exceptions = operator.ssm.exceptions
    operator.create("Test-Once", of(step("only", "true")))
    with pytest.raises(exceptions.DocumentAlreadyExists):
        operator.create("Test-Once", of(step("only", "true")))
    with pytest.raises(exceptions.InvalidDocumentSchemaVersion):
        operator.create("Test-Float", {**of(step("only", "true")), "schemaVersion": 2.2})
    for wrong in (
        "{",
        of(),
        of(step("a"), step("a")),
        of(step("a", "{{ Nobody }}")),
        of({**step("a"), "onFailure": "exit"}),
    ):
        with pytest.raises((exceptions.InvalidDocumentContent, exceptions.InvalidDocumentSchemaVersion)):
            operator.create("Test-Wrong", wrong)
    with pytest.raises(exceptions.InvalidDocument):
        operator.send("Test-Nobody", HOST)
    with pytest.raises(exceptions.InvalidInstanceId):
        operator.send("Test-Once", "i-0nobody")
    with pytest.raises(exceptions.InvocationDoesNotExist):
        operator.invocation("00000000-0000-0000-0000-000000000000")
    found = operator.ssm.describe_instance_information()["InstanceInformationList"]
    assert {row["InstanceId"]: row["AgentVersion"] for row in found}.items() >= {
        HOST: NEW_AGENT,
        OLD_HOST: OLD_AGENT,
    }.items()
