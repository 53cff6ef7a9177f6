"""URLs and refs as people type them: which are taken, and what of them is ever shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.core.errors import UsageError
from vawsum_agent.deploy.publish.repository import checked_ref, is_commit_id, may_be_commit_id, repository


@pytest.mark.parametrize(
    ("url", "shown", "protocol"),
    [
        ("git@bitbucket.org:vawsum/web.git", "git@bitbucket.org:vawsum/web.git", "ssh"),
        ("bitbucket.org:vawsum/web.git", "bitbucket.org:vawsum/web.git", "ssh"),
        ("ssh://git@bitbucket.org:22/vawsum/web.git", "ssh://git@bitbucket.org:22/vawsum/web.git", "ssh"),
        ("ssh://git:pw@bitbucket.org/web.git", "ssh://***@bitbucket.org/web.git", "ssh"),
        ("https://bitbucket.org/vawsum/web.git", "https://bitbucket.org/vawsum/web.git", "https"),
        ("https://x-token-auth:t0k@bitbucket.org/web.git", "https://***@bitbucket.org/web.git", "https"),
        ("https://t0k@bitbucket.org/web.git", "https://***@bitbucket.org/web.git", "https"),
        ("https://[::1]:8443/web.git", "https://[::1]:8443/web.git", "https"),
        ("file:///srv/git/web.git", "file:///srv/git/web.git", "file"),
        ("/srv/git/web.git", "/srv/git/web.git", "file"),
    ],
)
def test_ways_to_a_repository(url: str, shown: str, protocol: str) -> None:
    """SSH, HTTPS and files, in every spelling that git has; what is secret is not shown."""
    found = repository(url)
    assert (found.url, found.shown, found.protocol) == (url, shown, protocol)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "-oProxyCommand=touch x",
        "--upload-pack=touch x",
        "ext::sh -c touch% x",
        "ext::sh",
        "fd::17",
        "http://bitbucket.org/web.git",
        "git://bitbucket.org/web.git",
        "ftp://bitbucket.org/web.git",
        "ssh://-oProxyCommand=x/web.git",
        "ssh://-x@host/web.git",
        "-x@host:web.git",
        "host:-x",
        "https:///web.git",
        "https://host",
        "https://host:port/web.git",
        "https://ho st/web.git",
        "https://host/web.git\n",
        "web.git",
        "../web.git",
    ],
)
def test_other_ways_are_refused(url: str) -> None:
    """Nothing that runs a command, is not encrypted, or reads as an option; and no password gets into the message."""
    with pytest.raises(UsageError):
        repository(url)
    if "://" in url:
        with pytest.raises(UsageError) as refused:
            repository(url.replace("://", "://user:s3cr3t@", 1).replace("ssh", "gopher").replace("https", "gopher"))
        assert "s3cr3t" not in str(refused.value)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="/@#?[]:"), min_size=6))
def test_a_password_is_never_shown(password: str) -> None:
    """Neither in the URL, nor in what git says, whichever way it writes it."""
    secret = f"{password}!q"
    for url in (f"https://user:{secret}@host.example/web.git", f"https://{secret}@host.example/web.git"):
        found = repository(url)
        assert secret not in found.shown
        said = f"fatal: unable to access '{url}/': {secret}\nremote: https://other:{secret}@host.example"
        assert secret not in found.redacted(said)


def test_passwords_are_found_in_their_decoded_form() -> None:
    """Git decodes what is escaped in a URL before it says it."""
    found = repository("https://user:s%40cr%2Ft@host/web.git")
    assert found.redacted("s@cr/t and s%40cr%2Ft") == "*** and ***"


@pytest.mark.parametrize(
    "ref", ["master", "v1.4.2", "feature/#12-x", "refs/heads/master", "HEAD", "a@b", "übersicht", "4f2a91c"]
)
def test_refs(ref: str) -> None:
    """Branches, tags and commits are taken as they are."""
    assert checked_ref(ref) == ref


@pytest.mark.parametrize(
    "ref",
    [
        *(
            "",
            "-x",
            "--upload-pack=x",
            "+x",
            "a:b",
            "*",
            "a b",
            "a\nb",
            "a..b",
            "a~1",
            "a^",
            "a?",
            "a[",
            "a\\b",
            "@{1}",
        ),
        *("a@{u}", "@", "/a", "a/", "a//b", ".a", "a/.b", "a.", "a.lock", "a.lock/b", "x" * 256, "\x1b[0m"),
    ],
)
def test_what_is_no_single_ref_is_refused(ref: str) -> None:
    """No option, no refspec, no pattern, no expression; and nothing of it reaches a terminal as it is."""
    with pytest.raises(UsageError) as refused:
        checked_ref(ref)
    assert str(refused.value).isprintable()


def test_ids_of_commits() -> None:
    """Forty digits, or sixty-four; seven could be the beginning of one."""
    assert is_commit_id("4f2a91c0" * 5)
    assert is_commit_id("4f2a91c0" * 8)
    assert not is_commit_id("4f2a91c0" * 6)
    assert may_be_commit_id("4F2A91C")
    assert not may_be_commit_id("4f2a91")
    assert not may_be_commit_id("master1")
