"""What a value must hold beyond its type. The model puts these into annotations; the reference prints them. Pure."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from vawsum_agent.config.placeholders import NAMES, expand, unknown_parts

if TYPE_CHECKING:
    from collections.abc import Callable

RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""What PutRetentionPolicy accepts."""

_LOG_GROUP = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
_LOG_STREAM = re.compile(r"[^:*]{1,512}", re.DOTALL)
_NAMESPACE = re.compile(r"(?!AWS/)[A-Za-z0-9.\-_/#:]{1,255}")
_TOPIC_ARN = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?")
_MINUTE_S = 60
_LONGEST_PERIOD_S = 3600
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+")


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition on one value.

    Attributes:
        text: the condition in words, as the reference shows it; empty to leave it out there.
        check: returns None when the value holds, else what is expected.
    """

    text: str
    check: Callable[[Any], str | None]


def must(text: str, holds: Callable[[Any], bool]) -> Rule:
    """A rule whose violation needs no more words than the rule itself."""
    return Rule(text, lambda value: None if holds(value) else text)


def _timezone(name: str) -> str | None:
    try:
        # ZoneInfo looks a name up as a path below the zone folders, so it also raises what opening files raises.
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return 'a zone of the tz database such as "UTC" or "Asia/Kolkata"'
    return None


_OWN_FLAGS = re.compile(r"\(\?[aimsx]+\)")


def _regex(pattern: str) -> str | None:
    try:
        compiled = re.compile(pattern.encode())  # logs are bytes
        # It is looked for at line starts, inside a group: a comment must not swallow what follows.
        re.compile(rb"(?=" + _OWN_FLAGS.sub("", pattern, count=1).encode() + rb")", compiled.flags)
    except (re.error, ValueError, OverflowError, RecursionError) as error:
        return f"a regular expression ({error})"
    return None


_STRPTIME = {"e": "d", "h": "b", "B": "b", "A": "a", "F": "Ymd", "T": "HMS", "R": "HM", "D": "mdy"}
"""Directives that stand for others."""

_STRPTIME_KNOWN = frozenset("YymbdjHIpMSfzZsa%")


def _strptime_format(text: str) -> str | None:
    if not text:
        return None
    given = re.findall(r"%(.?)", text, re.DOTALL)
    directives = [basic for directive in given for basic in _STRPTIME.get(directive, directive or "%%")]
    unknown = [directive for directive in directives if directive not in _STRPTIME_KNOWN]
    if unknown or "" in given:
        return f"a strptime format; %{unknown[0] if unknown else ''} is no directive of it"
    told = [directive for directive in directives if directive not in "a%"]
    if len(set(told)) < len(told):
        return "a strptime format that tells each thing once"
    return None if _tells_day_and_hour(set(told)) else "a strptime format that tells the day and the hour"


def _tells_day_and_hour(told: set[str]) -> bool:
    if "s" in told:
        return True
    if "j" in told and not told & {"Y", "y"}:
        return False
    has_day = "j" in told or {"m", "d"} <= told or {"b", "d"} <= told
    return has_day and ("H" in told or {"I", "p"} <= told)


def _template(fits: re.Pattern[str], what: str) -> Callable[[str], str | None]:
    known = " ".join(f"{{{name}}}" for name in NAMES)

    def check(template: str) -> str | None:
        unknown = unknown_parts(template)
        if unknown:
            return f"no placeholders but {known}; {unknown[0]} is none"
        return None if fits.fullmatch(expand(template, dict.fromkeys(NAMES, "x"))) else what

    return check


def fits_log_group(name: str) -> bool:
    """Whether CreateLogGroup accepts the name."""
    return _LOG_GROUP.fullmatch(name) is not None


_BUCKET = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_USER = re.compile(r"(?!root$)[A-Za-z_][A-Za-z0-9_.-]{0,31}")
_URL_PATH = re.compile(r"/([A-Za-z0-9._~-]+/)+")
_LONGEST_PREFIX_BYTES = 512


def _is_folder(path: str) -> bool:
    """One spelling a folder, so that two entries can be told apart. Never the whole disk."""
    return path != "/" and not path.startswith("//") and posixpath.normpath(path) == path


def _is_key_prefix(prefix: str) -> bool:
    parts = prefix.split("/")[:-1]
    return prefix.isprintable() and len(prefix.encode()) <= _LONGEST_PREFIX_BYTES and not {"", ".", ".."} & set(parts)


def _is_public(url: str) -> bool:
    if not url:
        return True
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and parts.port != 0 and not parts.query and not parts.fragment
    except ValueError:
        return False
    is_plain = url.isascii() and url.isprintable() and not set(url) & set(" \"'<>\\^`{|}%$")
    return parts.scheme in {"http", "https"} and is_whole and is_plain and url.endswith("/")


def _http(url: str) -> str | None:
    """Status pages are on this host; https and other ways in are more than a look at it needs."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return HTTP_URL_EXPECTED
    if parts.scheme != "http" or not url.isprintable():
        return HTTP_URL_EXPECTED
    if not parts.hostname:
        return f"{HTTP_URL_EXPECTED} and a host"
    return None if _has_port(parts) else f"{HTTP_URL_EXPECTED}, with a port of 1 to 65535"


def _has_port(parts: SplitResult) -> bool:
    """Whether the port can be one; none means 80."""
    try:
        return parts.port != 0
    except ValueError:
        return False


def _is_process_name(name: str) -> bool:
    """CloudWatch takes ASCII alone as a dimension's value (API: Dimension)."""
    is_sized = bool(name.strip()) and len(name) <= _LONGEST_NAME
    return is_sized and name.isascii() and name.isprintable() and name != OWN_PROCESS


_CRON_FIELDS = 5
_SERVER_NAME = re.compile(r"[A-Za-z0-9._-]{1,128}")
_OF_HOSTS = ("environment", "role", "instance_id", "hostname")


def _schedule(text: str) -> str | None:
    """crontab(5) has five fields; what never comes is no schedule either."""
    expected = 'five fields of crontab(5) such as "0 0 * * *"'
    if len(text.split()) != _CRON_FIELDS:
        return expected
    try:
        next(CronSim(text, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        return f"{expected} ({error})"
    except StopIteration:
        return f"{expected}, for a day that exists"
    return None


def _server_name(template: str) -> str | None:
    try:
        name = expand(template, dict.fromkeys(_OF_HOSTS, "x"))
    except KeyError as error:
        known = " ".join(f"{{{name}}}" for name in _OF_HOSTS)
        return f"no placeholders but {known}; {{{error.args[0]}}} is none"
    return None if _SERVER_NAME.fullmatch(name) and name not in {".", ".."} else SERVER_NAME_EXPECTED


_APP_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_HOST_HEADER = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?")


def _is_s3_folder(url: str) -> bool:
    if not url:
        return True
    bucket, slash, prefix = url.removeprefix("s3://").partition("/")
    is_prefix = not prefix or (prefix.endswith("/") and _is_key_prefix(prefix) and prefix.isascii())
    return url.startswith("s3://") and slash == "/" and _BUCKET.fullmatch(bucket) is not None and is_prefix


SERVER_NAME_EXPECTED = "a name of 1 to 128 of A-Z a-z 0-9 . _ -"
LOG_GROUP_EXPECTED = "a log group name: 1 to 512 of A-Z a-z 0-9 . - _ / #"
LOG_STREAM_EXPECTED = "a log stream name: 1 to 512 characters, none of them : or *"
HTTP_URL_EXPECTED = "a URL that begins with http://"

OWN_PROCESS = "vawsum-agent"
"""The group of processes that is the agent itself."""

_LONGEST_NAME = 255

ABSOLUTE = must("an absolute path", lambda path: path.startswith("/") and "\0" not in path)
OPTIONAL_PATH = must(
    "an absolute path, or nothing", lambda path: not path or bool(path.startswith("/") and "\0" not in path)
)
SCHEDULE = Rule("five fields of crontab(5)", _schedule)
SERVER_NAME = Rule(SERVER_NAME_EXPECTED, _server_name)
TIMEZONE = Rule("a zone of the tz database", _timezone)
REGEX = Rule("a regular expression", _regex)
STRPTIME_FORMAT = Rule("a strptime format", _strptime_format)
LOG_GROUP = Rule(LOG_GROUP_EXPECTED, _template(_LOG_GROUP, LOG_GROUP_EXPECTED))
LOG_STREAM = Rule(LOG_STREAM_EXPECTED, _template(_LOG_STREAM, LOG_STREAM_EXPECTED))
RETENTION = must("one of " + ", ".join(map(str, RETENTION_DAYS)), lambda days: days in RETENTION_DAYS)
REGION = must('a region such as "ap-south-1"', lambda name: not name or _REGION.fullmatch(name) is not None)
NAMESPACE = must(
    "a namespace: 1 to 255 of A-Z a-z 0-9 . - _ / # :, not beginning with AWS/",
    lambda name: _NAMESPACE.fullmatch(name) is not None,
)
TOPIC_ARN = must(
    'the ARN of an SNS topic such as "arn:aws:sns:ap-south-1:123456789012:vawsum-ops"',
    lambda arn: _TOPIC_ARN.fullmatch(arn) is not None,
)
PUBLISH_INTERVAL = must(
    "whole minutes, 1m to 1h", lambda seconds: 0 < seconds <= _LONGEST_PERIOD_S and seconds % _MINUTE_S == 0
)
DISTINCT = must("each at most once", lambda items: len(set(items)) == len(items))
BUCKET = must("a bucket name: 3 to 63 of a-z 0-9 . -", lambda name: _BUCKET.fullmatch(name) is not None)
FOLDER = must("an absolute path in its plain form, without . or .. or a slash at its end; not /", _is_folder)
KEY_PREFIX = must('the beginning of a key such as "uploads/": no slash first, no empty part', _is_key_prefix)
HEADER = must("printable ASCII", lambda text: text.isascii() and (not text or text.isprintable()))
PUBLIC_URL = must('a URL such as "https://images.example.com/uploads/" that ends with a slash', _is_public)
URL_PATH = must('a path such as "/uploads/"', lambda path: not path or _URL_PATH.fullmatch(path) is not None)
USER = must("the name of a user, not root", lambda name: _USER.fullmatch(name) is not None)
HTTP_URL = Rule(HTTP_URL_EXPECTED, _http)
OPTIONAL_HTTP_URL = Rule(HTTP_URL_EXPECTED, lambda url: _http(url) if url else None)
APP_NAME = must("a name of 1 to 64 of a-z 0-9 . _ -", lambda name: _APP_NAME.fullmatch(name) is not None)
HOST_HEADER = must(
    'a host such as "app.example.com"', lambda name: not name or _HOST_HEADER.fullmatch(name) is not None
)
S3_FOLDER = must('a folder such as "s3://bucket/name/" that ends with a slash', _is_s3_folder)
PROCESS_NAME = must(
    f'up to {_LONGEST_NAME} printable ASCII characters, not "{OWN_PROCESS}": the agent itself is always measured',
    _is_process_name,
)


def between(low: float, high: float, text: str) -> Rule:
    """The value lies in the range, both ends included."""
    return must(text, lambda value: low <= value <= high)
