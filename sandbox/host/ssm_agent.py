"""A host's SSM Agent: fetches commands from the sandbox, carries them out, reports what became of them.

As in amazon-ssm-agent's runpluginutil: which steps run after which, what exit codes mean, what is kept of the output.
"""

from __future__ import annotations

import threading
import time
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Self

from sandbox.admin_client import SandboxError
from sandbox.aws.account import REGION
from sandbox.host.ssm_script import Ending, Script
from sandbox.host.ssm_text import NEW_AGENT, render

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType

    from sandbox.host.ssm_text import Rendered

Document = dict[str, Any]

WAIT_S = 0.5
"""For which the service holds a question back; `stop` takes as long."""
STOP_LIMIT_S = 10.0
OUTPUT_LIMIT = 24_000
CUT = "--output truncated--"
DEFAULT_TIMEOUT_S, SHORTEST_S, LONGEST_S = 3_600, 5, 172_800
EXIT_WELL, EXIT_FAILED = 168, 169
REBOOTS_LIMIT_COUNT = 10
_SKIPPED_HINT = "\nStep was found to have onFailure property. Further document steps will be skipped."


class SsmAgent:
    """The agent of one host. Use as a context manager; what runs then is killed at its end, as by a power cut.

    Args:
        exchange: how it talks to the service: `Sandbox.exchange_commands`.
        instance_id: whose agent it is.
        folder: where it puts scripts.
        version: decides how parameters arrive.
        environment: what scripts find set beside what every agent sets. There is no HOME in it, as on a real host.
        programs: paths in scripts that are others on this host, such as that of `vawsum-agent`.
        reboot: what exit code 194 does before the step runs again.
    """

    def __init__(
        self,
        exchange: Callable[[Document], Document],
        instance_id: str,
        folder: Path,
        *,
        version: str = NEW_AGENT,
        environment: Mapping[str, str] | None = None,
        programs: Mapping[str, str] | None = None,
        reboot: Callable[[], None] = lambda: None,
    ) -> None:
        self._exchange = exchange
        self._hello: Document = {"instance_id": instance_id, "agent_version": version}
        self._folder = folder
        self._version = version
        self._programs = dict(programs or {})
        self._reboot = reboot
        self._environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "en_US.UTF-8",
            "AWS_SSM_INSTANCE_ID": instance_id,
            "AWS_SSM_REGION_NAME": REGION,
            "AWS_SSM_PLATFORM_NAME": "Debian GNU/Linux",
            **(environment or {}),
        }
        self._lock = threading.Lock()
        self._running: dict[str, _Work] = {}
        self._is_stopped = threading.Event()
        self._listener = threading.Thread(target=self._listen, daemon=True)

    def start(self) -> None:
        """Register with the service; when this returns, commands may be sent."""
        self._exchange(self._hello)
        self._listener.start()

    def stop(self) -> None:
        """End it, and every script that runs; nothing is reported any more. It can't be started again."""
        self._is_stopped.set()
        with self._lock:
            works = list(self._running.values())
        for work in works:
            work.cancel()
        self._listener.join(STOP_LIMIT_S)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _listen(self) -> None:
        while not self._is_stopped.is_set():
            with self._lock:
                running = [name for name, work in self._running.items() if not work.is_cancelled]
            found = self._ask({"wait_s": WAIT_S, "running": running})
            for command_id in found["cancel"]:
                with self._lock:
                    if command_id in self._running:
                        self._running[command_id].cancel()
            for command in found["begin"]:
                self._begin(command)

    def _begin(self, command: Document) -> None:
        command_id: str = command["command_id"]
        rendered = render(command["content"], command["given"], self._version)
        environment = {**self._environment, "SSM_COMMAND_ID": command_id, **rendered.variables}
        work = _Work(rendered, self._folder / command_id, environment, self._programs, self._reboot)
        with self._lock:
            self._running[command_id] = work
        threading.Thread(target=self._work, args=(command_id, work), daemon=True).start()

    def _work(self, command_id: str, work: _Work) -> None:
        rows = work.run()
        with self._lock:
            del self._running[command_id]
        if not self._is_stopped.is_set():
            report = {"command_id": command_id, "steps": rows, "status": _aggregated([row["status"] for row in rows])}
            self._ask({"report": report})

    def _ask(self, message: Document) -> Document:
        """Say something to the service, again and again while it is away; nothing is answered once we are stopped."""
        while not self._is_stopped.is_set():
            try:
                return self._exchange({**self._hello, **message})
            except (OSError, HTTPException, SandboxError):
                self._is_stopped.wait(0.2)
        return {"begin": [], "cancel": []}


class _Work:
    """A document under way."""

    def __init__(
        self,
        rendered: Rendered,
        folder: Path,
        environment: Mapping[str, str],
        programs: Mapping[str, str],
        reboot: Callable[[], None],
    ) -> None:
        self._steps = rendered.steps
        self._folder = folder
        self._environment = environment
        self._programs = programs
        self._reboot = reboot
        self._lock = threading.Lock()
        self._script: Script | None = None
        self.is_cancelled = False

    def cancel(self) -> None:
        with self._lock:
            self.is_cancelled = True
            if self._script is not None:
                self._script.cancel()

    def run(self) -> list[Document]:
        rows: list[Document] = []
        for step in self._steps:
            begun = time.time()
            if self.is_cancelled:
                ending: Ending | None = Ending("Cancelled", 0, "", "")
            elif not _is_for_linux(step) or any(map(_ends_document, self._steps, rows)):
                ending = None
            elif step["action"] != "aws:runShellScript":
                ending = Ending("Failed", 1, "", f"Plugin with name {step['action']} is not supported")
            else:
                ending = self._carry_out(step)
            rows.append(_row(step, ending, begun))
        return rows

    def _carry_out(self, step: Document) -> Ending:
        folder = self._folder / step["name"]
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "_script.sh"
        text = "\n".join(step["inputs"]["runCommand"]) + "\n"
        for there, here in self._programs.items():
            text = text.replace(there, here)
        path.write_text(text)
        path.chmod(0o700)
        stdout = stderr = ""
        for _ in range(REBOOTS_LIMIT_COUNT):
            script = Script(path, self._environment, timeout_s(step["inputs"].get("timeoutSeconds")))
            with self._lock:
                self._script = script
                if self.is_cancelled:
                    script.cancel()
            ending = script.run()
            stdout, stderr = stdout + ending.stdout, stderr + ending.stderr
            if ending.status != "SuccessAndReboot":
                break
            self._reboot()
        return Ending(ending.status, ending.code, stdout, stderr)


def timeout_s(value: object) -> int:
    """How long a step may take: what is no number, or out of bounds, is an hour, without a word."""
    try:
        seconds = int(float(str(value)))
    except ValueError:
        return DEFAULT_TIMEOUT_S
    return seconds if SHORTEST_S <= seconds <= LONGEST_S else DEFAULT_TIMEOUT_S


def _is_for_linux(step: Document) -> bool:
    wanted = step.get("precondition", {}).get("StringEquals", ["platformType", "Linux"])
    return "platformType" not in wanted or "Linux" in wanted


def _ends_document(step: Document, row: Document) -> bool:
    """Whether no step after this one runs. A step that timed out is no failed step: those after it run."""
    if row["code"] in {EXIT_WELL, EXIT_FAILED}:
        return True
    inputs = step["inputs"]
    wanted = {"Failed": inputs.get("onFailure"), "Success": inputs.get("onSuccess")}.get(row["status"])
    return bool(wanted == "exit")


def _row(step: Document, ending: Ending | None, begun: float) -> Document:
    """What is reported of a step; None for one that was skipped."""
    if ending is None:
        return {"name": step["name"], "status": "Skipped", "code": 0}
    status: str = ending.status
    stdout, stderr, code = ending.stdout, ending.stderr, ending.code
    on_failure = step["inputs"].get("onFailure")
    if code == EXIT_WELL:
        status, stderr = "Success", ""
        stdout += (
            "\nStep exited with code 168. Therefore, marking step as succeeded. Further document steps will be skipped."
        )
    elif code == EXIT_FAILED:
        hint = "\nStep exited with code 169. Therefore, marking step as Failed. Further document steps will be skipped."
        stdout, stderr = stdout + hint, stderr + hint
    elif status == "Failed" and on_failure in {"exit", "successAndExit"}:
        stdout, stderr = stdout + _SKIPPED_HINT, stderr + _SKIPPED_HINT
        if on_failure == "successAndExit":
            status, code = "Success", EXIT_WELL
    return {
        "name": step["name"],
        "status": status,
        "code": code,
        "stdout": _head(stdout),
        "stderr": _head(stderr),
        "started_at": begun,
        "ended_at": time.time(),
    }


def _head(text: str) -> str:
    return text if len(text) < OUTPUT_LIMIT else text[: OUTPUT_LIMIT - len(CUT)] + CUT


def _aggregated(states: list[str]) -> str:
    return next((state for state in ("Failed", "TimedOut", "Cancelled") if state in states), "Success")
