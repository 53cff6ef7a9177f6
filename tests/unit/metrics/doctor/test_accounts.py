"""How an account is written in the GRANT that doctor proposes."""

from __future__ import annotations

import pytest

from vawsum_agent.metrics.doctor.mysql import quoted


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        ("agent@localhost", "'agent'@'localhost'"),
        ("a@b@%", "'a@b'@'%'"),
        ("o'neil@10.0.0.%", "'o''neil'@'10.0.0.%'"),
        ("back\\slash@%", "'back\\\\slash'@'%'"),
        ("@localhost", "''@'localhost'"),
    ],
)
def test_accounts_are_quoted(account: str, expected: str) -> None:
    """The statement can be pasted into the server as it stands, whatever the account is called."""
    assert quoted(account) == expected
