"""Each format on lines as the servers write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.logs.formats.making import a_format, entries, ms, s

if TYPE_CHECKING:
    from vawsum_agent.config.model import FormatName

NOW = s("2026-11-23T12:00:00+00:00")

# format, zone, entry, timestamp's text, its time
SAMPLES: list[tuple[FormatName, str, bytes, bytes, str]] = [
    (
        "apache-access",  # common
        "UTC",
        b'127.0.0.1 - frank [23/Nov/2026:10:00:00 +0530] "GET /a.gif HTTP/1.0" 200 2326\n',
        b"23/Nov/2026:10:00:00 +0530",
        "2026-11-23T10:00:00+05:30",
    ),
    (
        "apache-access",  # combined, IPv6
        "UTC",
        b'2001:db8::1 - - [01/Jan/2026:00:00:00 -0330] "-" 408 0 "-" "-"\n',
        b"01/Jan/2026:00:00:00 -0330",
        "2026-01-01T00:00:00-03:30",
    ),
    (
        "apache-access",  # vhost_combined with %D and %T, the source's zone plays no part
        "Asia/Kolkata",
        b'app.vawsum.com:443 10.0.0.9 - - [23/Nov/2026:10:00:00 +0000] "POST /x HTTP/2.0" 200 9 "-" "curl/8" 1512 0\n',
        b"23/Nov/2026:10:00:00 +0000",
        "2026-11-23T10:00:00+00:00",
    ),
    (
        "apache-access",  # X-Forwarded-For in front
        "UTC",
        b'203.0.113.7, 10.0.0.1 - - [23/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "-"\n',
        b"23/Nov/2026:10:00:00 +0000",
        "2026-11-23T10:00:00+00:00",
    ),
    (
        "apache-access",  # request, referer and agent hold stamps; the agent's even looks like the log's own
        "UTC",
        (
            b'10.0.0.1 - - [23/Nov/2026:10:00:00 +0000] "GET /[01/Jan/2001:00:00:00 +0000] HTTP/1.1" 404 1 '
            b'"[02/Jan/2001:00:00:00 +0000]" "x [03/Jan/2001:00:00:00 +0000] "\n'
        ),
        b"23/Nov/2026:10:00:00 +0000",
        "2026-11-23T10:00:00+00:00",
    ),
    (
        "apache-access",  # a user name with brackets, quotes and a stamp, as Apache escapes it
        "UTC",
        b'10.0.0.1 - a [01/Jan/2001:00:00:00 +0000] \\" b [23/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 401 1\n',
        b"23/Nov/2026:10:00:00 +0000",
        "2026-11-23T10:00:00+00:00",
    ),
    (
        "apache-access",  # an empty user name
        "UTC",
        b'10.0.0.1 - "" [23/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 401 1\n',
        b"23/Nov/2026:10:00:00 +0000",
        "2026-11-23T10:00:00+00:00",
    ),
    (
        "apache-access",  # the leap second
        "UTC",
        b'10.0.0.1 - - [31/Dec/2016:23:59:60 +0000] "GET / HTTP/1.1" 200 1\n',
        b"31/Dec/2016:23:59:60 +0000",
        "2017-01-01T00:00:00+00:00",
    ),
    (
        "apache-error",
        "Asia/Kolkata",
        b"[Mon Nov 23 10:00:00.123456 2026] [core:notice] [pid 1:tid 2] AH00094: Command line: '/usr/sbin/apache2'\n",
        b"Mon Nov 23 10:00:00.123456 2026",
        "2026-11-23T10:00:00.123+05:30",
    ),
    (
        "apache-error",  # 2.2
        "UTC",
        b"[Mon Nov 23 10:00:00 2026] [error] [client 10.0.0.1] File does not exist: /var/www/x\n",
        b"Mon Nov 23 10:00:00 2026",
        "2026-11-23T10:00:00+00:00",
    ),
    (
        "php-error",
        "Asia/Kolkata",
        b"[23-Nov-2026 10:00:00 UTC] PHP Fatal error:  Allowed memory size of 134217728 bytes exhausted\n",
        b"23-Nov-2026 10:00:00 UTC",
        "2026-11-23T10:00:00+00:00",
    ),
    (
        "php-error",
        "UTC",
        b"[23-Nov-2026 10:00:00 Asia/Kolkata] PHP Warning:  Undefined variable $x in /var/www/x.php on line 1\n",
        b"23-Nov-2026 10:00:00 Asia/Kolkata",
        "2026-11-23T10:00:00+05:30",
    ),
    (
        "php-error",
        "UTC",
        b"[23-Nov-2026 10:00:00 America/Argentina/Buenos_Aires] own message\n",
        b"23-Nov-2026 10:00:00 America/Argentina/Buenos_Aires",
        "2026-11-23T10:00:00-03:00",
    ),
    (
        "php-error",
        "UTC",
        b"[23-Nov-2026 10:00:00 +02:00] PHP Notice:  x\n",
        b"23-Nov-2026 10:00:00 +02:00",
        "2026-11-23T10:00:00+02:00",
    ),
    (
        "php-error",  # PHP 5.2
        "Asia/Kolkata",
        b"[23-Nov-2026 10:00:00] PHP Notice:  x\n",
        b"23-Nov-2026 10:00:00",
        "2026-11-23T10:00:00+05:30",
    ),
    (
        "php-fpm",
        "Asia/Kolkata",
        b"[23-Nov-2026 10:00:00] NOTICE: fpm is running, pid 20552\n",
        b"23-Nov-2026 10:00:00",
        "2026-11-23T10:00:00+05:30",
    ),
    (
        "php-fpm",  # log_level = debug
        "UTC",
        b"[23-Nov-2026 10:00:00.987654] DEBUG: pid 7, fpm_event_loop(), line 416: event module triggered 1 events\n",
        b"23-Nov-2026 10:00:00.987654",
        "2026-11-23T10:00:00.987+00:00",
    ),
    (
        "php-fpm-slow",
        "Asia/Kolkata",
        (
            b"[23-Nov-2026 09:26:02]  [pool www] pid 20556\nscript_filename = /var/www/boom.php\n"
            b"[0x00007fca97c15130] usleep() /var/www/boom.php:1\n\n"
        ),
        b"23-Nov-2026 09:26:02",
        "2026-11-23T09:26:02+05:30",
    ),
    (
        "mysql-error",  # MySQL 8
        "Asia/Kolkata",
        b"2026-11-23T10:00:00.123456Z 0 [System] [MY-010116] [Server] /usr/sbin/mysqld (mysqld 8.0.36) starting\n",
        b"2026-11-23T10:00:00.123456Z",
        "2026-11-23T10:00:00.123+00:00",
    ),
    (
        "mysql-error",  # log_timestamps = SYSTEM
        "UTC",
        b"2026-11-23T10:00:00.123456+05:30 7 [Warning] [MY-013360] [Server] Plugin mysql_native_password reported\n",
        b"2026-11-23T10:00:00.123456+05:30",
        "2026-11-23T10:00:00.123+05:30",
    ),
    (
        "mysql-error",  # 5.7
        "Asia/Kolkata",
        b"2026-11-23T10:00:00.123456Z 0 [Note] /usr/sbin/mysqld: ready for connections.\n",
        b"2026-11-23T10:00:00.123456Z",
        "2026-11-23T10:00:00.123+00:00",
    ),
    (
        "mysql-error",  # 5.6
        "UTC",
        b"2026-11-23 10:00:00 12345 [Note] InnoDB: The InnoDB memory heap is disabled\n",
        b"2026-11-23 10:00:00",
        "2026-11-23T10:00:00+00:00",
    ),
    (
        "mysql-error",  # 5.6, InnoDB itself
        "UTC",
        b"2026-11-23 10:00:00 7f3ad5cfb740 InnoDB: Warning: Using innodb_additional_mem_pool_size is DEPRECATED.\n",
        b"2026-11-23 10:00:00",
        "2026-11-23T10:00:00+00:00",
    ),
    (
        "mysql-error",  # MariaDB pads the hour with a blank
        "Asia/Kolkata",
        b"2026-11-23  9:26:04 0 [Note] InnoDB: Using io_uring\n",
        b"2026-11-23  9:26:04",
        "2026-11-23T09:26:04+05:30",
    ),
    (
        "mysql-error",
        "UTC",
        b"261123  9:00:00 mysqld_safe Starting mysqld daemon with databases from /var/lib/mysql\n",
        b"261123  9:00:00",
        "2026-11-23T09:00:00+00:00",
    ),
    (
        "mysql-error",  # MySQL 5.5
        "UTC",
        b"261123 10:00:00  InnoDB: Initializing buffer pool, size = 128.0M\n",
        b"261123 10:00:00",
        "2026-11-23T10:00:00+00:00",
    ),
    (
        "mysql-error",  # MySQL 8.0.30 and later, on a crash
        "UTC",
        b"2026-11-23T10:00:00Z UTC - mysqld got signal 11 ;\nMost likely, you have hit a bug\n",
        b"2026-11-23T10:00:00Z",
        "2026-11-23T10:00:00+00:00",
    ),
    (
        "mysql-slow",  # MySQL 8: `# Time:` is finer than, and later than, `SET timestamp`
        "Asia/Kolkata",
        (
            b"# Time: 2026-11-23T10:00:02.500000Z\n# User@Host: app[app] @  [10.0.0.5]  Id:    11\n"
            b"# Query_time: 2.5  Lock_time: 0.000003 Rows_sent: 1  Rows_examined: 9\nuse vawsum;\n"
            b"SET timestamp=1795428000;\nSELECT SLEEP(2.5);\n"
        ),
        b"2026-11-23T10:00:02.500000Z",
        "2026-11-23T10:00:02.500+00:00",
    ),
    (
        "mysql-slow",  # MariaDB: local time, and the same second as an epoch number
        "UTC",
        (
            b"# Time: 261123 15:30:00\n# User@Host: root[root] @ localhost []\n# Thread_id: 4  Schema: x  QC_hit: No\n"
            b"# Query_time: 0.1  Lock_time: 0.0  Rows_sent: 1  Rows_examined: 0\nSET timestamp=1795428000;\nselect 1;\n"
        ),
        b"1795428000",
        "2026-11-23T10:00:00+00:00",
    ),
    (
        "mysql-slow",  # MariaDB, within the second of the entry before
        "UTC",
        (
            b"# User@Host: root[root] @ localhost []\n# Thread_id: 4  Schema: x  QC_hit: No\n# explain: id\n"
            b"SET timestamp=1795428000;\nselect 'SET timestamp=1;';\n"
        ),
        b"1795428000",
        "2026-11-23T10:00:00+00:00",
    ),
    (
        "mysql-slow",  # cut off before its SET timestamp
        "Asia/Kolkata",
        b"# Time: 261123 15:30:00\n# User@Host: root[root] @ localhost []\n",
        b"261123 15:30:00",
        "2026-11-23T15:30:00+05:30",
    ),
    (
        "syslog",
        "Asia/Kolkata",
        b"Nov 23 09:26:05 vm sshd[20681]: Accepted publickey for admin\n",
        b"Nov 23 09:26:05",
        "2026-11-23T09:26:05+05:30",
    ),
    ("syslog", "UTC", b"<34>Nov  3 10:00:00 vm su: x\n", b"Nov  3 10:00:00", "2026-11-03T10:00:00+00:00"),
    (
        "syslog",  # RFC 5424
        "UTC",
        b'<165>1 2026-11-23T10:00:00.003+05:30 vm app 8710 - [id@1 a="b"] x\n',
        b"2026-11-23T10:00:00.003+05:30",
        "2026-11-23T10:00:00.003+05:30",
    ),
    (
        "syslog",  # RSYSLOG_FileFormat
        "UTC",
        b"2026-11-23T09:26:05.174197+00:00 vm vawsum[20681]: hello world\n",
        b"2026-11-23T09:26:05.174197+00:00",
        "2026-11-23T09:26:05.174+00:00",
    ),
    (
        "json",
        "UTC",
        b'{"message":"x","timestamp":"2026-11-23T10:00:00.123Z"}\n',
        b"2026-11-23T10:00:00.123Z",
        "2026-11-23T10:00:00.123+00:00",
    ),
    (
        "json",  # Monolog
        "UTC",
        b'{"message":"x","context":{"time":1},"datetime":"2026-11-23T10:00:00.123456+05:30"}\n',
        b"2026-11-23T10:00:00.123456+05:30",
        "2026-11-23T10:00:00.123+05:30",
    ),
    (
        "json",
        "Asia/Kolkata",
        b'{"time":"2026-11-23 10:00:00"}\n',
        b"2026-11-23 10:00:00",
        "2026-11-23T10:00:00+05:30",
    ),
    ("json", "UTC", b'{"ts":1795428000}\n', b"1795428000", "2026-11-23T10:00:00+00:00"),
    ("json", "UTC", b'{"ts":1795428000.25}\n', b"1795428000.250000", "2026-11-23T10:00:00.250+00:00"),
    ("json", "UTC", b'{"ts":1795428000123}\n', b"1795428000123", "2026-11-23T10:00:00.123+00:00"),
    ("json", "UTC", b'{"ts":1795428000123456}\n', b"1795428000123456", "2026-11-23T10:00:00.123+00:00"),
    ("json", "UTC", b'{"ts":1795428000123456789}\n', b"1795428000123456789", "2026-11-23T10:00:00.123+00:00"),
    ("json", "UTC", b'{"@timestamp":"1795428000"}\n', b"1795428000", "2026-11-23T10:00:00+00:00"),
    (
        "json",  # a duration under a key that others use for the time; invalid UTF-8 from a client
        "UTC",
        b'{"time":0.012,"agent":"\xff","timestamp":"2026-11-23T10:00:00Z"}\n',
        b"2026-11-23T10:00:00Z",
        "2026-11-23T10:00:00+00:00",
    ),
]

UNREADABLE: list[tuple[FormatName, bytes]] = [
    ("apache-access", b"\n"),
    ("apache-access", b"not an access line\n"),
    ("apache-access", b'x "GET / HTTP/1.1" 200 "[23/Nov/2026:10:00:00 +0000] "\n'),
    ("apache-access", b'10.0.0.1 - - [23/Nov/2026:10:00:00 +0000]\n"GET / HTTP/1.1"\n'),
    ("apache-access", b'10.0.0.1 - - [31/Feb/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1\n'),
    ("apache-access", b'10.0.0.1 - - [23/Nov/2026:24:00:00 +0000] "GET / HTTP/1.1" 200 1\n'),
    ("apache-access", b'10.0.0.1 - - [00/Nov/0000:10:00:00 +0000] "GET / HTTP/1.1" 200 1\n'),
    ("apache-access", b'10.0.0.1 - - [23/Nov/+026:10:00:00 +0000] "GET / HTTP/1.1" 200 1\n'),
    ("apache-access", b'10.0.0.1 - - [23/Nov/2026:10:00:00 +9999] "GET / HTTP/1.1" 200 1\n'),
    ("apache-error", b"[Mon Foo 23 10:00:00.123456 2026] [core:notice] x\n"),
    ("php-error", b"[23-Nov-2026 10:00:00 Mars/Phobos] PHP Notice:  x\n"),
    ("php-error", b"[23-Nov-2026 10:00:00 America] PHP Notice:  x\n"),
    ("php-error", b"[23-Nov-2026 10:00:00 +99:00] PHP Notice:  x\n"),
    ("php-error", b"[99-Nov-2026 10:00:00 UTC] PHP Notice:  x\n"),
    ("mysql-error", b"2026-02-30T10:00:00.123456Z 0 [Note] x\n"),
    ("mysql-error", b"0000-00-00T00:00:00.000000Z 0 [Note] x\n"),
    ("mysql-slow", b"/usr/sbin/mysqld, Version: 8.0.36 (MySQL). started with:\n"),
    ("syslog", b"<165>1 - vm app 8710 - - x\n"),
    ("syslog", b"Foo 23 10:00:00 vm x: y\n"),
    ("syslog", b"Feb 30 10:00:00 vm x: y\n"),
    ("json", b'{"time":"yesterday"}\n'),
    ("json", b'{"time":true,"ts":null,"date":["2026-11-23T10:00:00Z"]}\n'),
    ("json", b'{"date":"2026-11-23"}\n'),
    ("json", b'{"timestamp":12}\n'),
    ("json", b'["2026-11-23T10:00:00Z"]\n'),
    ("json", b'{"time":"2026-11-23T10:00:00Z"\n'),
    ("json", b"[" * 5000 + b"\n"),
]

# format, then the entries that one block is made of
BLOCKS: list[tuple[FormatName, list[bytes]]] = [
    (
        "apache-error",
        [
            b"[Mon Nov 23 10:00:00.1 2026] [core:notice] x\nraw output of a CGI\n[not a stamp] y\n",
            b"[Mon Nov 23 10:00:01.1 2026] [core:notice] [Mon Nov 23 10:00:01.1 2026] z\n",
        ],
    ),
    (
        "php-error",
        [
            b"[23-Nov-2026 10:00:00 UTC] own message\n",
            (
                b"[23-Nov-2026 10:00:00 UTC] PHP Fatal error:  Uncaught RuntimeException: bad\nthing in /a.php:1\n"
                b"Stack trace:\n#0 /a.php(1): f('x')\n#1 {main}\n  thrown in /a.php on line 1\n"
            ),
            b"[23-Nov-2026 10:00:01 UTC] PHP Warning:  Undefined variable $x in /a.php on line 1\n",
        ],
    ),
    (
        "php-error",  # Xdebug
        [
            (
                b"[23-Nov-2026 10:00:00 Europe/Berlin] PHP Notice:  x in /a.php on line 1\n"
                b"[23-Nov-2026 10:00:00 Europe/Berlin] PHP Stack trace:\n"
                b"[23-Nov-2026 10:00:00 Europe/Berlin] PHP   1. {main}() /a.php:0\n"
                b"[23-Nov-2026 10:00:01 Europe/Berlin] PHP  10. f() /a.php:3\n"
            ),
            b"[23-Nov-2026 10:00:01 Europe/Berlin] PHP Notice:  y in /a.php on line 1\n",
        ],
    ),
    (
        "php-fpm",
        [
            b"[23-Nov-2026 10:00:00] NOTICE: ready to handle connections\n",
            (
                b'[23-Nov-2026 10:00:00] WARNING: [pool www] child 7 said into stderr: "PHP Fatal error:  E: x"\n'
                b'[23-Nov-2026 10:00:00] WARNING: [pool www] child 7 said into stderr: "Stack trace:"\n'
                b'[23-Nov-2026 10:00:00] WARNING: [pool www] child 7 said into stderr: "#0 {main}"\n'
                b'[23-Nov-2026 10:00:00] WARNING: [pool www] child 7 said into stderr: "  thrown in /a.php on line 1"\n'
            ),
            b'[23-Nov-2026 10:00:00] WARNING: [pool www] child 7 said into stderr: "other"\n',
        ],
    ),
    (
        "php-fpm-slow",
        [
            b"\n",
            b"[23-Nov-2026 09:26:02]  [pool www] pid 1\nscript_filename = /a.php\n[0x00007fca97c15130] f() /a.php\n\n",
            b"[23-Nov-2026 09:26:03]  [pool www] pid 2\nscript_filename = /a.php\n[0x00007fca97c15130] g() /a.php:1\n",
        ],
    ),
    (
        "mysql-error",
        [
            (
                b"2026-11-23 10:00:00 0 [Note] /usr/sbin/mariadbd: ready for connections.\n"
                b"Version: '10.11.19-MariaDB'  socket: '/run/mysqld/mysqld.sock'  port: 3306\n"
            ),
            (
                b"261123 10:00:01 [ERROR] mysqld got signal 11 ;\nThis could be because you hit a bug.\n\n"
                b"Thread pointer: 0x0\nstack_bottom = 0x0 thread_stack 0x49000\nmariadbd(my_print_stacktrace+0x2e)\n"
            ),
            (
                b"2026-11-23 10:00:02 7 [Note] InnoDB: Transactions deadlock detected, dumping detailed information.\n"
                b"\n=====================================\n2026-11-23 10:00:02 0x7f1b2c INNODB MONITOR OUTPUT\n"
                b"=====================================\n261123 10:00:02\n*** (1) TRANSACTION:\n"
                b"2026-11-23 10:00:02 0x7f1b2c\n"
            ),
        ],
    ),
    (
        "mysql-error",  # MySQL 5.7's crash, which tells no date
        [
            b"2026-11-23T10:00:00.000000Z 0 [Note] x\n10:00:01 UTC - mysqld got signal 11 ;\nMost likely\n",
            b"2026-11-23T10:00:02.000000Z mysqld_safe Number of processes running now: 0\n",
        ],
    ),
    (
        "mysql-slow",
        [
            (
                b"/usr/sbin/mariadbd, Version: 10.11.19-MariaDB (Debian 12). started with:\n"
                b"Tcp port: 3306  Unix socket: /run/mysqld/mysqld.sock\nTime\t\t    Id Command\tArgument\n"
            ),
            b"# Time: 261123  9:26:04\n# User@Host: root[root] @ localhost []\nSET timestamp=1795425964;\nselect 1;\n",
            b"# User@Host: root[root] @ localhost []\nSET timestamp=1795425964;\nselect\n\n2;\n",
            b"# Time: 2026-11-23T10:00:00.000001Z\n# User@Host: root[root] @ localhost []  Id: 8\nSET timestamp=1;\n",
            b"# Time: 2026-11-23T10:00:00.000001+05:30\n# User@Host: root[root] @ localhost []  Id: 8\nx;\n",
            b"/usr/sbin/mysqld, Version: 8.0.36 (MySQL Community Server - GPL). started with:\nTcp port: 3306\n",
        ],
    ),
]


@pytest.mark.parametrize(("name", "zone", "entry", "text", "time"), SAMPLES)
def test_real_entries_are_dated(name: FormatName, zone: str, entry: bytes, text: bytes, time: str) -> None:
    """Where a server puts its timestamp is known, and what it means, to the millisecond."""
    log_format = a_format(name, timezone=zone)
    assert log_format.time_text(entry) == text
    assert log_format.time_ms(text, None, NOW) == ms(time)
    assert entries(log_format, entry) == [entry]


@pytest.mark.parametrize(("name", "zone", "entry", "text", "time"), SAMPLES)
def test_the_pattern_for_blocks_agrees_with_the_single_entry(
    name: FormatName, zone: str, entry: bytes, text: bytes, time: str
) -> None:
    """The fast path over a block finds what `time_text` finds, or fewer, so that it is never wrong."""
    log_format = a_format(name, timezone=zone)
    if log_format.times is not None:
        found = log_format.times.findall(entry * 3)
        assert found in ([text] * 3, []), time


@pytest.mark.parametrize(("name", "entry"), UNREADABLE)
def test_what_tells_no_time_has_none(name: FormatName, entry: bytes) -> None:
    """A malformed line, an impossible date or an unknown zone is no time: never a wrong one, never an error."""
    log_format = a_format(name)
    text = log_format.time_text(entry)
    assert text is None or log_format.time_ms(text, None, NOW) is None


@pytest.mark.parametrize(("name", "expected"), BLOCKS)
def test_an_entry_keeps_its_further_lines(name: FormatName, expected: list[bytes]) -> None:
    """Stack traces, crash traces and raw output are part of the entry that they belong to."""
    log_format = a_format(name)
    block = b"".join(expected)
    assert entries(log_format, block) == expected
    if log_format.times is not None:
        stamped = [entry for entry in expected if log_format.time_text(entry) is not None]
        assert log_format.times.findall(block) == [log_format.time_text(entry) for entry in stamped]


def test_lines_of_a_line_format_never_share_a_match() -> None:
    """A stamp cut in two by a newline is no stamp."""
    access = a_format("apache-access")
    assert access.times is not None
    assert access.times.findall(b'a - - \n[23/Nov/2026:10:00:00 +0000] "x\n') == [b"23/Nov/2026:10:00:00 +0000"]
    assert access.times.findall(b'a - - [23/Nov/2026:10:00:00\n+0000] "x"\nb [\n23/Nov/2026:10:00:00 +0000] "\n') == []
