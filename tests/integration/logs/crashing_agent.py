"""An agent whose first life ends at an exact step."""

from __future__ import annotations

import subprocess
import sys

from sandbox.client import REPOSITORY
from tests.integration.logs.running import RunningAgent


class CrashingAgent(RunningAgent):
    """An agent whose first life ends at a step."""

    def start_to_die(self, step: str, when: str, number: int) -> None:
        """Start the daemon that will die."""
        command = [sys.executable, "-m", "tests.integration.logs.crashing", step, when, str(number), str(self.config)]
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                command, cwd=REPOSITORY, env=self._environment, stdout=output, stderr=output, start_new_session=True
            )
