"""Where values stand in a file of secrets, as they are written there. Pure.

Nobody says what such a file is: .env, ini, JSON, YAML, XML, PHP, a piece of Apache's or nginx's configuration, .pgpass,
.netrc. So every form is looked for in all of them. What is found twice, or is no value, does little harm: `values`
decides what is hidden, and `readings` knows what may be meant.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from vawsum_agent.deploy.secrets.readings import QUOTED

if TYPE_CHECKING:
    from collections.abc import Iterator


class Found(NamedTuple):
    """A value.

    Attributes:
        written: as it stands there, in quotes if it has some, and with what follows it in its line.
        is_named: whether it is called a password, or stands where one does.
    """

    written: str
    is_named: bool


_PASSWORD_NAME = re.compile(
    r"pass|secret|token|key|credential|auth|salt|dsn|private|pwd|(?<![a-z])pw(?![a-z])|signature", re.IGNORECASE
)

# A name is looked for from the beginning of a word only, and taken whole: else a long line takes very long.
_NAME = r"(?<![\w.-])(?P<name>[\w.-]++)"
_SETTING = re.compile(
    r"""(?:-\s+|export\s+|Environment\s*=\s*)?(?P<code>["']|\$(?:\w+\[)?["']?)?(?:\w+\[)?"""
    r"""(?P<name>[\w.-]+)["']?\]?\s*(?:=>|=|:(?!:))\s*(?P<value>.+)"""
)
"""A line of .env, ini, YAML, of a unit of systemd, or of a pool of PHP-FPM (``env[NAME] = value``)."""

_PAIR = re.compile(
    rf"""{_NAME}["']?\]?\s*(?:=>|=|:(?!:))\s*(?:(?P<quoted>{QUOTED})"""
    r"""|(?P<bare>(?![=>])[^\s,;&(){}\[\]"']++)(?!\()(?=\s*+(?:$|[^\w\s]|[\w.-]+\s*[=:])))"""
)
"""What PHP, JSON, JavaScript and XML have, several to a line."""

_PART = re.compile(rf"{_NAME}=(?=(?P<value>(?![\"'=>])[^;&\s]{{1,500}}+)(?:[;&]|$|\s+[\w.-]+=))")
"""Of a DSN or a query, which may itself be the value of another."""

_ATTRIBUTES = re.compile(rf"""\b(?:name|key|id)=["'](?P<name>[\w.-]+)["']\s+value=(?P<value>{QUOTED})""")
_DIRECTIVE = re.compile(
    r"(?:setenv|set|env|export|define|php(?:_admin)?_value|\w+_param)\s+\$?(?P<name>\w[\w.-]*)\s+(?P<value>[^\s=].*)",
    re.IGNORECASE,
)
"""Of Apache, nginx and shells."""

_WORDS = re.compile(
    r"(?:^|(?<=\s))(?:[\w.-]*[_.-])?(?:password|passwd|passphrase|pass|pwd|requirepass|masterauth|secret|token|key)"
    rf"\s+(?P<value>{QUOTED}|(?!(?:[=:]|=>|={{2,3}})\s)\S+)",
    re.IGNORECASE,
)
"""Of .netrc and Redis."""

_FIELDS = re.compile(r"(?:(?:[\w.*@-]|\\.)*+:){3,}+(?P<value>(?:[^:\\]|\\.)++)")
"""Of .pgpass: the password is the last of at least four."""

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={1,2}")
_IN_URL = re.compile(r":\\?/\\?/[^\s/:@]*+:(?=(?P<long>[^\s\"']{0,500})@|)(?:(?P<short>[^\s/@]{1,500})@)?")
"""A password may have ``@`` and ``/`` in it as they are, and so end at the last ``@``."""

_ARGUMENT = r"""(?:"(?:[^"\\\n]|\\.){0,200}+"|'(?:[^'\\\n]|\\.){0,200}+'|[^,;"']{1,100}){0,6}+"""
_CALL = re.compile(rf"""\(\s*["'](?P<name>[\w.-]+)["']\s*,\s*(?P<value>{QUOTED}|\d[\w.]*)""")
_CONNECT = re.compile(rf"(?:PDO|mysqli|connect)\s*\({_ARGUMENT},{_ARGUMENT},\s*(?P<value>{QUOTED})")
"""``define('NAME', 'value')``; and ``new PDO``, ``mysqli_connect`` and their like, whose third argument it is."""

_ELEMENT = re.compile(
    r"<(?P<name>[\w.:-]+(?:\s[^<>]*)?)>"
    r"(?:\s*+<!\[CDATA\[(?P<data>(?:(?!\]\]>|<!\[).)*+)\]\]>|(?P<value>[^<]*+)</)",
    re.DOTALL,
)
_PEM = re.compile(r"-----BEGIN [^-\n]+-----((?:(?!-----).)*+)-----END", re.DOTALL)
_PEM_LINE_END = re.compile(r"\\[nr]|[\r\n]+")

_COMMENT = ("#", "//", ";", "-----")
_PHP = re.compile(r"\A<\?(?:php\b|=)?\s*")
_STRING = re.compile(rf"\\.|(?P<string>{QUOTED})")
"""A string; or an escape outside of one, which begins none."""

_BEFORE_NAME = re.compile(r"(?:env|defined|constant|exists|ini_get)\(\s*$")
_BEHIND_NAME = re.compile(r"\s*[=:\]]")
_WITHIN = re.compile(r"(?P<name>[\w.-]+)=(?P<value>.+)")
_NO_VALUE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|.*\.php|[\w.-]+=.*")
"""A constant, a file, and a setting, of which only the value is one."""

_LONGEST_BEFORE = 20


def found_in(text: str, lines: list[str]) -> Iterator[Found]:
    """Find all, in lines, which are stripped and not empty, and in the text that they are of."""
    for line in lines:
        if not line.startswith(_COMMENT):
            yield from _in_line(_PHP.sub("", line, count=1))
    for call in _CALL.finditer(text):
        yield Found(call["value"], is_password(call["name"]))
    for connect in _CONNECT.finditer(text):
        yield Found(connect["value"], is_named=True)
    for element in _ELEMENT.finditer(text):
        yield Found((element["data"] or element["value"] or "").strip(), is_password(element["name"]))
    for pem in _PEM.finditer(text):
        yield from (Found(line.strip(), is_named=True) for line in _PEM_LINE_END.split(pem[1]))


def _in_line(line: str) -> Iterator[Found]:
    for url in _IN_URL.finditer(line):
        yield from (Found(password, is_named=True) for password in (url["short"], url["long"]) if password)
    found = [Found(one["value"], is_password(one["name"])) for one in _ATTRIBUTES.finditer(line)]
    line = _ATTRIBUTES.sub(" ", line)
    found += _settings(line)
    strings = [string for string in _STRING.finditer(line) if string["string"]]
    found += (one for string in strings for one in _within(string[0][1:-1]))
    yield from found
    # Of strings that nothing names, those that are no names either.
    known = {call.start("name") - 1 for call in _CALL.finditer(line)}
    known |= {pair.start("quoted") for pair in _PAIR.finditer(line)}
    yield from (
        Found(string[0], is_named=False)
        for string in strings
        if string.start() not in known and not _is_name(line, string) and not _NO_VALUE.fullmatch(string[0][1:-1])
    )
    is_string = strings and strings[0].start() == 0
    if not (found or is_string or _CALL.search(line) or _ELEMENT.search(line)):
        yield Found(line, is_named=False)


def _settings(line: str) -> Iterator[Found]:
    """Find what has a name; nothing but what is called a password where it may as well be code."""
    if _BASE64.fullmatch(line):
        return
    found = []
    if fields := _FIELDS.fullmatch(line):
        found.append(Found(fields["value"], is_named=True))
    if directive := _DIRECTIVE.fullmatch(line):
        found.append(Found(directive["value"], is_password(directive["name"])))
    elif setting := _SETTING.match(line):
        is_named = is_password(setting["name"])
        found += [Found(setting["value"], is_named)] if is_named or not setting["code"] else []
    found += _pairs(line)
    yield from found or (Found(words["value"], is_named=True) for words in _WORDS.finditer(line))


def _pairs(text: str) -> Iterator[Found]:
    for pair in _PAIR.finditer(text):
        is_named = is_password(pair["name"])
        if pair["quoted"] or is_named:
            yield Found(pair["quoted"] or pair["bare"], is_named)
    yield from (Found(part["value"], is_named=True) for part in _PART.finditer(text) if is_password(part["name"]))


def _within(string: str) -> Iterator[Found]:
    if setting := _WITHIN.fullmatch(string):
        yield Found(setting["value"], is_password(setting["name"]))
    yield from _pairs(string.replace(r"\"", '"'))


def _is_name(line: str, string: re.Match[str]) -> bool:
    before = line[max(0, string.start() - _LONGEST_BEFORE) : string.start()]
    return bool(_BEHIND_NAME.match(line, string.end()) or _BEFORE_NAME.search(before))


def is_password(name: str) -> bool:
    """Whether this is what a password is called."""
    return _PASSWORD_NAME.search(name) is not None
