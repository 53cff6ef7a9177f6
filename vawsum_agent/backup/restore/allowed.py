"""Whether a restore may begin: nothing of a server is overwritten unless that was said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.backup.restore import target
from vawsum_agent.backup.restore.accounts import others
from vawsum_agent.backup.server.grants import read_grants
from vawsum_agent.backup.server.grants_file import read_grants_file
from vawsum_agent.core.errors import AgentError, BackupError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vawsum_agent.backup.restore.plan import Plan
    from vawsum_agent.backup.restore.run import Request
    from vawsum_agent.backup.restore.source import Source
    from vawsum_agent.backup.restore.target import Target
    from vawsum_agent.backup.server.grants_file import Account


def check(
    request: Request, plan: Plan, found: Target, grants: Source, tell: Callable[[str], None], *, has_earlier: bool
) -> None:
    """Refuse what is not forced.

    Args:
        request: what is wanted.
        plan: of it.
        found: the server.
        grants: those of the backup.
        tell: told what is done all the same.
        has_earlier: a restore of the same was broken off.

    Raises:
        BackupError: it must not begin; the hint says what to do.
        AwsError: S3 does not answer.
    """
    unlikely = target.mismatch(request.manifest, found)
    if request.is_forced:
        if unlikely:
            tell(f"warning: {unlikely}")
        return
    refused = target.refusal(plan, found)
    if refused is None and request.has_accounts:
        wanted = others(read_grants_file(b"".join(grants.whole_sql())), found.account)
        refused = target.taken(wanted, _accounts_of(request, found), found)
    if refused is not None and has_earlier:
        hint = "--resume goes on with a restore that was broken off; --force begins anew"
        raise BackupError(refused.message, hint=hint)
    if refused is not None:
        raise refused
    if unlikely:
        raise BackupError(unlikely, hint="restore into the same product and series, or try it all the same: --force")


def _accounts_of(request: Request, found: Target) -> Sequence[Account]:
    try:
        return read_grants(request.option_file, found).accounts
    except AgentError as error:
        hint = f"GRANT SELECT ON mysql.* TO {found.account}; or leave accounts out: --no-grants; --force does not look"
        raise BackupError(f"whose passwords would change is not known: {error.message}", hint=hint) from error
