"""A finding says its place once."""

from __future__ import annotations

import pytest

from vawsum_agent.metrics.doctor.place import without_place


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("/x.cnf has no section [client]", "has no section [client]"),
        ("line 3 of /x.cnf is no option", "line 3 is no option"),
        ("port in /x.cnf is no number", "port is no number"),
        ("MySQL at /x.cnf: Access denied", "MySQL: Access denied"),
        ("Apache's status page /x.cnf answered 404", "Apache's status page answered 404"),
        ("/x.cnf.old is open", "/x.cnf.old is open"),
        ("look into my/x.cnf", "look into my/x.cnf"),
        ("it is down", "it is down"),
    ],
)
def test_place_is_left_out(message: str, expected: str) -> None:
    """With the word that leads to it; another place that merely begins or ends alike stays."""
    assert without_place(message, "/x.cnf") == expected
