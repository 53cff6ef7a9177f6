"""What a client is told, what it says, whose accounts come, and which server is left alone."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from tests.unit.backup.manifests import manifest
from vawsum_agent.backup.manifest import Database, Frame
from vawsum_agent.backup.restore.accounts import Barred, barred, others, sql_of, stand_in, unidentified
from vawsum_agent.backup.restore.head import head_for, knows_sandbox, use
from vawsum_agent.backup.restore.plan import Selection, make_plan
from vawsum_agent.backup.restore.report import Row, differences, ended_events, substitutes
from vawsum_agent.backup.restore.target import Target, mismatch, refusal, taken
from vawsum_agent.backup.restore.words import Kind, code_of, hint_of, kind_of, told
from vawsum_agent.backup.server.facts import Table
from vawsum_agent.backup.server.grants_file import Account
from vawsum_agent.backup.server.programs import Program

if TYPE_CHECKING:
    from vawsum_agent.backup.server.facts import Flavour

HEAD = b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump\nSET NAMES utf8mb4;\n"


def _program(flavour: Flavour, *number: int) -> Program:
    major, minor, patch = number
    return Program("/usr/bin/x", flavour, (major, minor, patch), "")


def _target(flavour: Flavour = "mariadb", number: tuple[int, int, int] = (10, 11, 6), **tables: str) -> Target:
    names = frozenset((database, name) for name, database in tables.items())
    version = ".".join(map(str, number)) + ("-MariaDB" if flavour == "mariadb" else "")
    return Target(flavour, version, number, "/run/my.sock", "db-1", "root@localhost", "db-1 3306 /x", False, names)  # noqa: FBT003


@pytest.mark.parametrize(
    ("program", "is_known"),
    [
        (_program("mariadb", 10, 11, 19), True),
        (_program("mariadb", 10, 11, 8), True),
        (_program("mariadb", 10, 11, 7), False),
        (_program("mariadb", 10, 5, 25), True),
        (_program("mariadb", 10, 3, 39), False),
        (_program("mariadb", 11, 8, 1), True),
        (_program("mariadb", 12, 0, 0), True),
        (_program("mysql", 8, 4, 0), False),
    ],
)
def test_the_sandbox_line(program: Program, *, is_known: bool) -> None:
    """The line with which MariaDB's dumps begin goes to clients that know it, and to no other."""
    assert knows_sandbox(program) == is_known
    assert head_for(program, HEAD, is_logged=True) == (HEAD if is_known else HEAD.partition(b"\n")[2])


def test_without_the_binary_log() -> None:
    """It is switched off before anything else is said."""
    head = head_for(_program("mysql", 8, 0, 36), b"SET NAMES utf8mb4;\n", is_logged=False)
    assert head.startswith(b"SET SESSION sql_log_bin = 0;\n")


def test_names_are_quoted() -> None:
    """Whatever a database is called."""
    assert use("a`b; é") == "USE `a``b; é`;\n".encode()


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("ERROR 2013 (HY000) at line 5: Lost connection to server during query", Kind.LOST),
        ("ERROR 2006 (HY000) at line 5: Server has gone away", Kind.LOST),
        ("ERROR 1053 (08S01) at line 5: Server shutdown in progress", Kind.LOST),
        ("ERROR 2002 (HY000): Can't connect to local server through socket '/x' (111)", Kind.UNREACHED),
        ("ERROR 1040 (08004): Too many connections", Kind.UNREACHED),
        ("ERROR 1213 (40001) at line 9: Deadlock found", Kind.AGAIN),
        ('ERROR 1005 (HY000) at line 9: Can\'t create table `a` (errno: 150 "Foreign key")', Kind.PARENT_MISSING),
        ("ERROR 1114 (HY000) at line 9: The table 't' is full", Kind.ALL),
        ("ERROR 1045 (28000): Access denied", Kind.ALL),
        ("ERROR 1064 (42000) at line 9: You have an error in your SQL syntax", Kind.OWN),
        ("it ended with -9 and said nothing", Kind.OWN),
    ],
)
def test_failures(words: str, kind: Kind) -> None:
    """What a client says tells whether trying again helps."""
    assert kind_of(words) is kind
    assert hint_of(words)


def test_statements_are_not_shown() -> None:
    """A client prints the statement that failed, which holds rows or password hashes: only its error is told."""
    said = (
        b"--------------\nALTER USER x IDENTIFIED BY PASSWORD '*B69027'\n--------------\n\n"
        b"ERROR 1396 (HY000) at line 3: Operation ALTER USER failed for 'x'@'%'\x1b\n"
    )
    assert told(said) == "ERROR 1396 (HY000) at line 3: Operation ALTER USER failed for 'x'@'%'\\x1b"
    assert told(b"a warning\nmariadb: unknown option '--x'\n") == "mariadb: unknown option '--x'"
    assert told(b"") == ""


def test_numbers_of_errors() -> None:
    """They are found amid other words; where none is, it is none."""
    assert code_of("warning | ERROR 1153 (08S01) at line 3: Got a packet bigger") == 1153
    assert code_of("Segmentation fault") == 0


def test_the_account_that_restores_is_left_out() -> None:
    """Of the others each statement comes, creations before grants."""
    root = Account(user="root", host="localhost", is_role=False, creation=("CREATE USER root",))
    web = Account(user="web", host="%", is_role=False, creation=("CREATE USER web",), grants=("GRANT a", "GRANT b"))
    kept = others([root, web], "root@localhost")
    assert kept == [web]
    assert sql_of(("SET x",), kept, ("creation", "grants")) == b"SET x;\nCREATE USER web;\nGRANT a;\nGRANT b;\n"
    assert others([root, web], "root@127.0.0.1") == [root, web]


def test_an_empty_server_is_written_to() -> None:
    """One that has other databases counts as empty, too."""
    plan = make_plan(manifest(), Selection())
    assert refusal(plan, _target()) is None
    assert refusal(plan, _target(posts="blog")) is None


def test_what_would_be_overwritten_is_named() -> None:
    """Of a database any table counts; of a table only itself."""
    whole = refusal(make_plan(manifest(), Selection()), _target(pupils="school", own="school"))
    assert whole is not None
    assert "school.own, school.pupils" in whole.message
    assert "1 table or view" in whole.hint
    assert refusal(make_plan(manifest(), Selection("school", "pupils")), _target(own="school")) is None
    one = refusal(make_plan(manifest(), Selection("school", "pupils")), _target(pupils="school"))
    assert one is not None


def test_programs_are_something_to_lose() -> None:
    """A routine or an event in a database that is restored counts as a table does; not where one table is."""
    target = dataclasses.replace(_target(), programs=frozenset({("school", "clean_up"), ("blog", "other")}))
    whole = refusal(make_plan(manifest(), Selection("school")), target)
    assert whole is not None
    assert whole.message.endswith("it has school.clean_up")
    assert "routines and events" in whole.hint
    assert refusal(make_plan(manifest(), Selection("school", "pupils")), target) is None


def test_passwords_are_something_to_lose() -> None:
    """Whoever is there and logs in otherwise; but for those that every new server has."""
    was = [_account("app"), _account("new"), _account("root"), _account("debian-sys-maint"), _account("same")]
    there = [_account("app", "b"), _account("root", "b"), _account("debian-sys-maint", "b"), _account("same")]
    refused = taken(was, [*there, _account("stranger", "b")], _target())
    assert refused is not None
    assert refused.message.endswith("log in otherwise: app@%")
    assert "--no-grants" in refused.hint
    assert "--force" in refused.hint
    assert taken(was, there[1:], _target()) is None


def _account(user: str, how: str = "a") -> Account:
    return Account(user=user, host="%", is_role=False, creation=(f"CREATE USER {user} {how}",))


def test_an_account_that_can_not_log_in() -> None:
    """It is told with its plugin, and with the words of its server that load it; nobody knows its password."""
    account = Account(user="it's", host="%", is_role=False, creation=("CREATE x",), grants=("GRANT y",))
    one = barred(account, "ERROR 1524 (HY000) at line 3: Plugin 'ed25519' is not loaded")
    assert str(one) == "account it's@% can't log in as it did: the server has no plugin ed25519"
    assert one.remedy("mariadb") == "INSTALL SONAME 'auth_ed25519'"
    assert Barred("a@b", "auth_socket").remedy("mysql") == "INSTALL PLUGIN auth_socket SONAME 'auth_socket.so'"
    assert "configuration" in Barred("a@b", "mysql_native_password").remedy("mysql")
    told = "GRANT PROCESS ON *.* TO `it's`@`%` IDENTIFIED VIA ed25519 USING 'x y'"
    for end in ("", " WITH GRANT OPTION", " REQUIRE SSL WITH MAX_USER_CONNECTIONS 3"):
        changed = unidentified(dataclasses.replace(account, grants=(told + end, "GRANT y TO `it's`@`%`")))
        assert changed.grants == ("GRANT PROCESS ON *.* TO `it's`@`%`" + end, "GRANT y TO `it's`@`%`")
    sql = stand_in(("SET x",), account, "s")
    assert sql == b"SET x;\nCREATE USER IF NOT EXISTS `it's`@`%` IDENTIFIED BY 's-aA1';\n"


def test_events_that_are_over() -> None:
    """They are no difference where all that last are there; an agent that did not count these told of each."""
    was = Database(name="d", events=4, lasting_events=2)
    told = "database d: {} came to an end since the backup"
    for has, remarks in ((2, [told.format("2 events")]), (3, [told.format("1 event")]), (4, [])):
        found = [Database(name="d", events=has, lasting_events=2)]
        assert list(differences([], [was], found, set())) == []
        assert list(ended_events([was], found)) == remarks
    for old, has, lasting in ((was, 2, 1), (was, 5, 2), (Database(name="d", events=4), 2, 2)):
        found = [Database(name="d", events=has, lasting_events=lasting)]
        assert list(differences([], [old], found, set())) == [f"database d has {has} events, and 4 were dumped"]
        assert list(ended_events([old], found)) == []


def test_tables_of_another_engine() -> None:
    """They are named; the same one in other letters, and what nobody knows, are not."""
    frames = [
        Frame(kind="table", offset=0, size_bytes=1, raw_bytes=1, database="d", name=name, engine=engine)
        for name, engine in (("t", "ARCHIVE"), ("u", "MRG_MYISAM"), ("v", ""), ("w", "InnoDB"), ("x", "InnoDB"))
    ]
    engines = {"t": "InnoDB", "u": "MRG_MyISAM", "v": "InnoDB", "w": ""}
    tables = {
        ("d", name): Table(database="d", name=name, engine=engine, is_in_snapshot=True, data_bytes=0)
        for name, engine in engines.items()
    }
    told = "table d.t was ARCHIVE, and is InnoDB: the server has no such engine"
    assert list(substitutes(frames, tables)) == [told]


def test_other_servers() -> None:
    """The other product and an older series may not understand a backup; a later one does."""
    assert mismatch(manifest(), _target()) == ""
    assert mismatch(manifest(), _target(number=(11, 4, 2))) == ""
    assert "is older" in mismatch(manifest(), _target(number=(10, 6, 1)))
    assert "other product" in mismatch(manifest(), _target("mysql", (8, 0, 36)))


def test_a_report_names_what_differs() -> None:
    """Rows, tables that are missing or too many, views and the like; and nothing where all is as it was."""
    same = Row("d", "t", 3, 3, is_in_snapshot=True)
    was = [Database(name="d", views=2)]
    assert list(differences([same], was, was, {("d", "t")})) == []
    named = list(
        differences(
            [
                Row("d", "t", 3, 2, is_in_snapshot=True),
                Row("d", "u", None, None, is_in_snapshot=True),
                Row("d", "v", 1, None, is_in_snapshot=True),
            ],
            [*was, Database(name="e")],
            [Database(name="d", views=1)],
            {("d", "t"), ("d", "own"), ("d", "v")},
        )
    )
    assert named == [
        "table d.t has 2 rows, and 3 were dumped",
        "table d.u is missing",
        "table d.v can't be counted",
        "table d.own is not from this backup",
        "database d has 1 views, and 2 were dumped",
        "database e is missing",
    ]
