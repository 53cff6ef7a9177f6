"""Who this host is, as it is named in AWS."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """Resolved once at start: a name that changed while running would split a log stream in two.

    Attributes:
        instance_id: of the configuration, else of the instance metadata, else the host name.
        hostname: as the kernel has it.
        environment, role: of the configuration.
    """

    instance_id: str
    hostname: str
    environment: str
    role: str

    def placeholders(self) -> dict[str, str]:
        """The values that templates such as ``log_group`` may name; a source adds its own."""
        return {
            "instance_id": self.instance_id,
            "hostname": self.hostname,
            "environment": self.environment,
            "role": self.role,
        }
