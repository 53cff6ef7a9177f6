"""Writes dumps as mariadb-dump and mysqldump do, from a model, so that what is in them is known."""

from __future__ import annotations

from dataclasses import dataclass, field

from vawsum_agent.backup.server.quoting import identifier

_ESCAPES = {"\0": "\\0", "\n": "\\n", "\r": "\\r", "\\": "\\\\", "'": "\\'", '"': '\\"', "\x1a": "\\Z"}
_POSITION = "-- CHANGE MASTER TO MASTER_LOG_FILE='binlog.000007', MASTER_LOG_POS=1234;\n"
_TAIL = "/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;\n\n/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;\n\n"


@dataclass(frozen=True)
class TableModel:
    """A table: a name, its rows of texts and numbers, the body of a trigger."""

    name: str
    rows: list[list[str | int | None]]
    trigger: str = ""
    rows_per_statement: int = 3
    lists_columns: bool = False


@dataclass(frozen=True)
class DatabaseModel:
    """A database: tables, views, and the body of a routine."""

    name: str
    tables: list[TableModel] = field(default_factory=list)
    views: list[str] = field(default_factory=list)
    routine: str = ""


def literal(value: str | int | None) -> str:
    """Write a value as clients do: no raw newline is left."""
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    return "'" + "".join(_ESCAPES.get(character, character) for character in value) + "'"


def body(pieces: list[tuple[str, str]]) -> str:
    """Write a routine's body of pieces: a kind of string or comment, and what is in it, newlines and all."""
    written = "BEGIN\n"
    for kind, text in pieces:
        if kind == "--":
            written += f"-- {text.splitlines()[0] if text.splitlines() else ''}\n"
        elif kind == "#":
            written += f"# {text.splitlines()[0] if text.splitlines() else ''}\n"
        elif kind == "/*":
            written += f"/*{text.replace('*/', '* /').lstrip('!M')}*/\n"
        elif kind == "`":
            written += identifier(text) + "\n"
        else:
            written += kind + text.replace("\\", "\\\\").replace(kind, kind * 2) + kind + ";\n"
    return written + "END"


def header(text: str, name: str) -> str:
    """Write the comment above a section; newlines in names as clients do."""
    shown = identifier(name).replace("\n", "\n-- ")
    return f"\n--\n-- {text}{shown}\n--\n\n"


def render(databases: list[DatabaseModel], *, is_lined: bool, has_trailer: bool = True) -> bytes:
    """Write a dump: a row a line, or all rows of a statement in one."""
    text = "-- MariaDB dump 10.19\n--\n-- Host: localhost\n/*!40101 SET NAMES utf8mb4 */;\n\n--\n-- Position\n--\n\n"
    text += _POSITION
    for database in databases:
        name = identifier(database.name)
        text += header("Current Database: ", database.name)
        text += f"CREATE DATABASE /*!32312 IF NOT EXISTS*/ {name};\n\nUSE {name};\n"
        for view in database.views:
            text += header("Temporary table structure for view ", view)
            text += f"/*!50001 CREATE VIEW {identifier(view)} AS SELECT\n 1 AS `x` */;\n"
        for table in database.tables:
            text += _table(table, is_lined=is_lined)
        text += "\n--\n-- Dumping events for database 'it''s ; anything'\n--\n"
        text += "\n--\n-- Dumping routines for database 'it''s ; anything'\n--\n"
        if database.routine:
            text += f"DELIMITER ;;\nCREATE PROCEDURE `p`()\n{database.routine} ;;\nDELIMITER ;\n"
    for database in databases:
        text += header("Current Database: ", database.name) + f"USE {identifier(database.name)};\n"
        for view in database.views:
            text += header("Final view structure for view ", view)
            text += f"/*!50001 VIEW {identifier(view)} AS select '\\n-- Table structure for table `z`\\n' AS `x` */;\n"
    text += "\n-- The deferred gtid setting\n\n-- SET GLOBAL gtid_slave_pos='0-7-18';\n"
    text += _TAIL + ("-- Dump completed on 2026-11-29  0:00:07\n" if has_trailer else "")
    return text.encode()


def _table(table: TableModel, *, is_lined: bool) -> str:
    name = identifier(table.name)
    text = header("Table structure for table ", table.name)
    text += f"DROP TABLE IF EXISTS {name};\nCREATE TABLE {name} (\n  `id` int DEFAULT ';',\n  `v` text\n)"
    text += " COMMENT='-- Table structure for table `q`\\n';\n"
    text += f"\n--\n-- Dumping data for table `x`\n--\n\nLOCK TABLES {name} WRITE;\n"
    text += f"/*!40000 ALTER TABLE {name} DISABLE KEYS */;\n"
    columns = " (`id`, `v``;`)" if table.lists_columns else ""
    for start in range(0, len(table.rows), table.rows_per_statement):
        rows = table.rows[start : start + table.rows_per_statement]
        written = [f"({','.join(map(literal, row))})" for row in rows]
        text += f"INSERT INTO {name}{columns} VALUES"
        text += "\n" + ",\n".join(written) + ";\n" if is_lined else " " + ",".join(written) + ";\n"
    text += f"/*!40000 ALTER TABLE {name} ENABLE KEYS */;\nUNLOCK TABLES;\n"
    if table.trigger:
        text += f"DELIMITER ;;\n/*!50003 CREATE*/ /*!50003 TRIGGER t {table.trigger} */;;\nDELIMITER ;\n"
    return text
