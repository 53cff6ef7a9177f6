"""Reads the ``deploy.toml`` of a release. It came with an artifact: nothing in it is believed, nor is the file itself.

Checked by the machinery of the configuration, so that a key misspelt is refused with the one that was meant.
"""

from __future__ import annotations

import errno
import os
import stat
import tomllib
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from vawsum_agent.config.convert import convert
from vawsum_agent.config.model.values import NonEmpty, Seconds
from vawsum_agent.config.rules import between, must
from vawsum_agent.config.tree import Leaf, Table, merge, table_of
from vawsum_agent.core.errors import DeployError, Violation
from vawsum_agent.core.text import printable
from vawsum_agent.deploy.prepare.beneath import is_ours
from vawsum_agent.deploy.prepare.paths import PATH_EXPECTED, RELEASE_FILE, fits, overlapping

if TYPE_CHECKING:
    from pathlib import Path

HOOK_NAMES = ("fetched", "drained", "switched", "healthy", "failed")
"""In the order in which a deploy reaches them; ``failed`` when it is taken back."""

_LARGEST_FILE = 64 << 10
_MOST_PATHS = 256
_LONGEST_MESSAGE = 1000
_LONGEST_USER = 32
_HINT = f"mend {RELEASE_FILE} in the application, and publish it anew; see docs/deploy-toml.md"

_COMMAND_LINE = must("a command line for /bin/sh", lambda run: bool(run.strip()) and "\0" not in run)
_USER = must(
    "the name of a user",
    lambda name: len(name) <= _LONGEST_USER and not set(name) & set(":/ ,") and name.isprintable(),
)
_PATH = must(PATH_EXPECTED, fits)
_NOT_TOO_MANY = must(f"at most {_MOST_PATHS}", lambda paths: len(paths) <= _MOST_PATHS)

_Paths = Annotated[list[Annotated[NonEmpty, _PATH]], _NOT_TOO_MANY]


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """``[hooks.switched]`` and its kin: a command of the application's own, at its place in a deploy.

    Attributes:
        run: for ``/bin/sh -c``, in the release's folder.
        user: empty: the web server's, or whoever deploys where that is not root.
    """

    run: Annotated[NonEmpty, _COMMAND_LINE, Meta(description="a command line for /bin/sh, in the release's folder")]
    timeout: Annotated[
        Seconds, between(0.1, 3600, "100ms to 1h"), Meta(description="then it is ended, and has failed")
    ] = Seconds(60.0)
    user: Annotated[str, _USER, Meta(description="who runs it")] = ""


class Hooks(msgspec.Struct, frozen=True, kw_only=True):
    """``[hooks]``: those that there are."""

    fetched: Annotated[Hook | None, Meta(description="unpacked, not served: build caches, check requirements")] = None
    drained: Annotated[Hook | None, Meta(description="no requests come: migrate the database")] = None
    switched: Annotated[Hook | None, Meta(description="`current` is this release, not yet reloaded")] = None
    healthy: Annotated[Hook | None, Meta(description="proven well, not yet back in service: warm caches")] = None
    failed: Annotated[Hook | None, Meta(description="taken back: undo, tell somebody")] = None

    def named(self, name: str) -> Hook | None:
        """Give the hook of a name out of `HOOK_NAMES`; None where the release has none."""
        hook: Hook | None = getattr(self, name)
        return hook


class ReleaseFile(msgspec.Struct, frozen=True, kw_only=True):
    """All that a release asks for.

    Attributes:
        shared: paths that become links to the same path below ``shared/``.
        writable: folders of this release that the application may write to.
    """

    hooks: Hooks = msgspec.field(default_factory=Hooks)
    shared: Annotated[_Paths, Meta(description="become links into `shared/`")] = msgspec.field(default_factory=list)
    writable: Annotated[_Paths, Meta(description="folders that the application may write to")] = msgspec.field(
        default_factory=list
    )


def load_release_file(release_folder: Path, *, of_anybody: bool = False) -> ReleaseFile:
    """Read and check what a release asks for; one without the file asks for nothing. Changes nothing.

    Args:
        release_folder: where it is.
        of_anybody: whose it is does not matter, as nothing that it says is done here.

    Raises:
        DeployError: the file is no plain file, somebody else's, too large, or something in it does not hold; says all
            that does not, as far as that fits on a line.
    """
    content = _content(release_folder / RELEASE_FILE, of_anybody=of_anybody)
    if content is None:
        return ReleaseFile()
    violations: list[Violation] = []
    try:
        tree = table_of(RELEASE_FILE, tomllib.loads(content.decode()))
        file = convert(ReleaseFile, _as_documented(tree, violations), violations)
    except UnicodeDecodeError as exc:
        raise DeployError(f"{RELEASE_FILE}: byte {exc.start} is not UTF-8", hint=_HINT) from exc
    except RecursionError as exc:
        raise DeployError(f"{RELEASE_FILE}: nested too deep", hint=_HINT) from exc
    except ValueError as exc:  # also of numbers with thousands of digits
        raise DeployError(_short(f"{RELEASE_FILE} is no TOML: {exc}"), hint=_HINT) from exc
    if violations:
        raise DeployError(_short("; ".join(map(str, violations))), hint=_HINT)
    pair = overlapping([*file.shared, *file.writable])
    if pair:
        outer, inner = pair
        raise DeployError(f"{RELEASE_FILE}: {inner!r} is, or lies in, {outer!r}: name only one of them", hint=_HINT)
    return file


def _short(message: str) -> str:
    message = printable(message)
    return message if len(message) <= _LONGEST_MESSAGE else message[:_LONGEST_MESSAGE] + "…"


_ALIASES = {"shared_paths": "shared", "writable_paths": "writable"}


def _as_documented(tree: Table, violations: list[Violation]) -> Table:
    """Put other spellings, whose meaning is as plain, in the place of the documented ones: both is once too often."""
    plain = Table(tree.file, tree.key)
    others: list[Table] = []
    for name, entry in tree.entries.items():
        if name in HOOK_NAMES:
            others.append(Table(tree.file, "", {"hooks": Table(tree.file, "hooks", {name: entry})}))
        elif name in _ALIASES and isinstance(entry, Leaf):
            others.append(Table(tree.file, "", {_ALIASES[name]: entry}))
        else:
            plain.entries[name] = entry
    for other in others:
        merge(plain, other, violations)
    return plain


def _content(file: Path, *, of_anybody: bool) -> bytes | None:
    """Read the file itself, never what a link of that name leads to. None: there is none."""
    try:
        # A FIFO without a writer would keep us waiting.
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as exc:
        is_other = exc.errno in {errno.ELOOP, errno.ENXIO}
        why = "is no plain file" if is_other else f"can't be read: {exc.strerror}"
        raise DeployError(f"{RELEASE_FILE} {why}", hint=_HINT if is_other else "") from exc
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise DeployError(f"{RELEASE_FILE} is no plain file", hint=_HINT)
        if not of_anybody and not is_ours(status):
            # A release that was here before us may be the application's to change: a hook in it could be root's.
            message = f"{file} is not root's alone to write, and says what root runs"
            raise DeployError(printable(message), hint=printable(f"chown root: {file}; chmod go-w {file}"))
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            content = stream.read(_LARGEST_FILE + 1)
    finally:
        os.close(descriptor)
    if len(content) > _LARGEST_FILE:
        raise DeployError(f"{RELEASE_FILE} is larger than 64 KiB", hint=_HINT)
    return content
