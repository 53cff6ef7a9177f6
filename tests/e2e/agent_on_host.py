"""The agent on a booted host, pointed at a local AWS: what the tests in this folder say and ask."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from sandbox.client import Sandbox
    from tests.e2e.host.booted import BootedHost
    from tests.e2e.web_server import WebServer

UNIT = "vawsum-agent.service"
DROP_IN = "/etc/systemd/system/vawsum-agent.service.d/test.conf"
CONFIGURATION = "/etc/vawsum-agent/agent.toml"
ACCESS = "/vawsum/test/apache-access"
FPM = "/vawsum/test/php-fpm"
CONFIG = """
[agent]
role = "web"
environment = "test"
instance_id = "i-0e2e"
region = "ap-south-1"

[logs]
flush_interval = "500ms"

[[logs.source]]
name = "apache-access"
paths = ["/var/log/apache2/*access.log"]
format = "apache-access"
log_group = "/vawsum/{environment}/apache-access"

[[logs.source]]
name = "php-fpm"
paths = ["/var/log/php*-fpm.log"]
format = "php-fpm"
log_group = "/vawsum/{environment}/php-fpm"
"""


class LedgerRow(TypedDict):
    """One file in the logs' byte ledger, as far as these tests look at it."""

    source: str
    read_bytes: int
    accepted_bytes: int
    dropped_bytes: int
    pending_bytes: int


class AgentOnHost:
    """The daemon under systemd, as a person at the host sees it."""

    def __init__(self, host: BootedHost, sandbox: Sandbox) -> None:
        self.host = host
        self.sandbox = sandbox

    def configure(self, configuration: str, *, directives: tuple[str, ...] = ()) -> None:
        """Write the configuration, and a drop-in with the local AWS and more ``[Service]`` directives."""
        self.host.write(CONFIGURATION, configuration, mode=0o640, owner="root:vawsum-agent")
        ours = {key: value for key, value in self.sandbox.environment().items() if key.startswith("AWS_")}
        lines = [f'Environment="{key}={value}"' for key, value in ours.items()]
        self.host.write(DROP_IN, "\n".join(("[Service]", *lines, *directives, "")))
        self.host.run("systemctl daemon-reload")

    def start(self) -> None:
        """Start the unit; Type=notify, so this returns when the daemon has said that it is ready."""
        self.host.run(
            f"systemctl reset-failed {UNIT}; systemctl start {UNIT} || {{ journalctl -u {UNIT} -n 50; false; }}"
        )

    def stop(self) -> None:
        """Stop the unit; the daemon drains."""
        self.host.run(f"systemctl stop {UNIT}")

    def show(self, property_name: str) -> str:
        """A property of the unit, as ``systemctl show`` gives it."""
        return self.host.run(f"systemctl show --value --property={property_name} {UNIT}").stdout.strip()

    def status(self) -> dict[str, Any]:
        """``vawsum-agent status --json``, whatever its exit code says."""
        answer: dict[str, Any] = json.loads(self.host.run("vawsum-agent status --json", check=False).stdout)
        return answer

    def arrived(self, group: str) -> list[str]:
        """The messages of a log group, stream by stream, as the service holds them."""
        return [event.message for _, _, event in self.sandbox.all_events(group)]

    def ledger(self) -> list[LedgerRow]:
        """The rows of the logs' byte ledger, one a file."""
        logs = next(part for part in self.status()["components"] if part["name"] == "logs")
        files: list[LedgerRow] = logs["details"]["files"]
        return files

    def assert_everything_arrives(self, web_server: WebServer) -> None:
        """Wait until as much arrived as was written; then it has to be the same lines, each once."""
        written = web_server.logged()
        assert written
        self.host.wait_for(
            f"{len(written)} access log lines at CloudWatch",
            lambda: self.sandbox.count(ACCESS) >= len(written),
            timeout_s=60,
        )
        # A second copy would come now, if one were to come.
        self.host.wait_for("an empty backlog", lambda: all(file["pending_bytes"] == 0 for file in self.ledger()))
        assert sorted(self.arrived(ACCESS)) == sorted(written)
        assert self.sandbox.violations() == []
