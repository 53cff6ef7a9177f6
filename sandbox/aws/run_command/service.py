"""Run Command's part of the API of Systems Manager, carried out by the front. The rest is moto's."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sandbox.aws.account import ACCOUNT_ID
from sandbox.aws.answers import ServiceError
from sandbox.aws.dialects import Json11
from sandbox.aws.front_service import Subject, text_of
from sandbox.aws.run_command.documents import check_given, read_document

if TYPE_CHECKING:
    from sandbox.aws.front_service import Operation, Parameters
    from sandbox.aws.run_command.board import Board
    from sandbox.aws.run_command.invocations import Command, Invocation, StepResult

OUTPUT_LIMIT, ERROR_LIMIT, LISTED_LIMIT = 24_000, 8_000, 2_500
"""Characters of stdout, of stderr, and of both together in lists: the head is kept."""
TARGETS_LIMIT_COUNT = 50


class SsmService:
    """Takes documents and commands for the hosts that come to the board."""

    name = "ssm"
    is_complete = False

    def __init__(self, board: Board) -> None:
        self._board = board
        self.dialect = Json11()
        self.operations: dict[str, Operation] = {
            "CreateDocument": self._create_document,
            "GetDocument": self._get_document,
            "DeleteDocument": self._delete_document,
            "SendCommand": self._send_command,
            "CancelCommand": self._cancel_command,
            "GetCommandInvocation": self._get_command_invocation,
            "ListCommandInvocations": self._list_command_invocations,
            "ListCommands": self._list_commands,
            "DescribeInstanceInformation": self._describe_instance_information,
        }

    def subject(self, operation: str, params: Parameters, region: str) -> Subject:
        """Tell what a request is about: a document where one is named. IAM is not asked about the hosts besides."""
        document = text_of(params, "DocumentName") or text_of(params, "Name")
        if document and operation != "ListCommandInvocations":
            arn = f"arn:aws:ssm:{region}:{ACCOUNT_ID}:document/{document}"
            return Subject(target=document, group=document, resource=arn)
        return Subject(target=text_of(params, "CommandId"))

    def _create_document(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        if params.get("DocumentType", "Command") != "Command" or params.get("DocumentFormat", "JSON") != "JSON":
            raise ServiceError("ValidationException", "the sandbox takes documents of type Command in JSON")
        document = read_document(text_of(params, "Name"), text_of(params, "Content"))
        self._board.add_document(document)
        digest = hashlib.sha256(document.text.encode()).hexdigest()
        described = {"Name": document.name, "DocumentVersion": "1", "Status": "Active", "DocumentType": "Command"}
        return {"DocumentDescription": {**described, "Hash": digest, "HashType": "Sha256", "SchemaVersion": "2.2"}}

    def _get_document(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        document = self._board.document(text_of(params, "Name"))
        return {"Name": document.name, "DocumentVersion": "1", "Status": "Active", "Content": document.text}

    def _delete_document(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        self._board.remove_document(text_of(params, "Name"))
        return {}

    def _send_command(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        document = self._board.document(text_of(params, "DocumentName"))
        given = params.get("Parameters") or {}
        check_given(document, given)
        limits = {
            "timeout_s": _between(params.get("TimeoutSeconds", 3600), 30, 2_592_000),
            "max_concurrency": params.get("MaxConcurrency", "50"),
            "max_errors": params.get("MaxErrors", "0"),
            "comment": text_of(params, "Comment"),
        }
        return {"Command": _command(self._board.send(document.name, given, _instance_ids(params), limits))}

    def _cancel_command(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        self._board.cancel(text_of(params, "CommandId"), params.get("InstanceIds") or [])
        return {}

    def _get_command_invocation(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        command_id, instance_id = text_of(params, "CommandId"), text_of(params, "InstanceId")
        try:
            command = self._board.command(command_id)
            invocation = command.invocations[instance_id]
        except (KeyError, ServiceError) as exc:
            raise ServiceError("InvocationDoesNotExist", "") from exc
        step = _step(invocation, text_of(params, "PluginName"))
        is_over = invocation.is_over and step.ended_at > 0
        row = {
            **_named(command, invocation),
            "PluginName": step.name,
            "ResponseCode": step.code if invocation.is_over else -1,
            "ExecutionStartDateTime": _iso(step.started_at),
            "ExecutionElapsedTime": f"PT{step.ended_at - step.started_at:.3f}S" if is_over else "",
            "ExecutionEndDateTime": _iso(step.ended_at),
            "StandardOutputContent": step.stdout[:OUTPUT_LIMIT],
            "StandardErrorContent": step.stderr[:ERROR_LIMIT],
        }
        if len(invocation.steps) > 1 and invocation.is_over:
            row |= {"Status": step.status, "StatusDetails": step.status}
        return row

    def _list_command_invocations(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        wanted, instance_id = text_of(params, "CommandId"), text_of(params, "InstanceId")
        commands = [self._board.command(wanted)] if wanted else self._board.commands()
        rows = [
            {
                **_named(command, invocation),
                "RequestedDateTime": command.requested_at,
                "CommandPlugins": [_plugin(step) for step in invocation.steps] if params.get("Details") else [],
            }
            for command in commands
            for invocation in command.invocations.values()
            if instance_id in {"", invocation.instance_id}
        ]
        return _page(rows, params, "CommandInvocations")

    def _list_commands(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        wanted = text_of(params, "CommandId")
        commands = [self._board.command(wanted)] if wanted else self._board.commands()
        return _page([_command(command) for command in commands], params, "Commands")

    def _describe_instance_information(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        rows = [
            {
                "InstanceId": instance_id,
                "PingStatus": "Online" if is_online else "ConnectionLost",
                "AgentVersion": version,
                "PlatformType": "Linux",
                "ResourceType": "EC2Instance",
            }
            for instance_id, (version, is_online) in sorted(self._board.hosts().items())
        ]
        return _page(rows, params, "InstanceInformationList")


def _instance_ids(params: Parameters) -> list[str]:
    ids = list(params.get("InstanceIds") or [])
    for target in params.get("Targets") or []:
        if target.get("Key") != "InstanceIds":
            raise ServiceError("InvalidTarget", "the sandbox knows targets by InstanceIds only")
        ids += target.get("Values", [])
    if len(ids) > TARGETS_LIMIT_COUNT:
        raise ServiceError("ValidationException", f"more than {TARGETS_LIMIT_COUNT} instances")
    return ids


def _step(invocation: Invocation, name: str) -> StepResult:
    if not name and len(invocation.steps) > 1:
        raise ServiceError("InvalidPluginName", "The document has several steps: name one")
    for step in invocation.steps:
        if name in {"", step.name}:
            return step
    raise ServiceError("InvalidPluginName", f"No step {name}")


def _command(command: Command) -> dict[str, Any]:
    status, detail = command.status()
    over = [one for one in command.invocations.values() if one.is_over]
    return {
        "CommandId": command.command_id,
        "DocumentName": command.document.name,
        "DocumentVersion": "1",
        "Comment": command.comment,
        "Parameters": command.given,
        "InstanceIds": list(command.invocations),
        "RequestedDateTime": command.requested_at,
        "ExpiresAfter": command.deliver_until,
        "Status": status,
        "StatusDetails": detail,
        "MaxConcurrency": command.max_concurrency,
        "MaxErrors": command.max_errors,
        "TargetCount": len(command.invocations),
        "CompletedCount": len(over),
        "ErrorCount": command.error_count(),
        "DeliveryTimedOutCount": sum(one.detail == "DeliveryTimedOut" for one in over),
    }


def _named(command: Command, invocation: Invocation) -> dict[str, Any]:
    return {
        "CommandId": command.command_id,
        "InstanceId": invocation.instance_id,
        "Comment": command.comment,
        "DocumentName": command.document.name,
        "DocumentVersion": "1",
        "Status": invocation.status,
        "StatusDetails": invocation.detail,
    }


def _plugin(step: StepResult) -> dict[str, Any]:
    times = {"ResponseStartDateTime": step.started_at, "ResponseFinishDateTime": step.ended_at}
    output = step.stdout + (f"\n----------ERROR-------\n{step.stderr}" if step.stderr else "")
    row = {"Name": step.name, "Status": step.status, "StatusDetails": step.status, "ResponseCode": step.code}
    return {**row, **{key: at for key, at in times.items() if at}, "Output": output[:LISTED_LIMIT]}


def _page(rows: list[dict[str, Any]], params: Parameters, key: str) -> dict[str, Any]:
    first, count = int(text_of(params, "NextToken") or 0), int(params.get("MaxResults") or 50)
    more = {"NextToken": str(first + count)} if first + count < len(rows) else {}
    return {key: rows[first : first + count], **more}


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z" if at else ""


def _between(value: object, lowest: int, highest: int) -> int:
    if not isinstance(value, int) or not lowest <= value <= highest:
        raise ServiceError("ValidationException", f"Value '{value}' is not between {lowest} and {highest}")
    return value
