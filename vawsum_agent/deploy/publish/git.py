"""How git is run: asking nobody, by no protocol but the allowed ones, touched by no setting that changes files.

What git says leaves here without what is secret in URLs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.publish.child import Ended, captured

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_OF_ANOTHER_REPOSITORY = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_CEILING_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_DIR",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_WORK_TREE",
    }
)
"""Set where a hook of git calls us; they would lead git to that repository."""

_SETTINGS = {
    "advice.detachedHead": "false",
    "core.autocrlf": "false",
    "core.fsmonitor": "false",
    "core.hooksPath": "/dev/null",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "log.showSignature": "false",
    "maintenance.auto": "false",
}
_SSH = "ssh -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15 -o ServerAliveCountMax=4"

_HINTS = (
    ("Permission denied (publickey", "give this user an SSH key that may read the repository"),
    (
        "Host key verification failed",
        "put the server's host key into ~/.ssh/known_hosts, see ssh-keyscan(1)",
    ),
    ("could not read Username", "give git the credentials by a credential helper (gitcredentials(7)), or use SSH"),
    ("could not read Password", "give git the credentials by a credential helper (gitcredentials(7)), or use SSH"),
    ("Authentication failed", "the credentials were refused: renew them, or use SSH"),
    ("Could not resolve host", "check the host's name, DNS and proxy"),
    ("Failed to connect", "check the host's name, port and the network"),
    ("Connection refused", "check the host's name, port and the network"),
    ("timed out", "check the network and proxy"),
    ("dubious ownership", "run it as the owner of the folder, or see safe.directory in git-config(1)"),
    ("does not appear to be a git repository", "check the path of the repository"),
    ("ot found", "check the URL, and that this user may read the repository"),
    ("transport", "use https, ssh or file"),
    ("No space left on device", "free some space, or name a larger folder with TMPDIR"),
)

_SAYS_NOTHING = (
    "fatal: Could not read from remote repository",
    "Please make sure you have the correct access rights",
    "and the repository exists",
)
"""What git adds to the words of whatever failed below it."""


class Git:
    """Git in one folder.

    Args:
        folder: in which it runs.
        environ: of this process.
        protocols: the ways that it may go.
        redacted: takes what is secret out of a text.
    """

    def __init__(
        self,
        folder: Path,
        environ: Mapping[str, str],
        protocols: tuple[str, ...] = (),
        redacted: Callable[[str], str] = str,
    ) -> None:
        self._folder = folder
        self._environ = environment(environ, protocols)
        self._redacted = redacted

    def ask(self, *arguments: str) -> Ended:
        """Run it; its exit code is part of the answer. Raises DeployError when it can't be started."""
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        ended = captured(["git", *settings, *arguments], self._folder, self._environ)
        return Ended(ended.code, ended.out, self._redacted(ended.words))

    def run(self, *arguments: str, what: str) -> str:
        """Run it; returns what it wrote.

        Args:
            arguments: of git.
            what: can't be done when it fails, for people.

        Raises:
            DeployError: it failed.
        """
        ended = self.ask(*arguments)
        if ended.code:
            raise failure(what, ended)
        return ended.out


def environment(environ: Mapping[str, str], protocols: tuple[str, ...]) -> dict[str, str]:
    """Give git's environment: ours, but for what would lead it elsewhere or have it ask somebody. Pure.

    How ssh is to be called is left to whoever says so, by GIT_SSH_COMMAND or GIT_SSH.
    """
    kept = {name: value for name, value in environ.items() if name not in _OF_ANOTHER_REPOSITORY}
    kept.pop("SSH_ASKPASS", None)
    if "GIT_SSH_COMMAND" not in kept and "GIT_SSH" not in kept:
        kept["GIT_SSH_COMMAND"] = _SSH
    return kept | {
        "GIT_ALLOW_PROTOCOL": ":".join(protocols),
        "GIT_HTTP_LOW_SPEED_LIMIT": "1000",
        "GIT_HTTP_LOW_SPEED_TIME": "60",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


def failure(what: str, ended: Ended) -> DeployError:
    """Say that git failed, in its own words, and what to do next."""
    said = "\n".join(line for line in ended.words.splitlines() if not line.startswith(_SAYS_NOTHING))
    words = Ended(ended.code, "", said).last_words() or f"git ended with exit code {ended.code}"
    hint = next((hint for sign, hint in _HINTS if sign in ended.words), "")
    return DeployError(f"{what}: {words}", hint=hint)
