"""The exceptions of the agent; foreign ones are mapped to these once, at the boundary that met them.

    AgentError(message, *, hint)      what failed on what, and what to do next
    ├── ConfigError                   the configuration is refused; carries every violation
    ├── StateError                    the state store can't be opened or written
    ├── UsageError                    a command was called wrongly
    ├── BusyError                     another process holds the lock; retryable
    ├── NotRunningError               the daemon's control socket does not answer
    ├── DrainTimeout                  a drain reached its deadline with work left
    ├── BackupError                   a backup, restore, verification or drill failed; nothing counts as done
    ├── DeployError                   a release was not published or deployed; what served before serves still
    └── AwsError                      an AWS call failed
        ├── Throttled                 refused for its rate; not done; retryable
        ├── Unavailable               no answer, or one that leaves open whether it was done; retryable
        ├── AccessDenied              the policy does not allow it; retryable, since policies get mended
        ├── NotFound                  the resource does not exist
        └── Rejected                  the request itself is invalid; the same request fails again

A user sees ``message`` and ``hint`` on one line, never a traceback.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vawsum_agent.core.text import toml


class AgentError(Exception):
    """Something failed in a way we understand.

    Attributes:
        message: what failed, and on what.
        hint: what a person can do next; empty when there is nothing to add.
        retryable: whether the same attempt may succeed later without anybody's help.
        exit_code: the process exit code when a command ends with it (sysexits.h where one fits).
    """

    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with the configuration; ``key`` is empty when it is the file itself."""

    file: str
    key: str
    value: object
    expected: str

    def __str__(self) -> str:
        found = f"{self.key} = {toml(self.value)}" if self.key else str(self.value)
        return f"{self.file}: {found}: expected {self.expected}"


class ConfigError(AgentError):
    """The configuration is refused. ``violations`` holds all that is wrong with it, never only the first."""

    exit_code = 78

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__("\n".join(map(str, violations)))
        self.violations = violations


class StateError(AgentError):
    """The state store can't be opened, read or written."""


class UsageError(AgentError):
    """A command was called with arguments that make no sense."""

    exit_code = 64


class BusyError(AgentError):
    """Another process holds what this one needs."""

    retryable = True
    exit_code = 75


class NotRunningError(AgentError):
    """The daemon does not answer on its control socket."""


class DrainTimeout(AgentError):
    """The deadline of a drain passed with work left; nothing unaccepted was counted as done."""


class BackupError(AgentError):
    """A backup, restore, verification or drill failed. What was there before is as it was."""


class DeployError(AgentError):
    """A release was not published, deployed or taken back. What was served before still is, unless it says so."""


class AwsError(AgentError):
    """An AWS call failed.

    Attributes:
        operation: the API's name of the call, such as ``PutLogEvents``.
        code: the error code of the service, or the class of the network failure.
    """

    def __init__(self, message: str, *, operation: str = "", code: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.operation = operation
        self.code = code


class Throttled(AwsError):
    """Refused for its rate. It was not carried out."""

    retryable = True


class Unavailable(AwsError):
    """The service failed, or no answer came.

    Attributes:
        maybe_done: the request may have been carried out all the same; False only where it provably
            never reached the service (a refused connection, an unknown name).
    """

    retryable = True

    def __init__(
        self, message: str, *, operation: str = "", code: str = "", hint: str = "", maybe_done: bool = True
    ) -> None:
        super().__init__(message, operation=operation, code=code, hint=hint)
        self.maybe_done = maybe_done


class AccessDenied(AwsError):
    """The credentials are missing, expired, or not allowed to do this."""

    retryable = True


class NotFound(AwsError):
    """The resource does not exist."""


class Rejected(AwsError):
    """The service calls the request invalid; the same request will fail again."""
