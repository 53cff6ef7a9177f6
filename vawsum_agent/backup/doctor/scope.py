"""Which objects a lifecycle rule is about, in all the forms in which the API may tell it. Pure.

Filter: {}                                        every object
Filter: {"Prefix": …} {"Tag": {…}}                one condition; also {"ObjectSizeGreaterThan": …} and its like
Filter: {"And": {"Prefix": …, "Tags": […], …}}    several, all of which have to hold
Prefix: …                                         beside no Filter: rules from before 2016
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Scope:
    """What a rule is about.

    Attributes:
        prefix: of keys; empty: all.
        tags: all of which an object must bear.
        has_sizes: it is about objects of some sizes alone.
    """

    prefix: str
    tags: frozenset[tuple[str, str]]
    has_sizes: bool

    def covers(self, folder: str) -> bool:
        """Whether every key in a folder is meant, as far as its prefix goes."""
        return folder.startswith(self.prefix)

    def touches(self, folder: str) -> bool:
        """Whether some key in a folder may be meant."""
        return folder.startswith(self.prefix) or self.prefix.startswith(folder)


def scope_of(rule: Mapping[str, Any]) -> Scope:
    """Read it from a rule as the API gives it."""
    told = rule.get("Filter")
    if told is None:
        return Scope(str(rule.get("Prefix") or ""), frozenset(), has_sizes=False)
    conditions = told.get("And") or told
    tags = [*conditions.get("Tags", ()), *([conditions["Tag"]] if conditions.get("Tag") else [])]
    return Scope(
        str(conditions.get("Prefix") or ""),
        frozenset((str(tag["Key"]), str(tag["Value"])) for tag in tags),
        has_sizes="ObjectSizeGreaterThan" in conditions or "ObjectSizeLessThan" in conditions,
    )
