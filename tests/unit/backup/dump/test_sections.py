"""What a dump holds is told exactly, whatever is in it and whatever the blocks it comes in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.backup.dump.rendering import DatabaseModel, TableModel, body, render
from vawsum_agent.backup.dump.sections import Scanner, Section
from vawsum_agent.backup.manifest import BinlogPosition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HOSTILE = [
    "),(", "'", "\\", "\\'", ";\n", "\n", "`", "--\n-- Table structure for table `evil`\n--\n", "\nUNLOCK TABLES;\n",
    "\nDELIMITER ;\n", ";;\nDELIMITER ;\n", "-- Dump completed on 2026", "INSERT INTO `t` VALUES\n(", "(", ")", ",",
    "é", '"',
    "/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;\n", "\0", "*/", "/*", "#", "-- ",
]  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=5)), max_size=6).map("".join)
names = st.lists(st.one_of(st.sampled_from(HOSTILE[1:13]), st.text("ab `\"'-;é\n", min_size=1, max_size=5)), min_size=1)
names_in_dump = names.map("".join).map(lambda name: name.replace("\0", "x"))
values = st.one_of(st.none(), st.integers(), texts)
bodies = st.lists(st.tuples(st.sampled_from(["'", '"', "`", "--", "#", "/*"]), texts), max_size=4).map(body)
tables = st.builds(
    TableModel,
    name=names_in_dump,
    rows=st.lists(st.lists(values, min_size=1, max_size=3), max_size=8),
    trigger=st.one_of(st.just(""), bodies),
    rows_per_statement=st.integers(1, 4),
    lists_columns=st.booleans(),
)
databases = st.builds(
    DatabaseModel,
    name=names_in_dump,
    tables=st.lists(tables, max_size=3),
    views=st.lists(names_in_dump, max_size=2),
    routine=st.one_of(st.just(""), bodies),
)
dumps = st.lists(databases, min_size=1, max_size=3, unique_by=lambda one: one.name)


def blocks_of(content: bytes, sizes: Iterable[int]) -> Iterator[bytes]:
    """Cut into blocks of these sizes, over and over."""
    at = 0
    sizes = list(sizes)
    while at < len(content):
        for size in sizes:
            yield content[at : at + size]
            at += size


def scan(content: bytes, sizes: Iterable[int] = (1 << 20,)) -> tuple[list[tuple[Section, bytes]], Scanner]:
    """Give the sections with their bytes."""
    scanner = Scanner()
    found: list[tuple[Section, bytes]] = []

    def take(runs: Iterator[tuple[Section, memoryview]]) -> None:
        for section, run in runs:
            if found and found[-1][0] is section:
                found[-1] = section, found[-1][1] + run
            else:
                found.append((section, bytes(run)))

    for block in blocks_of(content, sizes):
        take(scanner.feed(block))
    take(scanner.finish())
    return found, scanner


def expected(models: list[DatabaseModel]) -> list[tuple[str, str, str, int | None]]:
    """Kind, database, name and rows of what a rendered dump holds."""
    found: list[tuple[str, str, str, int | None]] = [("head", "", "", None)]
    for database in models:
        found.append(("database", database.name, "", None))
        found += [("view", database.name, view, None) for view in database.views]
        found += [("table", database.name, table.name, len(table.rows)) for table in database.tables]
        found += [("events", database.name, "", None), ("routines", database.name, "", None)]
    found += [("views", database.name, "", None) for database in models]
    return [*found, ("tail", "", "", None)]


@given(dumps, st.booleans())
def test_model_is_recovered(models: list[DatabaseModel], is_lined: bool) -> None:
    """Sections, names and rows are those of the model, whatever values, names and bodies hold; no byte is changed."""
    content = render(models, is_lined=is_lined)
    found, scanner = scan(content)
    assert [(one.kind, one.database, one.name, one.rows) for one, _ in found] == expected(models)
    assert b"".join(run for _, run in found) == content
    assert all(section.is_complete for section, _ in found)
    assert scanner.has_trailer
    assert scanner.binlog == BinlogPosition(file="binlog.000007", position=1234, gtid="0-7-18")


@given(dumps, st.booleans(), st.lists(st.integers(1, 60), min_size=1, max_size=5))
def test_blocks_make_no_difference(models: list[DatabaseModel], is_lined: bool, sizes: list[int]) -> None:
    """However the stream is cut into blocks, the sections and their bytes are the same."""
    content = render(models, is_lined=is_lined)
    assert scan(content, sizes)[0] == scan(content)[0]


@given(dumps, st.booleans(), st.floats(0, 1))
def test_cut_dump_is_never_whole(models: list[DatabaseModel], is_lined: bool, where: float) -> None:
    """A stream that ends anywhere before its end has no trailer, and a table whose data it cuts is not complete."""
    content = render(models, is_lined=is_lined)
    cut = content[: int(where * (len(content) - 1))]
    found, scanner = scan(cut)
    assert not scanner.has_trailer
    assert b"".join(run for _, run in found) == cut
    if found and found[-1][0].kind == "table" and b"UNLOCK TABLES;\n" not in found[-1][1]:
        assert not found[-1][0].is_complete


@pytest.mark.parametrize("is_lined", [True, False])
def test_row_larger_than_many_blocks(is_lined: bool) -> None:
    """A row of megabytes is a row; what is kept of one block for the next does not grow with it."""
    row: list[str | int | None] = [1, "x'\\;\n),(`" * 300_000]
    content = render([DatabaseModel("d", [TableModel("t", [row, row])])], is_lined=is_lined)
    scanner = Scanner()
    sections = {}
    for block in blocks_of(content, [1 << 16]):
        sections.update({id(section): section for section, _ in scanner.feed(block)})
        assert len(scanner._rest) < 4096
    assert [section.rows for section in sections.values() if section.kind == "table"] == [2]


def test_sql_mode_says_what_quotes_mean() -> None:
    """Under NO_BACKSLASH_ESCAPES a backslash before a quote escapes nothing, and the body ends where it does."""
    content = b"""--
-- Dumping routines for database 'd'
--
/*!50003 SET sql_mode              = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES' */ ;
DELIMITER ;;
CREATE PROCEDURE "p\\"()
BEGIN SELECT '\\'';;
DELIMITER ;
--
-- Table structure for table `evil`
--
'; # it's
END
;;
DELIMITER ;
/*!50003 SET sql_mode              = @saved_sql_mode */ ;

--
-- Current Database: `next`
--
"""
    found, _ = scan(content)
    assert [(section.kind, section.database) for section, _ in found] == [("routines", ""), ("database", "next")]


def test_position_of_mysql() -> None:
    """MySQL's newer words for a binlog position are understood."""
    line = b"-- CHANGE REPLICATION SOURCE TO SOURCE_LOG_FILE='mysql-bin.000003', SOURCE_LOG_POS=157;\n"
    _, scanner = scan(b"-- MySQL dump 10.13\n" + line)
    assert scanner.binlog == BinlogPosition(file="mysql-bin.000003", position=157)


def test_dump_of_mysql_8() -> None:
    """A dump in MySQL 8's own words is cut as MariaDB's is."""
    content = b"""-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
--
-- Host: localhost    Database: shop
-- ------------------------------------------------------
-- Server version\t8.0.36
/*!50503 SET NAMES utf8mb4 */;

--
-- Position to start replication or point-in-time recovery from
--

-- CHANGE MASTER TO MASTER_LOG_FILE='binlog.000002', MASTER_LOG_POS=157;

--
-- Current Database: `shop`
--

CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop` /*!80016 DEFAULT ENCRYPTION='N' */;

USE `shop`;

--
-- Table structure for table `a`
--

DROP TABLE IF EXISTS `a`;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `a` (
  `id` int NOT NULL,
  `v` varchar(9) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

--
-- Dumping data for table `a`
--

LOCK TABLES `a` WRITE;
/*!40000 ALTER TABLE `a` DISABLE KEYS */;
INSERT INTO `a` VALUES (1,'x),('),(2,NULL),(3,_binary '\\'');
INSERT INTO `a` VALUES (4,0x00);
/*!40000 ALTER TABLE `a` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Temporary view structure for view `v`
--

SET @saved_cs_client     = @@character_set_client;
/*!50001 CREATE VIEW `v` AS SELECT
 1 AS `id`*/;

--
-- Final view structure for view `v`
--

/*!50001 VIEW `v` AS select `a`.`id` AS `id` from `a` */;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;

-- Dump completed on 2026-11-29  0:00:07
"""
    found, scanner = scan(content, [7])
    kinds = [(section.kind, section.name, section.rows) for section, _ in found]
    assert kinds == [
        ("head", "", None),
        ("database", "", None),
        ("table", "a", 4),
        ("view", "v", None),
        ("views", "", None),
        ("tail", "", None),
    ]
    assert scanner.has_trailer
