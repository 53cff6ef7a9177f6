"""What a hook finds in its environment: what is listed here and nothing else, above all no credentials. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vawsum_agent.deploy.hooks.account import Account
    from vawsum_agent.deploy.layout import AppFolder

STANDARD_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""systemd.exec(5), $PATH."""


def of_deploy(app: str, folder: AppFolder, *, release: str, previous: str) -> dict[str, str]:
    """Tell of the deploy.

    Args:
        app: its name in the configuration.
        folder: where it lies.
        release: which is deployed, in whose folder hooks run.
        previous: which was served before; empty where none was.
    """
    return {
        "VAWSUM_APP": app,
        "VAWSUM_APP_PATH": str(folder.path),
        "VAWSUM_SHARED": str(folder.shared),
        "VAWSUM_RELEASE": release,
        "VAWSUM_RELEASE_PATH": str(folder.release(release)),
        "VAWSUM_PREVIOUS_RELEASE": previous,
    }


def of_account(account: Account) -> dict[str, str]:
    """Tell of the user, as cron does (crontab(5)) and with a PATH that finds the tools of an administrator."""
    return {
        "PATH": STANDARD_PATH,
        "LANG": "C.UTF-8",
        "SHELL": "/bin/sh",
        "HOME": account.home,
        "USER": account.name,
        "LOGNAME": account.name,
    }
