"""`vawsum-agent notify test` and what `doctor` says of a topic, as a user runs them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.demo.agent import BINARY
from tests.integration.alerts.incidents import TOPIC, labels

if TYPE_CHECKING:
    from sandbox import Sandbox

IAM = Path(__file__).parents[3] / "packaging/iam"
POLICY, DOCTORS_POLICY = (json.loads((IAM / f"{name}.json").read_text()) for name in ("alerts", "doctor"))


class User:
    """Somebody at a host's prompt."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.config = folder / "agent.toml"
        self.environment = sandbox.environment()
        self.configure(TOPIC)

    def configure(self, topic: str) -> None:
        """Name a topic."""
        folder = self.config.parent
        self.config.write_text(
            f'[agent]\ninstance_id = "i-test"\nstate_dir = "{folder}/state"\nruntime_dir = "{folder}/run"\n'
            f'[notify]\nsns_topic_arn = "{topic}"\n'
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        """Run a command; gives exit code, stdout and stderr."""
        command = [str(BINARY), *words, "--config", str(self.config)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    def findings(self) -> list[dict[str, Any]]:
        """What `doctor` says of the topic."""
        rows: list[dict[str, Any]] = json.loads(self.run("doctor", "--json")[1])["findings"]
        return [row for row in rows if row["where"] == TOPIC]


@pytest.fixture
def user(tmp_path: Path, sandbox: Sandbox) -> User:
    """No daemon runs, and none ever did; the role has the shipped policies of alerts and doctor and nothing else."""
    sandbox.enforce([POLICY, DOCTORS_POLICY])
    return User(tmp_path, sandbox)


def test_it_arrives(user: User, sandbox: Sandbox) -> None:
    """The message is in the topic, the command says its id, and leaves nothing on the host."""
    code, out, err = user.run("notify", "test")
    assert (code, err) == (0, "")
    assert out.startswith(f"sent to {TOPIC}: message ")
    (message,) = sandbox.notifications()
    assert message.subject == "[TEST] vawsum-agent on i-test (production web)"
    assert "instance i-test" in message.message
    assert sandbox.violations() == []
    assert sorted(path.name for path in user.config.parent.iterdir()) == ["agent.toml"]


def test_as_json(user: User, sandbox: Sandbox) -> None:
    """One document, sent or not."""
    code, out, _ = user.run("notify", "test", "--json")
    sent = json.loads(out)
    assert (code, sent["sent"], sent["topic"]) == (0, True, TOPIC)
    assert sent["message_id"]
    sandbox.deny("sns:Publish")
    code, out, _ = user.run("notify", "test", "--json")
    refused = json.loads(out)
    assert (code, refused["sent"]) == (1, False)
    assert "AuthorizationError" in refused["error"]
    assert refused["hint"]


def test_to_a_fifo_topic(user: User, sandbox: Sandbox) -> None:
    """It arrives there, too, whatever the host is called; doctor asks without sending."""
    topic = f"{TOPIC}.fifo"
    sandbox.settings(topics=[topic])
    user.configure(topic)
    user.config.write_text(user.config.read_text().replace("i-test", "höst one" + "x" * 150))
    assert user.run("notify", "test")[0] == 0
    assert sandbox.violations() == []
    findings = json.loads(user.run("doctor", "--json")[1])["findings"]
    assert [row["severity"] for row in findings if row["where"] == topic] == ["ok", "ok"]
    assert labels(sandbox) == ["TEST"]


def test_without_a_region(user: User, sandbox: Sandbox) -> None:
    """No region is configured anywhere: the topic's own is used."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        del user.environment[name]
    assert user.run("notify", "test")[0] == 0
    assert labels(sandbox) == ["TEST"]


@pytest.mark.parametrize(
    ("break_it", "said", "remedy"),
    [
        (lambda user, _: user.configure(f"{TOPIC}-gone"), "NotFound", "correct notify.sns_topic_arn"),
        (lambda _, sandbox: sandbox.deny("sns:Publish"), "AuthorizationError", "allow sns:Publish in"),
        (lambda _, sandbox: sandbox.fault("unavailable", operation="Publish"), "ServiceUnavailable", "AWS is failing"),
        (
            lambda user, _: user.environment.update(AWS_ENDPOINT_URL="http://127.0.0.1:9"),
            "can't be reached",
            "check network",
        ),
    ],
    ids=["no topic", "denied", "failing", "unreachable"],
)
def test_one_line_says_why_not(user: User, sandbox: Sandbox, break_it: Any, said: str, remedy: str) -> None:  # noqa: ANN401
    """Exit code 1, one line with what failed on what, and what to do."""
    break_it(user, sandbox)
    code, out, err = user.run("notify", "test")
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("error: Publish on arn:aws:sns:")
    assert said in err
    assert remedy in err
    assert sandbox.notifications() == []


def test_doctor_asks_without_sending(user: User, sandbox: Sandbox) -> None:
    """Allowed is told as allowed, and nobody gets a message."""
    findings = user.findings()
    assert findings[0]["severity"] == "ok"
    assert {row["severity"] for row in findings} == {"ok"}
    assert sandbox.notifications() == []


def test_doctor_calls_what_its_policy_allows(user: User, sandbox: Sandbox) -> None:
    """Of SNS these two calls, and neither is refused for want of a permission."""
    assert [row["severity"] for row in user.findings()] == ["ok", "ok"]
    called = {f"sns:{name}" for name in sandbox.requests()["operations"]}
    allowed = {statement["Action"] for policy in (POLICY, DOCTORS_POLICY) for statement in policy["Statement"]}
    assert called == {action for action in allowed if action.startswith("sns:")}


def test_doctor_finds_a_topic_that_does_not_exist(user: User) -> None:
    """Under the shipped policies: a problem, and nothing is called well beside it, by either command."""
    user.configure(f"{TOPIC}-gone")
    for words in (("doctor",), ("check-config", "--online")):
        code, out, _ = user.run(*words, "--json")
        (row,) = (row for row in json.loads(out)["findings"] if row["where"] == f"{TOPIC}-gone")
        assert (code, row["severity"]) == (1, "problem")
        assert "NotFound" in row["what"]
        assert "create the topic" in row["remedy"]


def test_doctor_says_that_it_could_not_look_a_topic_up(user: User, sandbox: Sandbox) -> None:
    """Without that permission a topic that may not exist is a warning, with what finds it out."""
    sandbox.enforce(POLICY)
    allowed, unseen = user.findings()
    assert (allowed["severity"], unseen["severity"]) == ("ok", "warning")
    assert "not looked up" in unseen["what"]
    assert unseen["remedy"].startswith("run vawsum-agent notify test, or add to the role's policy: {")
    statement = json.loads(unseen["remedy"].partition("policy: ")[2])
    sandbox.enforce([POLICY, {"Statement": statement}])
    assert [row["severity"] for row in user.findings()] == ["ok", "ok"]


def test_doctor_names_the_missing_permission(user: User, sandbox: Sandbox) -> None:
    """Not allowed is a problem, with the statement that allows it for this topic."""
    sandbox.deny("sns:Publish")
    problem, _ = user.findings()
    assert problem["severity"] == "problem"
    assert f'"Action": "sns:Publish", "Resource": "{TOPIC}"' in problem["remedy"]
