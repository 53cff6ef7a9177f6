"""What a service that the front carries out itself looks like to the gate. No service is named here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sandbox.aws.answers import Answer, ServiceError
    from sandbox.aws.wire import Head

Parameters = dict[str, Any]
Operation = Callable[[Parameters, str, str], dict[str, Any]]
"""Takes parameters, the request's id and the region; returns the answer's document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a request is about.

    Attributes:
        target: its name in the list of violations.
        group: what a fault's `group` is compared with.
        resource: the ARN that IAM checks it against; `*` for operations without one.
        context: values of IAM's condition keys, keys in small letters.
        lane: the name under which it is counted while it runs; empty where nobody asks.
        texts: what `poison` looks for its text in.
    """

    target: str = ""
    group: str = ""
    resource: str = "*"
    context: Mapping[str, str] = field(default_factory=dict)
    lane: str = ""
    texts: tuple[str, ...] = ()


class Dialect(Protocol):
    """How a service's requests and answers are written."""

    is_named_in_body: bool
    """Whether the operation's name stands in the body, so that nothing is known before it is read."""

    def read(self, head: Head, body: bytes) -> Parameters:
        """Return a request's parameters, or raise the service's error."""

    def answer(self, operation: str, document: dict[str, Any], request_id: str) -> Answer:
        """Write down what an operation returned."""

    def refusal(self, error: ServiceError, head: Head, request_id: str) -> Answer:
        """Write down an error."""

    def code(self, error: ServiceError) -> str:
        """Return the error's code as this service's clients see it."""


class FrontService(Protocol):
    """A service of which the front carries out some operations itself."""

    name: str
    """As in IAM's actions and in faults."""

    is_complete: bool
    """Whether operations it does not know are refused; otherwise they are moto's."""

    @property
    def dialect(self) -> Dialect:
        """How it is spoken to."""

    @property
    def operations(self) -> Mapping[str, Operation]:
        """What it carries out, by name."""

    def subject(self, operation: str, params: Parameters, region: str) -> Subject:
        """Tell what a request is about, however wrong its parameters are."""


def text_of(params: Parameters, key: str) -> str:
    """Return a parameter if it is a text, else an empty one: for naming a request, not for judging it."""
    value = params.get(key)
    return value if isinstance(value, str) else ""
