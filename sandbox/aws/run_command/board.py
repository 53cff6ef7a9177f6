"""All documents and commands, and what hosts fetch and report. Threads may call it at once."""

from __future__ import annotations

import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from sandbox.aws.answers import ServiceError
from sandbox.aws.run_command.invocations import Command, Invocation, StepResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.aws.run_command.documents import CommandDocument

ONLINE_S = 30.0
"""A host that did not ask for this long has lost its connection."""
LONGEST_WAIT_S = 20.0


class Board:
    """Where commands are put up, and hosts come to look.

    Args:
        now: the service's time, in seconds since the epoch.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._changed = threading.Condition()
        self._documents: dict[str, CommandDocument] = {}
        self._commands: dict[str, Command] = {}
        self._hosts: dict[str, tuple[str, float]] = {}

    def clear(self) -> None:
        """Forget documents and commands; the hosts stay."""
        with self._changed:
            self._documents.clear()
            self._commands.clear()

    def add_document(self, document: CommandDocument) -> None:
        """Keep a document; a name is taken once."""
        with self._changed:
            if document.name in self._documents:
                raise ServiceError("DocumentAlreadyExists", f"Document {document.name} already exists")
            self._documents[document.name] = document

    def remove_document(self, name: str) -> None:
        """Forget a document; commands that were sent keep theirs."""
        with self._changed:
            self._document(name)
            del self._documents[name]

    def document(self, name: str) -> CommandDocument:
        """Return a document by its name."""
        with self._changed:
            return self._document(name)

    def send(
        self, name: str, given: dict[str, list[str]], instance_ids: list[str], limits: Mapping[str, Any]
    ) -> Command:
        """Put up a command for hosts that have come at least once.

        Args:
            name: of the document.
            given: the parameters, checked.
            instance_ids: of the hosts.
            limits: `timeout_s` for delivery, and `Command`'s `max_concurrency`, `max_errors`, `comment`.
        """
        with self._changed:
            unknown = [one for one in instance_ids if one not in self._hosts]
            if unknown or not instance_ids:
                raise ServiceError(
                    "InvalidInstanceId", f"Instances [{', '.join(unknown)}] not in a valid state for account"
                )
            document, now = self._document(name), self._now()
            steps = document.step_names
            command = Command(
                str(uuid.uuid4()),
                document,
                given,
                now,
                now + limits["timeout_s"],
                **{key: value for key, value in limits.items() if key != "timeout_s"},
                invocations={one: Invocation(one, [StepResult(step) for step in steps]) for one in instance_ids},
            )
            self._commands[command.command_id] = command
            self._changed.notify_all()
            return command

    def cancel(self, command_id: str, instance_ids: list[str]) -> None:
        """Cancel a command, or what is left of it, on these hosts or all."""
        with self._changed:
            self._command(command_id).cancel(instance_ids)
            self._changed.notify_all()

    def command(self, command_id: str) -> Command:
        """Return a command by its id, as it stands."""
        with self._changed:
            return self._command(command_id)

    def commands(self) -> list[Command]:
        """Return all commands, the newest first."""
        with self._changed:
            for command in self._commands.values():
                command.settle(self._now())
            return list(reversed(self._commands.values()))

    def hosts(self) -> dict[str, tuple[str, bool]]:
        """Return agent version and whether it is online, by instance id."""
        with self._changed:
            return {one: (version, self._now() - seen < ONLINE_S) for one, (version, seen) in self._hosts.items()}

    def exchange(self, document: dict[str, Any]) -> dict[str, Any]:
        """Take a host's report, or hand it what it has to begin and to cancel, waiting a while for either.

        Not Systems Manager's own message protocol, which is not public, but with its effects: a command is handed out
        once, and told to have ended once.
        """
        instance_id = document["instance_id"]
        with self._changed:
            self._hosts[instance_id] = (document["agent_version"], self._now())
            if "report" in document:
                self._take_report(instance_id, document["report"])
                return {}
            if "wait_s" not in document:
                return {}  # it only says that it is there
            deadline = time.monotonic() + min(float(document["wait_s"]), LONGEST_WAIT_S)
            running = set(document.get("running", ()))
            while True:
                found = self._found(instance_id, running)
                left = deadline - time.monotonic()
                if found["begin"] or found["cancel"] or left <= 0:
                    return found
                self._changed.wait(left)

    def _take_report(self, instance_id: str, report: dict[str, Any]) -> None:
        command = self._commands.get(report["command_id"])
        if command is not None and not command.invocations[instance_id].is_over:
            command.invocations[instance_id].report(report)
            self._changed.notify_all()

    def _found(self, instance_id: str, running: set[str]) -> dict[str, Any]:
        begin, cancel = [], []
        for command in self._commands.values():
            command.settle(self._now())
            if command.is_next(instance_id):
                command.invocations[instance_id].set("InProgress")
                row = {"command_id": command.command_id, "content": command.document.content, "given": command.given}
                begin.append(row)
            one = command.invocations.get(instance_id)
            if one is not None and one.status == "Cancelling" and command.command_id in running:
                cancel.append(command.command_id)
        return {"begin": begin, "cancel": cancel}

    def _document(self, name: str) -> CommandDocument:
        if name not in self._documents:
            raise ServiceError("InvalidDocument", f"Document with name {name} does not exist.")
        return self._documents[name]

    def _command(self, command_id: str) -> Command:
        if command_id not in self._commands:
            raise ServiceError("InvalidCommandId", f"No command {command_id}")
        command = self._commands[command_id]
        command.settle(self._now())
        return command
