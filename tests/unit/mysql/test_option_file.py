"""An option file is used when it is closed to others and says something, and its password is never repeated."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.core.errors import AgentError
from vawsum_agent.mysql.option_file import read_option_file

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2hunter2"
GOOD = f"[client]\nuser = agent\npassword = '{SECRET}'\nsocket = /run/mysqld/mysqld.sock\n"


def written(folder: Path, text: str | bytes, mode: int = 0o600) -> str:
    """Write an option file."""
    path = folder / "mysql.cnf"
    path.touch(mode=0o600)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return str(path)


def test_socket_and_host_are_told_apart(tmp_path: Path) -> None:
    """Over a socket TLS protects nothing, unless the file asks for it; elsewhere it is used where there is any."""
    client = read_option_file(written(tmp_path, GOOD))
    assert (client.is_local, client.where, client.owner) == (True, "/run/mysqld/mysqld.sock", os.geteuid())
    assert not read_option_file(written(tmp_path, GOOD + "ssl_ca = /etc/ca.pem\n")).is_local
    client = read_option_file(written(tmp_path, "[client]\nhost = db.internal\nport = 3307\n"))
    assert (client.is_local, client.where) == (False, "db.internal:3307")
    assert read_option_file(written(tmp_path, "[client]\n")).where == "localhost:3306"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644])
def test_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    """Any bit for the group or others refuses the file, in one line that says what to do."""
    path = written(tmp_path, GOOD, mode)
    with pytest.raises(AgentError) as caught:
        read_option_file(path)
    assert caught.value.message == f"{path} is open to others (mode {mode:04o})"
    assert caught.value.hint == f"chmod 600 {path}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{SECRET}\n", "line 1"),
        (f"[client]\nuser = a\nuser = b\npassword = {SECRET}\n", "line 3"),
        (f"[client]\n = {SECRET}\n", "line 2"),
        (f"[client]\nport = {SECRET}\n", "port"),
        (f"[mysql]\npassword = {SECRET}\n", "[client]"),
        (f"[client]\npassword = {SECRET}\xff".encode("latin1"), "UTF-8"),
    ],
)
def test_password_is_never_repeated(tmp_path: Path, text: str | bytes, expected: str) -> None:
    """A file that can't be used says where it is wrong; neither the error nor its causes quote a line of it."""
    with pytest.raises(AgentError) as caught:
        read_option_file(written(tmp_path, text))
    assert expected in caught.value.message
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_missing_file_and_folder(tmp_path: Path) -> None:
    """What is no file says so."""
    with pytest.raises(AgentError, match="does not exist"):
        read_option_file(str(tmp_path / "none.cnf"))
    with pytest.raises(AgentError, match="is no file"):
        read_option_file(str(tmp_path))
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(AgentError, match="is no file"):
        read_option_file(str(tmp_path / "pipe"))


@given(st.one_of(st.binary(), st.text(alphabet="[client]=\n\t pas#;!'\"").map(str.encode)))
def test_no_bytes_raise(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Any content gives a client or our error."""
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    try:
        read_option_file(written(folder, content))
    except AgentError:
        return


def test_a_line_without_its_sign(tmp_path: Path) -> None:
    """It is no option, and what stands there is not repeated."""
    path = tmp_path / "my.cnf"
    path.touch(mode=0o600)
    path.write_text(f"[client]\nuser agent\npassword {SECRET}\n")
    with pytest.raises(AgentError, match="has no =") as refused:
        read_option_file(str(path))
    assert SECRET not in str(refused.value)
