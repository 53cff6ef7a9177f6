"""The file of users and grants can be taken apart again, whatever is in names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.backup.server.grants_file import Account, read_grants_file, write_grants
from vawsum_agent.backup.server.quoting import account, text
from vawsum_agent.core.errors import BackupError

names = st.one_of(st.text(max_size=8), st.sampled_from(['-- grants of ["a","b",true]\n', "a;\nb", "o'b`\\", "é😀"]))


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    """An account with hostile names and a password."""
    user, host = draw(names), draw(names)
    name = account(user, host)
    return Account(
        user=user,
        host=host,
        is_role=draw(st.booleans()),
        creation=(f"CREATE USER {name}", f"ALTER USER {name} IDENTIFIED BY {text(draw(names))}"),
        grants=(f"GRANT USAGE ON *.* TO {name}",),
        defaults=(f"SET DEFAULT ROLE `r` FOR {name}",) if draw(st.booleans()) else (),
    )


@given(st.lists(accounts(), max_size=4, unique_by=lambda one: (one.user, one.host, one.is_role)))
def test_round_trip(wanted: list[Account]) -> None:
    """What was written is read, statement by statement."""
    assert read_grants_file(write_grants(wanted)) == wanted


def test_order() -> None:
    """Everybody is created before anything is granted, and default roles come last."""
    one = Account(user="u", host="%", is_role=False, creation=("C1",), grants=("G1",), defaults=("D1",))
    two = Account(user="v", host="%", is_role=False, creation=("C2",), grants=("G2",))
    lines = [line for line in write_grants([one, two]).decode().splitlines() if not line.startswith("--")]
    assert lines == ["SET NAMES utf8mb4;", "SET SESSION sql_mode = '';", "C1;", "C2;", "G1;", "G2;", "D1;"]


def test_damage() -> None:
    """A file that was cut is refused."""
    content = write_grants([Account(user="u", host="%", is_role=False, creation=("CREATE USER 'u'",))])
    with pytest.raises(BackupError, match="damaged"):
        read_grants_file(content[:-4])
