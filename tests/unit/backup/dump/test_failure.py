"""What a client says on stderr becomes one line and what to do about it."""

from __future__ import annotations

import pytest

from vawsum_agent.backup.dump.failure import TableChanged, failure_of


@pytest.mark.parametrize(
    ("exit_code", "words", "message"),
    [
        (2, 'mariadb-dump: Got error: 1045: "Access denied for user" when trying to connect', "not let in"),
        (3, "mariadb-dump: Error 2013: Lost connection to server during query when dumping `t`", "cut the connection"),
        (2, "mysqldump: Couldn't execute 'SHOW FIELDS FROM `v`': View 'd.v' references … (1356)", "a view names"),
        (2, 'mysqldump: Got error: 1044: "Access denied" when using LOCK TABLES', "may not do this"),
        (-9, "", "signal 9"),
        (7, "mariadb-dump: unknown variable 'x'", "exit code 7"),
    ],
)
def test_causes(exit_code: int, words: str, message: str) -> None:
    """The cause is named with the client's own words, and something to do."""
    found = failure_of(exit_code, words)
    assert found is not None
    assert not isinstance(found, TableChanged)
    assert message in found.message
    assert words in found.message
    assert found.hint


def test_changed_table() -> None:
    """Error 1412 is told apart: once more helps."""
    words = "mariadb-dump: Error 1412: Table definition has changed, please retry transaction when dumping table `t`"
    assert isinstance(failure_of(3, words), TableChanged)


def test_success() -> None:
    """Warnings of a client that succeeded are no failure."""
    assert failure_of(0, "mysqldump: [Warning] (1412)") is None
