"""Missing privileges: named one by one, each with the statement that gives it."""

from __future__ import annotations

from vawsum_agent.backup.doctor.grants import of_grants
from vawsum_agent.backup.server.privileges import Privilege
from vawsum_agent.core.finding import Finding, Severity


def test_none_missing() -> None:
    """Is told, too."""
    (found,) = of_grants("backup@localhost", [], "here")
    assert found == Finding(Severity.OK, "backup@localhost may dump all of it, and accounts", "here")


def test_each_privilege_once() -> None:
    """With all databases that it is missing on, and a statement for each; names are quoted."""
    lacking = [Privilege("SELECT", "a"), Privilege("EVENT", "a"), Privilege("SELECT", "b`c"), Privilege("RELOAD")]
    found = list(of_grants("ba@ck@10.0.%", lacking, "here"))
    assert [finding.what for finding in found] == [
        "ba@ck@10.0.% has no SELECT on a, b`c: no backup can be made",
        "ba@ck@10.0.% has no EVENT on a: events can't be dumped",
        "ba@ck@10.0.% has no RELOAD: no backup with a position in the binary log can be made",
    ]
    assert found[0].remedy == "GRANT SELECT ON `a`.* TO `ba@ck`@`10.0.%`; GRANT SELECT ON `b``c`.* TO `ba@ck`@`10.0.%`"
    assert {finding.severity for finding in found} == {Severity.PROBLEM}
