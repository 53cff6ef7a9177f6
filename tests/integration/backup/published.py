"""What a test has published, restored: a dump of the copy is the dump of the source, and the one in the bucket.

Schema, data, routines, triggers and events are compared as the text of the server's own dump program; users, roles and
grants as the statements that a server tells. A backup that a test spoils on purpose has to be refused, or is whole.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from dataclasses import replace
from io import BytesIO
from itertools import zip_longest
from typing import TYPE_CHECKING

import msgspec
import zstandard

from tests.counts import IS_SOAK
from tests.integration.backup.copies import COPIER
from tests.integration.backup.dump_texts import difference, dump_text
from tests.integration.backup.rights import rights
from vawsum_agent.backup.names import DUMP, GRANTS, MANIFEST, parse_key
from vawsum_agent.backup.publish.catalog import Catalog
from vawsum_agent.backup.server.facts import read_server
from vawsum_agent.backup.server.grants import read_grants
from vawsum_agent.backup.server.grants_file import read_grants_file
from vawsum_agent.core.errors import AgentError, BackupError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from tests.integration.backup.copies import Copy
    from vawsum_agent.aws.backup_bucket import BackupBucket
    from vawsum_agent.backup.manifest import Manifest, Stored
    from vawsum_agent.backup.names import BackupName
    from vawsum_agent.backup.server.grants_file import Account

_ON_AN_OBJECT = re.compile(r".* ON (?:PROCEDURE |FUNCTION |PACKAGE |PACKAGE BODY )?`((?:[^`]|``)*)`\.`")

_UNKNOWN = "it has no binary log"


class Published:
    """The backups in a bucket.

    A backup whose bytes are those of one that was restored before is not restored once more, but in soak; nor compared
    with a source that is known to have been compared with them, and not been written to since.

    Args:
        bucket: a client of it that nothing hinders.
        prefix: of all backups.
        copy: where they are restored.
        source: the option file of the server that all of them are of, and that is as it was. None: it is not, and they
            are compared with the dumps in the bucket alone.
        whole: so many are whole, and the others, which the test damaged or wrote by hand, are refused. None: all are.
    """

    def __init__(
        self, bucket: BackupBucket, prefix: str, copy: Copy, source: Path | None, *, whole: int | None = None
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._copy = copy
        self._source = source
        self._whole = whole
        self._dumped: list[str] | None = None

    def expect_restorable(self, keys: Collection[str]) -> None:
        """Restore and compare each backup whose manifest is among these keys, all that the bucket has."""
        manifests = [key for key in keys if key.endswith(f"/{MANIFEST}")]
        refused = 0
        for key in manifests:
            parsed = parse_key(self._prefix, key)
            assert parsed is not None, f"a manifest where no backup is looked for: {key}"
            self._copy.figures["published"] += 1
            try:
                self._expect_restorable(parsed[0], keys)
            except AgentError:
                if self._whole is None:
                    raise
                refused += 1
        self._copy.figures["spoilt and refused"] += refused
        whole = len(manifests) - refused
        assert not manifests or self._whole in {None, whole}, f"{whole} are whole, and {self._whole} should be"

    def _expect_restorable(self, name: BackupName, keys: Collection[str]) -> None:
        manifest = Catalog(self._bucket, self._prefix).manifest(name)
        missing = {name.key(self._prefix, leaf) for leaf in (DUMP, GRANTS)}.difference(keys)
        if missing:
            raise BackupError(f"there is no {', '.join(missing)}", hint="what tells of it was written by hand")
        if self._whole is not None:
            self._copy.restore(self._bucket, self._prefix, name, manifest)
        packed = self._read(name, manifest.dump)
        accounts = self._accounts(name, manifest)
        same = _digest(packed, accounts, manifest)
        source_state = f"{self._source}: {_state_of(self._source)}" if self._source is not None else ""
        if source_state in self._copy.restored.get(same, ()) and not IS_SOAK:
            self._copy.figures["the same bytes as one restored"] += 1
            return
        dump = self._unpacked(packed, manifest)
        databases = [database.name for database in manifest.databases]
        if self._source is not None:
            self._expect_same(dump, accounts, self._source_dump(self._source, databases), self._source)
        if same in self._copy.restored and not IS_SOAK:
            self._copy.figures["the same bytes as one restored"] += 1
        else:
            self._restore_and_compare(name, manifest, dump, accounts, databases)
        states = self._copy.restored.setdefault(same, set())
        if not source_state.endswith(_UNKNOWN):
            states.add(source_state)

    def _restore_and_compare(
        self, name: BackupName, manifest: Manifest, dump: Path, accounts: list[Account], databases: list[str]
    ) -> None:
        restored = self._copy.restore(self._bucket, self._prefix, name, manifest)
        assert restored.report.differences == ()
        option_file = self._copy.option_file
        copied = dump_text(option_file, databases, self._copy.folder / "copy.sql")
        self._expect_same(dump, [_within(one, databases) for one in accounts], copied, option_file)
        if self._source is not None:
            was, has = (rights(one, databases, COPIER) for one in (self._source, option_file))
            assert was == has, f"rights that only the source has, or only the copy: {set(was) ^ set(has)}"
        self._copy.figures["restored"] += 1

    def _source_dump(self, source: Path, databases: list[str]) -> Path:
        """Dump the source; once, where all backups are of the same databases."""
        path = self._copy.folder / "source.sql"
        if databases != self._dumped:
            self._dumped = None
            dump_text(source, databases, path)
            self._dumped = databases
        return path

    def _expect_same(self, dump: Path, accounts: Sequence[Account], other: Path, option_file: Path) -> None:
        """A server, and the dump of it, has what the bucket has."""
        found = difference(dump, other)
        assert not found, f"{found}\n(- of the bucket, + of {option_file})"
        pairs = zip_longest(map(_spelt, accounts), map(_spelt, accounts_of(option_file)))
        parted = [pair for pair in pairs if pair[0] != pair[1]]
        assert not parted, f"accounts part, {option_file} has the second of each: {parted}"

    def _read(self, name: BackupName, stored: Stored) -> bytes:
        packed = b"".join(self._bucket.read_range(name.key(self._prefix, stored.name), 0, stored.size_bytes))
        assert hashlib.sha256(packed).hexdigest() == stored.sha256
        return packed

    def _accounts(self, name: BackupName, manifest: Manifest) -> list[Account]:
        content = zstandard.ZstdDecompressor().decompress(self._read(name, manifest.grants))
        assert len(content) == manifest.grants.raw_bytes
        accounts = read_grants_file(content)
        assert len(accounts) == manifest.account_count
        return accounts

    def _unpacked(self, packed: bytes, manifest: Manifest) -> Path:
        """Decompress a dump, each frame alone."""
        path = self._copy.folder / "bucket.sql"
        with path.open("wb") as file:
            for frame in manifest.frames:
                alone = BytesIO(packed[frame.offset : frame.offset + frame.size_bytes])
                sizes = zstandard.ZstdDecompressor().copy_stream(alone, file)
                assert sizes == (frame.size_bytes, frame.raw_bytes)
        assert path.stat().st_size == manifest.dump.raw_bytes
        return path


def _state_of(source: Path) -> str:
    """Where a server's binary log ends: nothing was written as long as that is so."""
    command = ["mariadb", f"--defaults-file={source}", "--batch", "-N", "-e", "SHOW MASTER STATUS"]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode().strip() or _UNKNOWN


def accounts_of(option_file: Path) -> list[Account]:
    """What a server says of its users and roles."""
    found = read_grants(str(option_file), read_server(str(option_file))).accounts
    return [one for one in found if one.user != COPIER]


def _spelt(account: Account) -> Account:
    """Servers of one series quote the names in what they tell of proxies in two ways."""
    told = (one.replace("'", "`") if one.startswith("GRANT PROXY ") else one for one in account.grants)
    return replace(account, grants=tuple(told))


def _within(account: Account, databases: Collection[str]) -> Account:
    """Leave out what an account may do with single tables of databases that are not backed up, and so not there."""
    grants = [
        grant
        for grant in account.grants
        if (found := _ON_AN_OBJECT.match(grant)) is None or found[1].replace("``", "`") in databases
    ]
    return replace(account, grants=tuple(grants))


def _digest(packed: bytes, accounts: Sequence[Account], manifest: Manifest) -> str:
    """Backups of one digest differ in nothing but the head and the tail of their dumps, which tell of the moment."""
    _, first, *_, tail = manifest.frames
    frames = [(one.kind, one.database, one.name, one.size_bytes, one.rows) for one in manifest.frames[1:-1]]
    told = msgspec.json.encode((frames, manifest.databases, list(map(repr, accounts))))
    return hashlib.sha256(packed[first.offset : tail.offset] + told).hexdigest()
