"""Which files look like secrets."""

from __future__ import annotations

import pytest

from vawsum_agent.deploy.publish.secrets import looks_secret

KEY = b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE\n"
CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nMIIB\n"


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        (".env", b"", True),
        ("config/.ENV", b"", True),
        (".env.local", b"", True),
        (".env.production", b"", True),
        (".env.example", b"", False),
        ("env.php", b"", False),
        ("home/.ssh/id_rsa", b"", True),
        ("id_rsa.pub", b"", False),
        ("store.p12", b"", True),
        ("vendor/composer/ca-bundle/res/cacert.pem", CERTIFICATE, False),
        ("tls/server.pem", CERTIFICATE + KEY, True),
        ("tls/server.key", KEY, True),
        ("lang/en.key", b"hello", False),
        ("auth.json", b'{"http-basic": {"repo.example.com": {}}}', True),
        ("src/auth.json", b'{"roles": []}', False),
        (".npmrc", b"//registry.npmjs.org/:_authToken=x", True),
        (".npmrc", b"save-exact=true", False),
        (".aws/credentials", b"[default]\naws_secret_access_key = x\n", True),
        ("public/.htaccess", b"", False),
        ("index.php", KEY, False),
    ],
)
def test_names_and_contents(name: str, head: bytes, expected: bool) -> None:
    """Passwords of environments, private keys, tokens of package managers; no certificates or samples."""
    assert looks_secret(name, lambda: head) is expected


def test_contents_are_looked_at_only_where_it_matters() -> None:
    """A million other files are not opened for it."""

    def never() -> bytes:
        raise AssertionError

    assert not looks_secret("src/index.php", never)
    assert looks_secret(".env", never)
