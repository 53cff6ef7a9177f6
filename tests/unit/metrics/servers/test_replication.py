"""Which statement tells of replication, which grant it takes, and what its answer means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.metrics.servers.replication import Standstill, privilege, replication, standstills, statements

MARIADB = {"Connection_name": "", "Slave_IO_Running": "Yes", "Slave_SQL_Running": "Yes", "Seconds_Behind_Master": 3}
MYSQL = {"Channel_Name": "", "Replica_IO_Running": "Yes", "Replica_SQL_Running": "Yes", "Seconds_Behind_Source": 3}


@pytest.mark.parametrize(
    ("version", "first", "grant"),
    [
        ("8.4.3", "SHOW REPLICA STATUS", "REPLICATION CLIENT"),
        ("8.0.36-0ubuntu0.22.04.1", "SHOW REPLICA STATUS", "REPLICATION CLIENT"),
        ("5.7.44-log", "SHOW REPLICA STATUS", "REPLICATION CLIENT"),
        ("10.3.39-MariaDB-log", "SHOW ALL SLAVES STATUS", "REPLICATION CLIENT"),
        ("5.5.5-10.4.32-MariaDB", "SHOW ALL SLAVES STATUS", "REPLICATION CLIENT"),
        ("10.11.19-MariaDB-0+deb12u1", "SHOW ALL SLAVES STATUS", "SLAVE MONITOR"),
        ("11.4.2-MariaDB", "SHOW ALL SLAVES STATUS", "SLAVE MONITOR"),
        ("something else", "SHOW REPLICA STATUS", "REPLICATION CLIENT"),
    ],
)
def test_every_server_is_asked_in_its_words(version: str, first: str, grant: str) -> None:
    """MySQL and MariaDB of any age: the statement for all channels first, the old one where it is not known."""
    assert statements(version) == (first, "SHOW SLAVE STATUS")
    assert privilege(version) == grant


@pytest.mark.parametrize("channel", [MARIADB, MYSQL])
def test_replica_is_read(channel: dict[str, object]) -> None:
    """Columns of either family tell whether it runs and how far it is behind."""
    expected = [("mysql_replication_running", 1.0, ()), ("mysql_replication_lag_seconds", 3.0, ())]
    assert replication([channel]) == (expected, 0)


@pytest.mark.parametrize("state", ["No", "Connecting", "Preparing", None])
@pytest.mark.parametrize("thread", ["Replica_IO_Running", "Replica_SQL_Running"])
def test_a_thread_that_stands_still(thread: str, state: str | None) -> None:
    """Receiving and applying both have to run; the lag is not known then, which is no nonsense."""
    found = replication([MYSQL | {thread: state, "Seconds_Behind_Source": None}])
    assert found == ([("mysql_replication_running", 0.0, ())], 0)


def test_the_worst_channel_counts() -> None:
    """Of several channels the one furthest behind gives the lag, and one that stands still stops all."""
    channels = [MARIADB, MARIADB | {"Seconds_Behind_Master": 90}, MARIADB | {"Slave_IO_Running": "No"}]
    assert replication(channels)[0] == [
        ("mysql_replication_running", 0.0, ()),
        ("mysql_replication_lag_seconds", 90.0, ()),
    ]


def test_no_replica_says_nothing() -> None:
    """A server that is no replica, and one whose only channel is that of a group's recovery, say nothing."""
    assert replication([]) == ([], 0)
    assert replication([MYSQL | {"Channel_Name": "group_replication_recovery", "Replica_IO_Running": "No"}]) == ([], 0)


def test_absurd_lag_is_left_out() -> None:
    """A lag that can't be true is left out and counted."""
    assert replication([MYSQL | {"Seconds_Behind_Source": -5}]) == ([("mysql_replication_running", 1.0, ())], 1)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from([*MYSQL, *MARIADB]), st.one_of(st.none(), st.text(), st.integers(), st.floats())
        )
    )
)
def test_no_channels_raise(channels: list[dict[str, object]]) -> None:
    """Anything in the columns: at most two readings."""
    assert len(replication(channels)[0]) <= 2


@pytest.mark.parametrize(
    ("channel", "statement"),
    [
        (MARIADB, "START SLAVE"),
        (MARIADB | {"Connection_name": "it's"}, "START SLAVE 'it''s'"),
        (MYSQL, "START REPLICA"),
        (MYSQL | {"Channel_Name": "a"}, "START REPLICA FOR CHANNEL 'a'"),
        (
            {"Channel_Name": "a", "Slave_IO_Running": "Yes", "Slave_SQL_Running": "Yes"},
            "START SLAVE FOR CHANNEL 'a'",
        ),
    ],
)
def test_how_it_is_started_again(channel: dict[str, object], statement: str) -> None:
    """The statement is the one that this server has, for this channel alone."""
    applies = next(name for name in channel if name.endswith("SQL_Running"))
    assert standstills([channel]) == []
    assert [found.statement for found in standstills([channel | {applies: "No"}])] == [statement]


def test_what_a_standstill_says() -> None:
    """The channel, its threads that stand still, and the server's last error of those on one line; others are over."""
    stopped = MARIADB | {
        "Connection_name": "shop",
        "Master_Host": "10.0.0.7",
        "Master_Port": 3306,
        "Slave_SQL_Running": "No",
        "Last_SQL_Error": "Duplicate entry '7'\nfor key 'PRIMARY'",
        "Last_IO_Error": "long ago",
    }
    assert standstills([MARIADB, stopped]) == [
        Standstill(
            "replication from 10.0.0.7:3306, channel shop does not run: its SQL thread says No",
            "Duplicate entry '7' for key 'PRIMARY'",
            "START SLAVE 'shop'",
        )
    ]
    (found,) = standstills([MYSQL | {"Replica_IO_Running": "Connecting", "Last_IO_Error": "error connecting"}])
    assert "its IO thread says Connecting" in found.what
    assert found.error == "error connecting"


@given(
    st.lists(
        st.dictionaries(st.sampled_from([*MARIADB, *MYSQL, "Last_IO_Error"]), st.none() | st.text() | st.integers())
    )
)
def test_any_channels_can_be_told(channels: list[dict[str, object]]) -> None:
    """Whatever the server answers, what is said of it is one line each."""
    for found in standstills(channels):
        assert "\n" not in found.error
