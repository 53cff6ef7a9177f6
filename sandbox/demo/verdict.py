"""The end of the logs scene: every entry in the files against every event in CloudWatch, log by log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.host.logs import written_bytes, written_entries, written_parts
from sandbox.proof import Proof, find_ids, prove_sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.client import Sandbox
    from sandbox.host.logs import LogFile

HEADINGS = ("log", "written", "arrived", "lost", "twice", "merged or cut", "out of order")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The proofs by log, and what else has to be right.

    Attributes:
        proofs: one a log.
        unlogged: visits that were served and stand in no file: then the proof itself would be worth nothing.
        violations: requests that broke a rule of the service.
    """

    proofs: dict[str, Proof]
    unlogged: int
    violations: int

    @property
    def is_clean(self) -> bool:
        """Whether nothing is missing, doubled, damaged or refused."""
        return all(proof.is_clean for proof in self.proofs.values()) and not self.unlogged and not self.violations

    def rows(self) -> list[tuple[str, ...]]:
        """Return the table's rows, with the sums last."""
        rows = {name: _figures(proof) for name, proof in self.proofs.items()}
        sums = tuple(sum(column) for column in zip(*rows.values(), strict=True))
        return [(name, *(f"{figure:,}" for figure in figures)) for name, figures in {**rows, "all": sums}.items()]


def _figures(proof: Proof) -> tuple[int, ...]:
    return (
        proof.written,
        proof.arrived,
        len(proof.lost),
        len(proof.twice),
        len(proof.mangled),
        proof.out_of_order,
    )


def written_texts(log: LogFile) -> dict[str, str | None]:
    """Return what a log's files hold, as id and exact text in the order of writing; notices without an id left out."""
    return {found[0]: entry for entry in written_entries(log) if (found := find_ids(entry))}


def _parts(log: LogFile) -> dict[str, int]:
    """Return the number of the file that each id stands in."""
    return {key: number for number, part in enumerate(written_parts(log)) for entry in part for key in find_ids(entry)}


@dataclass(frozen=True, slots=True)
class Ledger:
    """The byte ledger of `status`, all files together, beside what the files hold."""

    in_files: int
    accepted: int
    dropped: int
    pending: int

    @property
    def is_balanced(self) -> bool:
        """Whether every byte in the files was accepted."""
        return self.in_files == self.accepted and not self.dropped and not self.pending

    def __str__(self) -> str:
        return (
            f"{self.in_files:,} bytes in the files; the ledger in status: {self.accepted:,} accepted, "
            f"{self.dropped:,} dropped, {self.pending:,} pending"
        )


def read_ledger(component: Mapping[str, Any], logs: Sequence[LogFile]) -> Ledger:
    """Sum up the ledger in the `logs` component of a status."""
    rows = component.get("details", {}).get("files", [])
    accepted, dropped, pending = (
        sum(row[key] for row in rows) for key in ("accepted_bytes", "dropped_bytes", "pending_bytes")
    )
    return Ledger(sum(map(written_bytes, logs)), accepted, dropped, pending)


def judge(sandbox: Sandbox, logs: Sequence[LogFile], groups: dict[str, str], served: Sequence[str]) -> Verdict:
    """Compare files and service.

    Args:
        sandbox: the service.
        logs: the host's logs.
        groups: the log group by log name.
        served: ids of visits that were surely served; each stands in the access log.
    """
    texts = {log.name: written_texts(log) for log in logs}
    proofs = {
        log.name: prove_sandbox(sandbox, texts[log.name], group=groups[log.name], parts=_parts(log)) for log in logs
    }
    unlogged = len(set(served) - set(texts["apache-access"]))
    return Verdict(proofs, unlogged, len(sandbox.violations()))
