"""What is wrong with a request to CloudWatch metrics, gathered and then said at once, as the service does."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sandbox.aws.answers import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

INVALID = "InvalidParameterException"
MISSING = "MissingParameter"
COMBINATION = "InvalidParameterCombination"
UNREADABLE = "SerializationException"


class _Problem(NamedTuple):
    code: str
    text: str
    is_violation: bool


class Problems:
    """Gathers problems. `settle` raises them; those of another kind than the first are left for the next try."""

    def __init__(self) -> None:
        self._found: list[_Problem] = []

    def invalid(self, text: str, *, is_violation: bool = True) -> None:
        """Note a parameter whose value is out of bounds."""
        self._found.append(_Problem(INVALID, text, is_violation))

    def value(self, value: object, where: str) -> None:
        """Note a value that is not allowed there."""
        self.invalid(f"The value {value} for parameter {where} is invalid.")

    def not_in(self, where: str, known: Iterable[str]) -> None:
        """Note a value that is none of those known."""
        self.invalid(f"The parameter {where} must be a value in the set [ {', '.join(known)} ].")

    def oversized(self, where: str, limit_count: int) -> None:
        """Note a list that is too long."""
        self.invalid(f"The collection {where} must not have a size greater than {limit_count}.")

    def missing(self, where: str) -> None:
        """Note a parameter that must be there."""
        self._found.append(_Problem(MISSING, f"The parameter {where} is required.", is_violation=True))

    def combined(self, text: str) -> None:
        """Note parameters that don't go together."""
        self._found.append(_Problem(COMBINATION, text, is_violation=True))

    def combination(self, given: Sequence[str], possible: Sequence[str]) -> None:
        """Note that not exactly one of the possible parameters is given."""
        if given:
            self.combined(f"The parameters {' and '.join(given)} are mutually exclusive.")
        else:
            self.combined(f"At least one of the parameters {' and '.join(possible)} must be specified.")

    def unreadable(self, where: str) -> None:
        """Note a value of a type that can't stand there."""
        self._found.append(_Problem(UNREADABLE, f"The parameter {where} has the wrong type.", is_violation=True))

    def settle(self) -> None:
        """Raise what was found, if anything was."""
        if not self._found:
            return
        code = self._found[0].code
        text = "\n".join(problem.text for problem in self._found if problem.code == code)
        raise ServiceError(code, text, is_violation=any(problem.is_violation for problem in self._found))
