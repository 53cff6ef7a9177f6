"""The end of the images scene: what was uploaded against what is in S3, in the folder, and within visitors' reach."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

HEADINGS = ("pictures", "count")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagesVerdict:
    """What has to be right.

    Attributes:
        uploaded: digest of each picture, as it was uploaded last.
        stored: digest of each object, by the name that the picture had.
        local: what is left in the folder, the quarantine included.
        reached: pictures that visitors got in the end, where the host led them to.
        here, there: how often a visitor got a picture meanwhile: from the host, and where it led to.
        wrong: what visitors got instead of a picture.
        script: name of the file that is none.
        left_alone: how many files the daemon says that it leaves alone, by reason.
        refused: uploads that the host did not take: then there is nothing to prove.
        violations: requests that broke a rule of the service.
    """

    uploaded: Mapping[str, str]
    stored: Mapping[str, str]
    local: frozenset[str]
    reached: frozenset[str]
    here: int
    there: int
    wrong: Sequence[str]
    script: str
    left_alone: Mapping[str, int]
    refused: Sequence[str]
    violations: int

    @property
    def moved(self) -> frozenset[str]:
        """Pictures that are whole in the bucket and not in the folder any more."""
        return frozenset(
            name for name, digest in self.uploaded.items() if self.stored.get(name) == digest and name not in self.local
        )

    def rows(self) -> list[tuple[str, ...]]:
        """Return rows for `HEADINGS`."""
        figures = {
            "uploaded": len(self.uploaded),
            "moved: in the bucket byte by byte, and gone from the host": len(self.moved),
            "reachable: the host leads to them, and they are there": len(self.reached),
            "looked at while they moved, on the host": self.here,
            "looked at while they moved, where the host led to": self.there,
            "answers other than 200": len(self.wrong),
            "left alone": len(self.local),
        }
        return [(name, f"{figure:,}") for name, figure in figures.items()]

    def promises(self) -> dict[str, bool]:
        """Return what was promised and whether it holds."""
        count = len(self.uploaded)
        is_whole = self.uploaded.keys() == self.stored.keys() == self.moved == self.reached
        told = ", ".join(f"{number} {reason}" for reason, number in self.left_alone.items()) or "nothing"
        return {
            f"uploaded = moved = reachable: {count:,} = {len(self.moved):,} = {len(self.reached):,}": is_whole
            and count > 0,
            f"answers other than 200 to {self.here + self.there + len(self.wrong):,} visits, or with other bytes: "
            f"{len(self.wrong)}": not self.wrong and min(self.here, self.there) > 0,
            f"left alone: {len(self.local)}, the script; the daemon says: {told}": self.local == {self.script}
            and self.left_alone == {"php-code": 1},
            f"uploads that the host did not take: {len(self.refused)}": not self.refused,
            f"violations of the service's rules: {self.violations}": not self.violations,
        }


def read_left_alone(component: Mapping[str, Any]) -> dict[str, int]:
    """Read how many files are left alone, by reason, from the `images` component of a status."""
    counts: dict[str, int] = {}
    for folder in component.get("details", {}).get("folders", []):
        for reason, count in folder["refused"].items():
            counts[reason] = counts.get(reason, 0) + count
    return counts


def files_below(folder: Path) -> frozenset[str]:
    """Return what lies in a folder, the quarantine included, by paths below it."""
    return frozenset(
        os.path.relpath(os.path.join(inner, name), folder)  # noqa: PTH118 - as walk gives it
        for inner, _, names in os.walk(folder)
        for name in names
    )
