"""Drives `alerting` through incidents."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

TOPIC = "arn:aws:sns:ap-south-1:123456789012:vawsum-ops"
WORDS = {"r": "running", "d": "degraded", "f": "failed", "s": "starting"}


class Host:
    """A host's alerts in a process that may be killed."""

    def __init__(self, folder: Path, sandbox: Sandbox, topic: str = TOPIC) -> None:
        self.folder = folder
        self.environment = sandbox.environment()
        self.topic = topic
        self.ahead_s = 0.0
        self.begin()

    def begin(self) -> None:
        """Start, or start again."""
        command = [
            sys.executable,
            "-m",
            "tests.integration.alerts.alerting",
            str(self.folder),
            self.topic,
            str(self.ahead_s),
        ]
        with (self.folder / "alerts.log").open("ab") as output:
            self.process = subprocess.Popen(
                command, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, text=True
            )
        self.answer()

    def tell(self, **order: object) -> None:
        """Give an order without waiting for what comes of it."""
        assert self.process.stdin is not None
        self.ahead_s += float(str(order.get("pass_s", 0)))
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Wait for what came of an order."""
        assert self.process.stdout is not None
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def order(self, letter: str) -> dict[str, object]:
        """The order for a look, 15 seconds on: r(unning), d(egraded), f(ailed), s(tarting)."""
        return {"pass_s": 15, "statuses": [["logs", WORDS[letter], None if letter == "r" else "why"]]}

    def look(self, letter: str) -> dict[str, Any]:
        """Let 15 seconds pass and look."""
        self.tell(**self.order(letter))
        return self.answer()

    def looks(self, letters: str) -> dict[str, Any]:
        """Look once for each letter; gives the last answer."""
        answer: dict[str, Any] = {}
        for letter in letters:
            answer = self.look(letter)
        return answer

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.communicate()


def labels(sandbox: Sandbox) -> list[str]:
    """The first words of what SNS accepted."""
    return [message.subject.partition("]")[0].strip("[") for message in sandbox.notifications()]
