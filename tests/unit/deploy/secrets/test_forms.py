"""A password is found in every form that programs of a PHP host take it from, as written and as the program has it."""

from __future__ import annotations

import html
import json
import re
import shlex
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.deploy.redact import Redactor
from vawsum_agent.deploy.secrets.values import _WORDS, secret_values

if TYPE_CHECKING:
    from collections.abc import Callable

NAMED = [
    "define('DB_PASSWORD', {!r});",
    "putenv('DB_PASSWORD={}');",
    'putenv("DB_PASSWORD={}");',
    "$pdo = new PDO('mysql:host=db.internal;dbname=web', 'web', '{}', [PDO::ATTR_PERSISTENT => true]);",
    "$pdo = new PDO(\n    'mysql:host=db.internal',\n    getenv('DB_USER'),\n    '{}'\n);",
    "$db = mysqli_connect('localhost', $user, '{}');",
    "$pdo = new PDO('pgsql:host=db.internal;password={};user=web');",
    "define(\n    'DB_PASSWORD',\n    '{}'\n);",
    "<?php return ['port' => 3306, 'password' => '{}', 'charset' => 'utf8'];\n// end",
    "$config['db']['password'] = '{}';",
    "SetEnv DB_PASSWORD {}",
    'SetEnv DB_PASSWORD "{}"',
    "fastcgi_param DB_PASSWORD {};",
    "set $db_password {};",
    "env[DB_PASSWORD] = {}",
    "php_admin_value[mysqli.default_pw] = {}",
    "php_value mysqli.default_pw {}",
    "Environment=DB_PASSWORD={}",
    'Environment="APP_ENV=production" "DB_PASSWORD={}"',
    "<db>\n  <password>{}</password>\n</db>",
    "<password>\n  {}\n</password>",
    "<password><![CDATA[{}]]></password>",
    '<entry key="db_password">{}</entry>',
    '<db host="localhost" password="{}"/>',
    '<env name="DB_PASSWORD" value="{}"/>',
    "db:\n  password: {}",
    "db:\n  password: {} # of May",
    "- db_password: '{}'",
    '"password": {}',
    "db: {{user: web, password: {}, port: 3306}}",
    "password: !!str {}",
    '{{"db": {{"password": "{}"}}}}',
    '{{"port": 3306,\n "password":\n  "{}"}}',
    "db.internal:5432:web:web:{}\n*:*:*:other:abc",
    "localhost:web:web:{}",
    "[client]\nuser = web\npassword = {}",
    "[client]\npassword={} ; of May",
    "password={};of May",
    "machine db.internal login web password {}",
    "machine db.internal\n  login web\n  password {}",
    "requirepass {}",
    "DATABASE_URL=mysql://web:{}@db.internal/web?charset=utf8",
    "CACHE=redis://:{}@db.internal:6379",
    '{{"url": "mysql:\\/\\/web:{}@db.internal\\/web"}}',
    "URL=https://db.internal/?token={}&port=3306",
    "export DB_PASSWORD={}",
    'export DB_PASSWORD="{}"   # of May',
    "DB_PASSWORD={}#of May",
    "\ufeffDB_PASSWORD={}\r",
    'CREDENTIALS=\'{{"user":"web","password":"{}"}}\'',
    'CREDENTIALS="{{\\"password\\":\\"{}\\"}}"',
    "Authorization: Bearer {}",
    "-----BEGIN PRIVATE KEY-----\n//8AAAAAAAAAAAAA\n{}\n-----END PRIVATE KEY-----",
    '{{"private_key": "-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----\\n"}}',
]
"""Whatever is called a password is one from its third character on."""

LOOSE = [
    "$client = new Client('{}');",
    "return $password ?: '{}';",
    "GRANT ALL ON web.* TO web IDENTIFIED BY '{}';",
    "$keys = ['{}',",
    "web:{}",
]
"""Nothing names it."""


def hidden(content: str, said: str) -> str:
    """Take all values of a file out of a text."""
    redactor = Redactor()
    for value in secret_values(content.encode()):
        redactor.add(value)
    return redactor(said)


def hides(content: str, password: str) -> bool:
    """Whether nothing is left of it where it is printed alone."""
    return hidden(content, f"is {password} .") == "is *** ."


@pytest.mark.parametrize("password", ["s3cr3tPw!x", "q7%", "12345678"])
@pytest.mark.parametrize("form", NAMED)
def test_what_is_called_a_password(form: str, password: str) -> None:
    """It is hidden where it is printed alone; short ones and such of digits are, too."""
    content = f"{form.format(password)}\n"
    assert password.encode() in secret_values(content.encode())
    assert hides(content, password)


@pytest.mark.parametrize("form", LOOSE)
def test_what_nothing_names(form: str) -> None:
    """It is hidden for its looks: long enough, and no number."""
    assert hides(f"<?php\n{form.format('s3cr3tPw!x')}\n", "s3cr3tPw!x")
    assert not hides(f"<?php\n{form.format('q7%')}\n", "q7%")
    assert not hides(f"<?php\n{form.format('12345678')}\n", "12345678")


@pytest.mark.parametrize("number", ["12345678", "123456.5", "-12345678"])
def test_numbers(number: str) -> None:
    """A password may be written as a number; a port or an address is none."""
    for form in ('{{"password": {}, "port": 3306}}', "<?php return ['password' => {}, 'port' => 3306];\n//"):
        values = secret_values(form.format(number).encode())
        assert number.encode() in values
        assert b"3306" not in values


@pytest.mark.parametrize(
    "form", [form.replace("DB_PASSWORD", "APP_ENV") for form in NAMED if "PRIVATE KEY" not in form]
)
def test_words_of_settings_are_left_alone(form: str) -> None:
    """In whatever form they stand, also where they are called a password; so are the names."""
    for word in ("production", "localhost", "true", "mysql", "3306"):
        said = f"APP_ENV={word}, DB_PASSWORD, password: {word}; {word} is"
        assert hidden(f"A=b\n{form.format(word)}\n", said) == said


def test_names_of_settings() -> None:
    """They are no value, but where one is called a password."""
    file = "DB_TABLE=users\nDB_COLUMN='username'\nDRIVER=session\nDB_PASSWORD=charset\n"
    assert hidden(file, "users username session charset") == "users username session ***"


def test_lines_of_servers_configuration() -> None:
    """Nothing of a line with a backslash is hidden by itself, unless it is quoted or escaped."""
    file = "namespace App\\Config;\nlocation ~ \\.php$ {\nRewriteRule ^(.*)\\.old$ /gone\n"
    assert hidden(file, "namespace location RewriteRule") == "namespace location RewriteRule"


@pytest.mark.parametrize("unit", ['\\"PDO(]', 'mysqli("a",', 'new PDO("a","b",'])
def test_odd_code_takes_no_time(unit: str) -> None:
    """A recovery reads all secrets of the host first."""
    began = time.process_time()
    secret_values((unit * 65536)[:65536].encode())
    assert time.process_time() - began < 3


def in_php(password: str) -> str:
    """As '' takes it."""
    return password.replace("\\", "\\\\").replace("'", "\\'")


def in_double(password: str) -> str:
    """As PHP's and a shell's "" take it."""
    return re.sub(r'[\\"$`]', r"\\\g<0>", password)


def in_json(password: str) -> str:
    """In ASCII."""
    return json.dumps(password)[1:-1]


def in_pgpass(password: str) -> str:
    """With colons."""
    return re.sub(r"[\\:]", r"\\\g<0>", password)


def by_bytes(password: str) -> str:
    """As var_export(addcslashes()) and generators of code write what is not ASCII."""
    return "".join(chr(byte) if chr(byte).isalnum() and byte < 128 else f"\\x{byte:02x}" for byte in password.encode())


WRITTEN: list[tuple[str, Callable[[str], str]]] = [
    ("define('DB_PASSWORD', '{}');", in_php),
    ("<?php return ['password' => '{}', 'port' => 3306];\n//", in_php),
    ("$db = new mysqli('localhost', 'web', '{}');", in_php),
    ("putenv('DB_PASSWORD={}');", in_php),
    ('$password = "{}";', lambda password: re.sub(r'[\\"$]', r"\\\g<0>", password)),
    ('$password = "{}";', by_bytes),
    ('SetEnv DB_PASSWORD "{}"', in_double),
    ('DB_PASSWORD="{}" # it\'s new', in_double),
    ("DB_PASSWORD={}", shlex.quote),
    ("export DB_PASSWORD={}; export A=b", shlex.quote),
    ('{{"password": "{}"}}', in_json),
    ('"port": 3306,\n"password": "{}",', in_json),
    ('{{"password": "{}",', lambda password: in_json(password).replace("/", "\\/")),
    ("password: '{}'", lambda password: password.replace("'", "''")),
    ("<password>{}</password>", html.escape),
    ('<db password="{}"/>', html.escape),
    ("DB=mysql://web:{}@db.internal/web", lambda password: quote(password, safe="")),
    ("db.internal:5432:web:web:{}", in_pgpass),
    ("DB_PASSWORD={}", str),
]

passwords = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=8, max_size=24).filter(
    lambda password: (
        not re.fullmatch(r"[\d.,:;-]+", password)
        and password.lower() not in _WORDS
        and password[0] not in ">="
        and password[-1] not in ",;"
    )
)


@given(passwords, st.sampled_from(WRITTEN))
def test_whatever_a_password_is_made_of(password: str, written: tuple[str, Callable[[str], str]]) -> None:
    """It is found as the program sees it, and as it stands in the file."""
    form, write = written
    values = secret_values(f"A=b\n{form.format(write(password))}\n".encode())
    assert password.encode() in values
    if write is not shlex.quote:  # which may write it in pieces
        assert write(password).encode() in values


@given(st.binary(max_size=300), st.sampled_from([*NAMED, *LOOSE]))
def test_nothing_breaks(content: bytes, form: str) -> None:
    """Whatever stands where a password does."""
    secret_values(form.replace("{}", content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape"))


def test_half_a_character() -> None:
    """JSON can write what is no text; nobody can print it."""
    assert secret_values(b'{"password": "\\ud800abcdef"}\n"b": "\\ud83d"\n') != []
    assert b"p\xf0\x9f\x94\x91w" in secret_values(b'{"password": "p\\ud83d\\udd11w"}')


@pytest.mark.parametrize(
    "piece",
    ["a", "a ", " ", "'", "\\'", "a=", "a='", "('a',", "://a:", "PDO(", "<a ", "<a><![CDATA[", "-----BEGIN A-----"],
)
def test_odd_files_take_no_time(piece: str) -> None:
    """A line of 20 KB of anything is read as soon as any other."""
    began = time.process_time()
    secret_values(("x" + piece * (20_000 // len(piece))).encode())
    assert time.process_time() - began < 1
