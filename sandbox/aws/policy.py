"""IAM as far as the agent's policies need it: allow and deny by action, resource and a few conditions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import translate
from typing import TYPE_CHECKING, Any

from sandbox.aws.account import PRINCIPAL
from sandbox.aws.answers import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_KNOWN_KEYS = frozenset({"Sid", "Effect", "Action", "Resource", "Condition"})
_KNOWN_CONDITIONS = frozenset({
    ("StringEquals", "cloudwatch:namespace"),
    ("StringEquals", "s3:prefix"),
    ("StringLike", "s3:prefix"),
    ("StringEquals", "kms:viaservice"),
    ("StringLike", "kms:viaservice"),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Access:
    """What a request wants: an action (`logs:PutLogEvents`) on a resource, `*` for none.

    `context` holds the values of condition keys, the keys in small letters.
    """

    action: str
    resource: str = "*"
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy, patterns compiled."""

    is_allow: bool
    actions: tuple[re.Pattern[str], ...]
    resources: tuple[re.Pattern[str], ...]
    conditions: tuple[tuple[str, tuple[re.Pattern[str], ...]], ...] = ()

    def covers(self, access: Access) -> bool:
        """Whether the statement speaks of this action on this resource under these conditions, all of them."""
        return (
            any(pattern.fullmatch(access.action) for pattern in self.actions)
            and any(pattern.fullmatch(access.resource) for pattern in self.resources)
            and all(_matches(access.context.get(key), patterns) for key, patterns in self.conditions)
        )


def _matches(value: str | None, patterns: tuple[re.Pattern[str], ...]) -> bool:
    return value is not None and any(pattern.fullmatch(value) for pattern in patterns)


def _patterns(value: object, flags: int = 0) -> tuple[re.Pattern[str], ...]:
    texts: Iterable[object] = value if isinstance(value, list) else [value]
    # IAM knows * and ? only: brackets are plain characters there.
    return tuple(re.compile(translate(str(text).replace("[", "[[]")), flags) for text in texts)


def read_policy(document: dict[str, Any]) -> list[Statement]:
    """Read a policy document.

    Raises:
        ValueError: it uses what is not understood here (NotAction, most conditions, …); guessing would prove nothing.
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
        actions, resources = _patterns(statement["Action"], re.IGNORECASE), _patterns(statement["Resource"])
        read.append(Statement(is_allow, actions, resources, _read_conditions(statement.get("Condition", {}))))
    return read


def _read_conditions(block: dict[str, dict[str, Any]]) -> tuple[tuple[str, tuple[re.Pattern[str], ...]], ...]:
    """Return condition keys and what one of which the value of each must match."""
    found = []
    for operator, tests in block.items():
        for key, value in tests.items() or [("", [])]:
            values = value if isinstance(value, list) else [value]
            # A `${` in a value is a policy variable, which stands for something else.
            if (operator, key.lower()) not in _KNOWN_CONDITIONS or "${" in "".join(values):
                message = f"policy statement uses Condition {operator} {key!r}, which the sandbox does not evaluate"
                raise ValueError(message)
            plain = tuple(re.compile(re.escape(one)) for one in values)
            found.append((key.lower(), _patterns(values) if operator == "StringLike" else plain))
    return tuple(found)


class Gatekeeper:
    """Allows everything until a policy is set; denied actions are denied with or without one."""

    def __init__(self) -> None:
        self._statements: list[Statement] | None = None
        self._denied: tuple[re.Pattern[str], ...] = ()

    def enforce(self, *documents: dict[str, Any]) -> None:
        """Allow only what these policies together allow from now on; none at all allows everything.

        Raises:
            ValueError: one of them is not understood; nothing is changed then.
        """
        read = [statement for document in documents for statement in read_policy(document)]
        self._statements = read if documents else None

    def deny(self, actions: list[str]) -> None:
        """Deny these actions (`logs:GetLogEvents`, `logs:*`), whatever the policy says."""
        self._denied = _patterns(actions, re.IGNORECASE)

    def check(self, access: Access) -> None:
        """Raise AccessDeniedException, in the service's words, unless the access is allowed."""
        statements = self._statements
        covering = [one for one in statements or () if one.covers(access)]
        is_denied = any(pattern.fullmatch(access.action) for pattern in self._denied)
        if is_denied or not all(one.is_allow for one in covering):
            raise denied(access, "with an explicit deny in an identity-based policy")
        if statements is not None and not covering:
            raise not_allowed(access)


def not_allowed(access: Access) -> ServiceError:
    """Return the error for an action that no policy speaks of."""
    return denied(access, f"because no identity-based policy allows the {access.action} action")


def denied(access: Access, reason: str) -> ServiceError:
    """Return the error for an action that is not allowed."""
    where = "" if access.resource == "*" else f" on resource: {access.resource}"
    text = f"User: {PRINCIPAL} is not authorized to perform: {access.action}{where} {reason}"
    return ServiceError("AccessDeniedException", text, key="Message")
