"""What of a secret is hidden: passwords in any form they are printed in, and no word that everything is full of."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vawsum_agent.deploy.redact import Redactor
from vawsum_agent.deploy.secrets.values import _WORDS, secret_values

ENV = b"""# the application
APP_ENV=production
APP_DEBUG=false
APP_KEY=base64:q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=
export DB_PASSWORD="hunter2 with \\"quotes\\""   # changed in May
DB_PORT=3306
DB_HOST=10.0.12.34
REDIS_PASSWORD=abc
DATABASE_URL=mysql://vawsum:s3cr3t%40x@db.internal:3306/vawsum
MAIL_FROM='no#reply@vawsum.com'
PIN_TOKEN=123
"""
PHP = b"""<?php
return ['db' => ['password' => 'pa$$w0rd', 'port' => 3306], "api_token" => "tok-123456"];
"""
YAML = b"db:\n  password: kept quiet\n  host: database.internal\n"
PEM = b"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nq83vASNFZ4mrzQ==\n-----END PRIVATE KEY-----\n"


def hide(values: list[bytes], text: str) -> str:
    """Take them out of a text, as a deploy does."""
    redactor = Redactor()
    for value in values:
        redactor.add(value)
    return redactor(text)


@pytest.mark.parametrize(
    ("content", "said", "shown"),
    [
        (ENV, 'DB_PASSWORD=hunter2 with "quotes" was read', "DB_PASSWORD=*** was read"),
        (ENV, "redis-cli -a abc ping; abcdef", "redis-cli -a *** ping; abcdef"),
        (ENV, "can't connect to vawsum:s3cr3t%40x@db", "can't connect to vawsum:***@db"),
        (ENV, "key base64:q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k= set", "key *** set"),
        (ENV, "production false 3306 10.0.12.34 123", "production false 3306 10.0.12.34 123"),
        (ENV, "from no#reply@vawsum.com", "from ***"),
        (PHP, "password pa$$w0rd on port 3306", "password *** on port 3306"),
        (PHP, "?token=tok-123456", "?token=***"),
        (YAML, "password: kept quiet, kept+quiet, kept%20quiet", "password: ***, ***, ***"),
        (PEM, "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC then q83vASNFZ4mrzQ==", "*** then ***"),
        (b"p:w\n", "it is p:w or not", "it is *** or not"),
        (b"r\xe4tsel-1\n", b"r\xe4tsel-1".decode("utf-8", "surrogateescape"), "***"),
        (json.dumps({"list": ["opaque-value", 3], "password": "q'\"x"}).encode(), "opaque-value q'\"x", "*** ***"),
        (json.dumps({"password": 'a"b'}, indent=1).encode(), '{"password": "a\\"b"}', '{"password": "***"}'),
    ],
)
def test_values_are_hidden_however_they_are_printed(content: bytes, said: str, shown: str) -> None:
    """Bare, quoted, in a URL, in JSON; what everything is full of stays."""
    assert hide(secret_values(content), said) == shown


def test_a_release_and_its_steps_can_still_be_told() -> None:
    """Short numbers and words of settings never eat the names that a deploy speaks of."""
    text = "20261129T101500Z-4f2a91c: switch done in 3.2 s, /var/www/vawsum-web served"
    content = b"DB_PASSWORD=2026\nAPI_KEY=web\nSECRET=1\nTOKEN=true\nAPP_KEY=\n"
    assert hide(secret_values(content), text).replace("***", "web") == text


def test_nothing_is_hidden_without_secrets() -> None:
    """No value, no change."""
    assert hide([], "as it is") == "as it is"


@given(st.binary(max_size=200))
def test_any_bytes_can_be_a_secret(content: bytes) -> None:
    """Nothing breaks, and no value is left in a text of them all."""
    values = secret_values(content)
    text = " ".join(value.decode("utf-8", "surrogateescape") for value in values)
    shown = hide(values, text)
    assert not [value for value in values if len(value) >= 8 and value.decode("utf-8", "surrogateescape") in shown]


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=8, max_size=40))
def test_a_password_in_an_env_file_is_found(password: str) -> None:
    """Whatever it is made of, quoted as usual; but for words that everything is full of."""
    assume(password.lower() not in _WORDS and password not in "vawsum-agent deploy.toml")
    quoted = password.replace("\\", "\\\\").replace('"', '\\"')
    shown = hide(secret_values(f'DB_PASSWORD="{quoted}"\nA=b\n'.encode()), f"it is {password}!")
    assert password not in shown
