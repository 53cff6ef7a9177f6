"""The documents of packaging/ssm, and their scripts run as an SSM Agent would, with stand-ins for every program."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.host.ssm_text import render

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parents[3] / "packaging/ssm"
PATHS = sorted(FOLDER.glob("*.json"))
AGENT = "/usr/bin/vawsum-agent"
SHELLS = [name for name in ("dash", "bash") if Path("/bin", name).exists()]
"""What `sh` is: on Debian and its kin, and on Amazon Linux and its."""
TRAPS = ("id", "rm", "touch", "cat", "curl")
Document = dict[str, Any]


def read(name: str) -> Document:
    """A document by its name."""
    document: Document = json.loads((FOLDER / f"{name}.json").read_text())
    return document


def script(document: Document, given: Mapping[str, str], agent_version: str) -> tuple[str, dict[str, str]]:
    """The script of a document's only step and the variables it finds, as an agent of this version makes them."""
    rendered = render(document, given, agent_version)
    (step,) = rendered.steps
    return "\n".join(step["inputs"]["runCommand"]) + "\n", rendered.variables


@dataclass(frozen=True)
class Ran:
    """How a script ended: what the agent's command was called with, if at all, and which other programs ran."""

    code: int
    calls: list[list[str]]
    stdout: str
    complaints: list[str]
    trapped: list[str]


class Workshop:
    """A folder with a stand-in for the agent's command, and traps for whatever else might be called."""

    def __init__(self, folder: Path, shell: str = SHELLS[0], exit_code: int = 0) -> None:
        self._folder = folder
        self._shell = shell
        self._calls, self._trapped = folder / "calls", folder / "trapped"
        (folder / "bin").mkdir()
        (folder / "here").mkdir()
        stub = "#!/bin/sh\n{ for word; do printf '%s\\0' \"$word\"; done; printf '\\n'; } >>" + f"'{self._calls}'\n"
        self.program = self._put("vawsum-agent", f"{stub}echo result\nexit {exit_code}\n")
        for trap in TRAPS:
            self._put(trap, f"#!/bin/sh\necho {trap} >>'{self._trapped}'\n")

    def _put(self, name: str, text: str) -> Path:
        path = self._folder / "bin" / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def run(self, text: str, variables: Mapping[str, str]) -> Ran:
        """Run a script to its end, with nothing else on the PATH than stand-ins."""
        self._calls.write_bytes(b"")
        self._trapped.write_text("")
        path = self._folder / "_script.sh"
        path.write_bytes(text.replace(AGENT, str(self.program)).encode("utf-8", "surrogateescape"))
        ended = subprocess.run(
            [Path("/bin", self._shell), path],
            cwd=self._folder / "here",
            env={"PATH": str(self._folder / "bin"), "LANG": "en_US.UTF-8", **variables},
            capture_output=True,
            check=False,
        )
        return Ran(
            code=ended.returncode,
            calls=[line.decode().split("\0")[:-1] for line in self._calls.read_bytes().split(b"\n")[:-1]],
            stdout=ended.stdout.decode(),
            complaints=ended.stderr.decode(errors="replace").splitlines(),
            trapped=[*self._trapped.read_text().split(), *map(str, (self._folder / "here").iterdir())],
        )
