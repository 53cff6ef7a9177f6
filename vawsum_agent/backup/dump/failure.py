"""Tells why a dump is not whole, from the client's exit code and last words. Pure."""

from __future__ import annotations

import re

from vawsum_agent.core.errors import BackupError

_CODE = re.compile(r"(?:\berror:? |\()([0-9]{4})\b", re.IGNORECASE)

_TABLE_CHANGED = 1412

_CAUSES: dict[int, tuple[str, str]] = {
    1040: ("the server has no connection to spare", "see SHOW PROCESSLIST, or raise max_connections"),
    1044: ("the account may not do this", "grant what `vawsum-agent doctor` names"),
    1045: ("the account is not let in", "make user and password in the option file those of an account"),
    1053: ("the server was shut down meanwhile", "run it again when it is back"),
    1142: ("the account may not do this", "grant what `vawsum-agent doctor` names"),
    1143: ("the account may not do this", "grant what `vawsum-agent doctor` names"),
    1146: ("a table was dropped meanwhile", "run it again when no migration runs"),
    1205: ("another transaction holds a lock for too long", "see SHOW PROCESSLIST; run it again"),
    1213: ("another transaction holds a lock", "see SHOW PROCESSLIST; run it again"),
    1227: ("the account may not do this", "grant what `vawsum-agent doctor` names"),
    1290: ("the server's own options forbid it", "the message names the option"),
    1317: ("somebody ended its statement", "who? See the server's log; run it again"),
    1356: ("a view names what does not exist", "repair the view, or drop it"),
    1370: ("the account may not do this", "grant what `vawsum-agent doctor` names"),
    1381: ("the server writes no binary log", "run it again: it did when it was asked"),
    1412: ("a table was changed meanwhile", "run it again when no migration runs"),
    1449: ("a view or routine belongs to a user that does not exist", "give it another DEFINER, or create the user"),
    1698: ("the account is not let in", "make user and password in the option file those of an account"),
    1932: ("a table exists without its data", "see the server's log; restore the table, or drop it"),
    1969: ("the server's max_statement_time ended it", "give the account none: MAX_STATEMENT_TIME 0"),
    2002: ("the server is not there", "is it running? The option file says where"),
    2003: ("the server is not there", "is it running? The option file says where"),
    2005: ("the server's name is not known", "correct host in the option file"),
    2006: ("the server went away", "was it restarted? Run it again"),
    2013: ("the server cut the connection", "was it restarted, or the connection killed? Run it again"),
    2020: ("a row is larger than max_allowed_packet", "raise max_allowed_packet of the server"),
    2026: ("TLS with the server fails", "correct ssl-ca in the option file"),
}


class TableChanged(BackupError):
    """A table was altered between the snapshot and its turn (error 1412). Once more, at once, helps."""


def failure_of(exit_code: int, last_words: str) -> BackupError | None:
    """Tell why a client failed; None when it did not, which alone does not make its dump whole.

    Args:
        exit_code: minus the number of a signal, where one ended it.
        last_words: what it said on stderr.
    """
    if not exit_code:
        return None
    words = f": {last_words}" if last_words else ""
    known = [code for code in map(int, _CODE.findall(last_words)) if code in _CAUSES]
    if known:
        what, hint = _CAUSES[known[-1]]
        kind = TableChanged if known[-1] == _TABLE_CHANGED else BackupError
        return kind(f"{what}{words}", hint=hint)
    if exit_code < 0:
        message = f"the dump program was ended by signal {-exit_code}{words}"
        return BackupError(message, hint="by whom? The kernel's log tells when it ran out of memory; run it again")
    return BackupError(f"the dump program failed (exit code {exit_code}){words}", hint="see the server's error log")
