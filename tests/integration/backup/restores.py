"""A school's database with everything a dump can hold, backups of it, and how two servers are compared."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.unit.backup.manifests import manifest
from tests.unit.backup.restore.memory_bucket import MemoryBucket, packed
from vawsum_agent.backup.dump.dump import DumpRequest, dump
from vawsum_agent.backup.names import DUMP, GRANTS, BackupName
from vawsum_agent.backup.restore.plan import Selection, selected
from vawsum_agent.backup.restore.run import Means, Request, Restored, restore
from vawsum_agent.backup.server.facts import read_server
from vawsum_agent.backup.server.grants import read_grants
from vawsum_agent.backup.server.programs import find_dump, find_shell
from vawsum_agent.core.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.servers.mariadb import MariaDb
    from vawsum_agent.backup.journal import Journal
    from vawsum_agent.backup.manifest import Manifest
    from vawsum_agent.backup.server.grants_file import Account

PREFIX = "mysql/"
NAME = BackupName("production-db", "20260131T183000Z")

OPTIONS = (
    "slow_query_log = OFF",
    "innodb_flush_log_at_trx_commit = 0",
    "log_bin = binlog",
    "log_bin_trust_function_creators = ON",
    "character_set_server = utf8mb4",
)

SCHOOL = r"""
SET NAMES utf8mb4;
CREATE DATABASE school CHARACTER SET utf8mb4; CREATE DATABASE `old-data` CHARACTER SET latin1;
USE school;
CREATE SEQUENCE numbers START WITH 10; DO NEXTVAL(numbers);
CREATE TABLE classes (id INT PRIMARY KEY AUTO_INCREMENT, code VARCHAR(20) NOT NULL, UNIQUE KEY by_code (code));
CREATE TABLE pupils (
  id BIGINT PRIMARY KEY AUTO_INCREMENT, class_code VARCHAR(20), name VARCHAR(100) NOT NULL, born DATE, photo LONGBLOB,
  note TEXT COMMENT 'a comment, with `quotes`, KEY (and) a\nnewline', points DECIMAL(10,3) DEFAULT 0.5,
  name_length INT AS (CHAR_LENGTH(name)) STORED, name_upper VARCHAR(100) AS (UPPER(name)) VIRTUAL,
  seen TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  KEY by_class (class_code), UNIQUE KEY by_name_and_born (name, born), KEY by_note (note(20)),
  KEY by_upper (name_upper),
  CONSTRAINT in_class FOREIGN KEY (class_code) REFERENCES classes (code) ON UPDATE CASCADE);
CREATE TABLE posts (id INT PRIMARY KEY AUTO_INCREMENT, author INT NOT NULL, title VARCHAR(80), body TEXT, at DATETIME,
  KEY by_author (author), KEY by_title (title), UNIQUE KEY at_and_id (at, id), KEY by_both (author, at));
CREATE TABLE log_entries (id INT NOT NULL, year INT NOT NULL, what VARCHAR(50), PRIMARY KEY (id, year), KEY (what))
  PARTITION BY RANGE (year) (PARTITION p0 VALUES LESS THAN (2020), PARTITION p1 VALUES LESS THAN MAXVALUE);
CREATE TABLE counters (id INT, k INT NOT NULL AUTO_INCREMENT, KEY (k), KEY (id));
CREATE TABLE words (id INT PRIMARY KEY, text_of TEXT, FULLTEXT KEY (text_of), KEY by_begin (text_of(10)));
CREATE TABLE old_engine (id INT PRIMARY KEY, what VARCHAR(20), KEY (what)) ENGINE=MyISAM;
CREATE TABLE `empty` (id INT);
CREATE TABLE `odd ``name; -- of, a table` (`a ``column` INT, KEY `odd ``key` (`a ``column`));
INSERT INTO classes (code) VALUES ('1a'), ('1b');
INSERT INTO pupils (class_code, name, born, photo, note) VALUES
  ('1a', 'Ünï 😀 ''quoted'' \\ back', '2010-01-01', NULL, 'line\r\nbreak;\nINSERT INTO `x` VALUES\n(1);'),
  ('1b', 'second', '2011-02-02', 0x00010203040506070809, NULL);
SET @bytes = ''; SET @i = 0;
DELIMITER //
CREATE OR REPLACE PROCEDURE fill() BEGIN
  WHILE @i < 256 DO SET @bytes = CONCAT(@bytes, CHAR(@i)); SET @i = @i + 1; END WHILE;
END//
DELIMITER ;
CALL fill(); UPDATE pupils SET photo = REPEAT(@bytes, 3) WHERE id = 2; DROP PROCEDURE fill;
INSERT INTO posts (author, title, body, at)
  SELECT seq % 97, CONCAT('title ', MD5(seq)), CONCAT('it''s ', REPEAT(SHA1(seq), 8)),
  '2020-01-01' + INTERVAL seq MINUTE FROM seq_1_to_20000;
INSERT INTO log_entries SELECT seq, 2010 + seq % 20, MD5(seq) FROM seq_1_to_500;
INSERT INTO counters (id) VALUES (7), (8);
INSERT INTO words VALUES (1, 'some words to find');
INSERT INTO old_engine VALUES (1, 'a'), (2, 'b');
INSERT INTO `odd ``name; -- of, a table` VALUES (5);
CREATE VIEW names AS SELECT id, name FROM pupils; CREATE VIEW first_names AS SELECT name FROM names WHERE id < 5;
CREATE TRIGGER upper_code BEFORE INSERT ON classes FOR EACH ROW SET NEW.code = LOWER(NEW.code);
DELIMITER //
CREATE PROCEDURE count_pupils(OUT n INT) COMMENT 'counts' BEGIN SELECT COUNT(*) INTO n FROM pupils; END//
CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC BEGIN RETURN n * 2; END//
CREATE EVENT forget ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DO
  BEGIN DELETE FROM log_entries WHERE year < 1990; END//
DELIMITER ;
USE `old-data`;
CREATE TABLE notes (id INT PRIMARY KEY, what VARCHAR(20)); INSERT INTO notes VALUES (1, 'é');
CREATE VIEW of_school AS SELECT name FROM school.first_names;
CREATE USER viewer@'%' IDENTIFIED BY 'v';
GRANT SELECT ON school.names TO viewer@'%'; GRANT SELECT ON school.pupils TO viewer@'%';
CREATE DEFINER = viewer@'%' VIEW by_viewer AS SELECT name FROM school.names;
CREATE USER teacher@'%' IDENTIFIED BY 'chalk'; CREATE ROLE reader; GRANT SELECT ON school.* TO reader;
GRANT reader TO teacher@'%'; GRANT SELECT (name), INSERT ON school.pupils TO teacher@'%';
GRANT EXECUTE ON PROCEDURE school.count_pupils TO teacher@'%'; SET DEFAULT ROLE reader FOR teacher@'%';
"""


@dataclass
class Kept:
    """A writer that keeps what it is given."""

    blocks: list[bytes] = field(default_factory=list)

    def write(self, block: bytes) -> None:
        """See `ObjectWriter`."""
        self.blocks.append(bytes(block))

    def wait_for_room(self, timeout_s: float) -> bool:  # noqa: ARG002
        """See `ObjectWriter`."""
        return True


def back_up(server: MariaDb, bucket: MemoryBucket, name: BackupName = NAME) -> Manifest:
    """Dump a server, as `backup run` does, into a bucket in memory."""
    option_file = str(server.option_file)
    found = read_server(option_file)
    kept = Kept()
    dumped = dump(DumpRequest(server=found, program=find_dump("mariadb"), option_file=option_file), kept)
    assert dumped.is_whole, dumped.last_words
    grants = read_grants(option_file, found)
    return manifest(
        name,
        server_version=found.version,
        dump=bucket.store(name.key(PREFIX, DUMP), b"".join(kept.blocks), dumped.raw_bytes),
        grants=bucket.store(name.key(PREFIX, GRANTS), packed(grants.sql), len(grants.sql)),
        account_count=grants.account_count,
        databases=found.databases,
        frames=dumped.frames,
    )


@dataclass
class Bench:
    """A bucket with a backup, and where it goes.

    Attributes:
        told: what people were told.
    """

    bucket: MemoryBucket
    manifest: Manifest
    target: MariaDb
    journal: Journal
    told: list[str] = field(default_factory=list)
    patience_s: float = 60.0

    def means(
        self,
        is_halted: Callable[[], bool] = lambda: False,
        show: Callable[[str, int, int | None], None] = lambda *_: None,
    ) -> Means:
        """Of a restore."""
        return Means(
            bucket=self.bucket,
            prefix=PREFIX,
            find_shell=find_shell,
            clock=SystemClock(),
            dice=lambda: 0.9,
            is_halted=is_halted,
            show=show,
            tell=self.told.append,
            patience_s=self.patience_s,
            server_patience_s=self.patience_s,
        )

    def request(self, database: str = "", table: str = "", **settings: bool) -> Request:
        """What to restore."""
        return Request(
            name=NAME,
            manifest=self.manifest,
            selection=selected(self.manifest, database, table) if database or table else Selection(),
            option_file=str(self.target.option_file),
            jobs=2,
            **settings,  # type: ignore[arg-type]
        )

    def restore(self, database: str = "", table: str = "", **settings: bool) -> Restored:
        """Restore."""
        return restore(self.request(database, table, **settings), self.means(), self.journal)


def text_of(server: MariaDb, *databases: str) -> str:
    """Dump databases of a server as text that is the same for the same content."""
    command = [
        *(
            "mariadb-dump",
            f"--defaults-file={server.option_file}",
            "--routines",
            "--events",
            "--triggers",
            "--hex-blob",
        ),
        *("--skip-dump-date", "--skip-comments", "--order-by-primary", "--databases", *databases),
    ]
    done = subprocess.run(command, capture_output=True, check=True)
    return done.stdout.decode()


def accounts_of(server: MariaDb) -> list[Account]:
    """What a server says of its accounts, but of those that every new server has."""
    found = read_grants(str(server.option_file), read_server(str(server.option_file))).accounts
    return [one for one in found if one.user not in {"root", "mysql", "PUBLIC", ""}]


def emptied(server: MariaDb) -> None:
    """Take away what a test before has left."""
    for database in server.execute("SELECT schema_name FROM information_schema.schemata").split():
        if database not in {"mysql", "information_schema", "performance_schema", "sys"}:
            server.execute(f"DROP DATABASE `{database}`")
    server.execute("DROP USER IF EXISTS teacher@'%', viewer@'%'; DROP ROLE IF EXISTS reader; FLUSH PRIVILEGES")


def log_of(server: MariaDb) -> str:
    """Its general log, which has to be on."""
    name = server.execute("SELECT @@general_log_file").strip()
    return (server.data_directory / name).read_text(errors="replace")


def wait_for(condition: Callable[[], bool], limit_s: float = 60.0) -> None:
    """Wait until something is so."""
    ends_at = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < ends_at, "it did not come about"
        time.sleep(0.02)
