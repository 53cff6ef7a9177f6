"""A school's database: made by SQL alone, the same every time, as large as wanted; and what its users write to it.

It has what dumps get wrong: blobs of every byte, emoji, generated columns, foreign keys, partitions, a view on a view,
a function, a procedure, a trigger, an event.
"""

from __future__ import annotations

from pathlib import Path
from string import Template

DATABASE = "school"
SMALL_TABLE = "fees"
"""Holds about a hundredth of the data."""

LARGE_TABLE = "messages"

_ROWS_A_MEGABYTE = {
    "students": 520,
    "attendance": 6000,
    "marks": 4700,
    "messages": 1170,
    "homework": 340,
    "fees": 185,
    "photos": 11,
}
_NAMES = "Asha|Ravi|Meera|Imran|José|Zoë|李明|Nikhil|Priya|Farah|Tenzin|Lakshmi|Arjun|Sana|O'Brien|Kavya"
_PHRASES = (
    "please bring the signed form tomorrow morning|the class will visit the science museum on friday|"
    "homework for chapter four is due next week|your ward was absent without notice|"
    "fees for the second term are pending|parents are invited to the annual day|the bus is late by twenty minutes|"
    "well done on the mathematics olympiad|kindly acknowledge this message|आज की कक्षा रद्द कर दी गई है|"
    "sports practice moves to the lower field|the library is closed for stocktaking|exam timetable attached|"
    "rain holiday declared by the district|uniform sizes have to be confirmed|congratulations 🎉 on the prize|"
    "remember water bottles and caps ☀️|the doctor visits on monday|practical records must be complete|"
    "bring old newspapers for the drive"
)
_NOISE_BLOCKS = 40
"""Of 64 bytes."""

_PAYMENT = Template(
    "SET NAMES utf8mb4; START TRANSACTION; "
    "INSERT INTO school.fees (student_id, receipt, amount, paid_at) "
    "VALUES ($student, 'live-$number', $amount, NOW(6)); "
    "UPDATE school.settings SET total = total + $amount WHERE name = 'live fees'; "
    "INSERT INTO school.messages (student_id, sent_at, body) "
    "VALUES ($student, NOW(), 'receipt live-$number, ₹$amount 🙏'); COMMIT;\n"
)

PAYMENTS = (
    "SELECT (SELECT COUNT(*) FROM school.fees WHERE receipt LIKE 'live-%'), "
    "(SELECT COUNT(*) FROM school.messages WHERE body LIKE 'receipt live-%'), "
    "(SELECT COALESCE(SUM(amount), 0) FROM school.fees WHERE receipt LIKE 'live-%'), "
    "(SELECT total FROM school.settings WHERE name = 'live fees')"
)
"""How many there are by two tables, and what they come to by two: equal, each pair, in any consistent copy."""


def make_school(megabytes: int) -> str:
    """Return the SQL that makes the database, for one session of a client.

    Args:
        megabytes: of its dump, about; at least one.
    """
    counts = {name: rows * megabytes for name, rows in _ROWS_A_MEGABYTE.items()}
    noise = ", ".join(f"UNHEX(SHA2(CONCAT(seq, '/{block}'), 512))" for block in range(_NOISE_BLOCKS))
    script = Template((Path(__file__).parent / "school.sql").read_text(encoding="utf-8"))
    return script.substitute(
        counts, names=_quoted(_NAMES), phrases=_quoted(_PHRASES), every_byte=bytes(range(256)).hex(), noise=noise
    )


def make_payment(number: int) -> str:
    """Return a transaction of daily life: a fee is paid, about which three tables have to agree.

    Args:
        number: of the receipt, from one upwards; each once.
    """
    return _PAYMENT.substitute(number=number, student=number % 300 + 1, amount=100 + number % 900)


def _quoted(choices: str) -> str:
    return ", ".join("'" + text.replace("'", "''") + "'" for text in choices.split("|"))
