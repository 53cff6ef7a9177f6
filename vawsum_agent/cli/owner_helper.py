"""``vawsum-agent owner-helper``: removes moved images as their owner; systemd starts it when the daemon asks."""

from __future__ import annotations

import ctypes
import os
import pwd
import sys
from pathlib import Path

import click

from vawsum_agent.cli.options import Duration, config_option, examples
from vawsum_agent.core.errors import AgentError, UsageError

_PR_SET_DUMPABLE = 4  # <linux/prctl.h>


@click.command(
    hidden=True, epilog=examples("owner-helper", "owner-helper --socket /run/user/1000/me.sock --peer-user me")
)
@config_option
@click.option("--peer-user", default="vawsum-agent", show_default=True, help="Who may ask, beside root and this user.")
@click.option(
    "--idle-exit", type=Duration(), default="60s", show_default=True, help="End when nobody asks for so long."
)
@click.option(
    "--socket",
    "socket_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Listen there, where systemd hands over no socket.",
)
@click.option("--json", "as_json", is_flag=True, help="Log JSON lines, also on a terminal.")
def owner_helper(
    config_path: Path, peer_user: str, idle_exit: float, socket_path: Path | None, *, as_json: bool
) -> None:
    """Remove images that are safe in S3, as the user that owns them. Nothing for people to call.

    Started by vawsum-agent-owner@USER.socket. It acts below the folders of the configuration whose owner is the user
    it runs as, when their files are still what was uploaded, and touches nothing else.
    """
    _hide_from_own_user()
    sys.modules["rich"] = None  # type: ignore[assignment]  # see `run`

    from vawsum_agent.daemon.log_output import configure_stderr  # noqa: PLC0415 - after the line above
    from vawsum_agent.images.remove.direct import DirectRemover  # noqa: PLC0415 - after the line above
    from vawsum_agent.images.remove.folders import OwnFolders  # noqa: PLC0415 - after the line above
    from vawsum_agent.images.remove.helper import Helper  # noqa: PLC0415 - after the line above
    from vawsum_agent.images.remove.listening import bound, inherited, serve_until_idle  # noqa: PLC0415 - likewise

    configure_stderr(as_json=as_json)
    listener = inherited(os.environ, os.getpid())
    if listener is None and socket_path is not None:
        listener = bound(socket_path)
    if listener is None:
        message = "no socket was handed over"
        raise UsageError(message, hint="systemctl enable --now vawsum-agent-owner@USER.socket; by hand: --socket FILE")
    uid = os.geteuid()
    # Root may do everything anyway: to refuse it would only make `sudo vawsum-agent images move` fail.
    helper = Helper(OwnFolders(config_path, uid), DirectRemover(), frozenset({0, uid, _uid_of(peer_user)}))
    with listener:
        serve_until_idle(listener, helper.serve, idle_exit_s=idle_exit)


def _hide_from_own_user() -> None:
    """Keep other processes of this user, PHP's among them, from looking into this one: it has one more group."""
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _uid_of(name: str) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        message = f"no such user: {name}"
        raise AgentError(message, hint="--peer-user names who may ask") from None
