"""The account by which one is connected, and what it may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.backup.server import quoting
from vawsum_agent.backup.server.privileges import missing, needed
from vawsum_agent.core.errors import BackupError
from vawsum_agent.core.text import printable
from vawsum_agent.mysql.session import Session

if TYPE_CHECKING:
    from vawsum_agent.backup.server.facts import Server
    from vawsum_agent.backup.server.privileges import Privilege
    from vawsum_agent.mysql.session import Query

_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """Who one is to the server.

    Attributes:
        name: ``user@host``, as ``CURRENT_USER()`` gives it.
        grants: the lines of its ``SHOW GRANTS``.
    """

    name: str
    grants: tuple[str, ...]

    @property
    def quoted(self) -> str:
        """As it stands in statements."""
        user, _, host = self.name.rpartition("@")
        return quoting.account(user, host)

    def lacks(self, server: Server) -> list[Privilege]:
        """Tell what it needs to dump a server and does not have."""
        return missing(needed(server), self.grants)


def read_own_account(option_file: str) -> OwnAccount:
    """Ask the server who we are. Raises AgentError."""

    def look(query: Query) -> OwnAccount:
        (row,) = query("SELECT CURRENT_USER() AS account")
        return OwnAccount(_text(row["account"]), tuple(_text(*line.values()) for line in query("SHOW GRANTS")))

    session = Session(option_file)
    try:
        return session.run(look, _LIMIT_S)
    finally:
        session.close()


def expect_to_see_all(option_file: str, server: Server) -> None:
    """Refuse an account that lacks anything: what may not be seen would be missing from the dump, and nobody told.

    Raises:
        BackupError: it lacks something; the hint is what grants it.
        AgentError: the server can't be asked.
    """
    account = read_own_account(option_file)
    lacking = account.lacks(server)
    if lacking:
        names = ", ".join(dict.fromkeys(privilege.name for privilege in lacking))
        message = f"the account {printable(account.name)} may not see all that is to be dumped: it has no {names}"
        more = f" and {len(lacking) - 1} more: see `vawsum-agent doctor`" if len(lacking) > 1 else ""
        raise BackupError(message, hint=f"{lacking[0].grant(account.quoted)}{more}")


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
