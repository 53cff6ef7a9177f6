"""The server that is backed up, as a run asks it: what it holds, its dump, its accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.backup.dump.dump import Dumped, DumpRequest, Progress, dump
from vawsum_agent.backup.restore import target
from vawsum_agent.backup.server.account import expect_to_see_all
from vawsum_agent.backup.server.facts import Server, read_server
from vawsum_agent.backup.server.grants import Grants, read_grants
from vawsum_agent.backup.server.programs import find_dump

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vawsum_agent.backup.publish.attempt import Writer


class OptionFileSource:
    """The server that an option file names.

    Args:
        option_file: its ``[client]`` section says where and as whom.
        databases: what of it; all but its own schemas when empty.
    """

    def __init__(self, option_file: str, databases: Sequence[str]) -> None:
        self._option_file = option_file
        self._databases = databases

    def identity(self) -> str:
        """Give the words that no other server has, by which restores name it, too. Raises AgentError."""
        return target.look(self._option_file).identity

    def look(self) -> Server:
        """Ask what it holds now. Raises AgentError."""
        return read_server(self._option_file, self._databases)

    def expect_to_see_all(self, server: Server) -> None:
        """Make sure that the account may see all of it. Raises BackupError, AgentError."""
        expect_to_see_all(self._option_file, server)

    def client(self, server: Server) -> str:
        """Name the program that dumps it. Raises AgentError: there is none."""
        return find_dump(server.flavour).label

    def grants(self, server: Server) -> Grants:
        """Read its users and roles. Raises AgentError."""
        return read_grants(self._option_file, server)

    def dump(
        self, server: Server, writer: Writer, on_progress: Callable[[Progress], None], is_halted: Callable[[], bool]
    ) -> Dumped:
        """Dump it; see `dump.dump`."""
        request = DumpRequest(server=server, program=find_dump(server.flavour), option_file=self._option_file)
        return dump(request, writer, on_progress=on_progress, is_cancelled=is_halted)
