"""IAM as far as the logs policy needs it: allow and deny by action and resource."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate
from typing import TYPE_CHECKING, Any

from sandbox.aws.answers import ServiceError
from sandbox.aws.logs_service import ACCOUNT_ID, group_arn

if TYPE_CHECKING:
    from collections.abc import Iterable

PRINCIPAL = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/vawsum-agent/i-0sandbox"
_ON_STREAM = frozenset({"PutLogEvents", "GetLogEvents"})
_KNOWN_KEYS = frozenset({"Sid", "Effect", "Action", "Resource"})


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy, patterns compiled."""

    is_allow: bool
    actions: tuple[re.Pattern[str], ...]
    resources: tuple[re.Pattern[str], ...]

    def covers(self, action: str, resource: str) -> bool:
        """Whether the statement speaks of this action on this resource."""
        return any(pattern.fullmatch(action) for pattern in self.actions) and any(
            pattern.fullmatch(resource) for pattern in self.resources
        )


def _patterns(value: object, flags: int = 0) -> tuple[re.Pattern[str], ...]:
    texts: Iterable[object] = value if isinstance(value, list) else [value]
    # IAM knows * and ? only: brackets are plain characters there.
    return tuple(re.compile(translate(str(text).replace("[", "[[]")), flags) for text in texts)


def read_policy(document: dict[str, Any]) -> list[Statement]:
    """Read a policy document.

    Raises:
        ValueError: it uses what is not understood here (conditions, NotAction, …); guessing would prove nothing.
    """
    statements = document["Statement"]
    if isinstance(statements, dict):
        statements = [statements]
    read = []
    for statement in statements:
        unknown = set(statement) - _KNOWN_KEYS
        if unknown:
            message = f"policy statement uses {sorted(unknown)}, which the sandbox does not evaluate"
            raise ValueError(message)
        is_allow = statement["Effect"] == "Allow"
        read.append(
            Statement(is_allow, _patterns(statement["Action"], re.IGNORECASE), _patterns(statement["Resource"]))
        )
    return read


def resource_of(operation: str, group: str, stream: str, region: str) -> str:
    """Return the ARN an operation is checked against, in the service's own form."""
    return f"{group_arn(group, region)}:log-stream:{stream if operation in _ON_STREAM else ''}"


class Gatekeeper:
    """Allows everything until a policy is set; denied actions are denied with or without one."""

    def __init__(self) -> None:
        self._statements: list[Statement] | None = None
        self._denied: tuple[re.Pattern[str], ...] = ()

    def enforce(self, document: dict[str, Any] | None) -> None:
        """Allow only what the policy allows from now on; None allows everything."""
        self._statements = None if document is None else read_policy(document)

    def deny(self, actions: list[str]) -> None:
        """Deny these actions (`logs:GetLogEvents`, `logs:*`), whatever the policy says."""
        self._denied = _patterns(actions, re.IGNORECASE)

    def check(self, operation: str, group: str, stream: str, region: str) -> None:
        """Raise AccessDeniedException, in the service's words, unless the operation is allowed."""
        action, resource = f"logs:{operation}", resource_of(operation, group, stream, region)
        statements = self._statements
        covering = [one for one in statements or () if one.covers(action, resource)]
        if any(pattern.fullmatch(action) for pattern in self._denied) or not all(one.is_allow for one in covering):
            raise denied(action, resource, "with an explicit deny in an identity-based policy")
        if statements is not None and not covering:
            raise denied(action, resource, f"because no identity-based policy allows the {action} action")


def denied(action: str, resource: str, reason: str) -> ServiceError:
    """Return the error for an action that is not allowed."""
    text = f"User: {PRINCIPAL} is not authorized to perform: {action} on resource: {resource} {reason}"
    return ServiceError("AccessDeniedException", text, key="Message")
