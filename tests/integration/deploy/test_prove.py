"""The proof of what is served, by real Apache and PHP-FPM: it says old exactly when the application is old."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from typing import TYPE_CHECKING, Self

import pytest

from sandbox.aws.certificate import make_certificate
from tests.integration.deploy.web import HOST, WebApp, web_app
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.prove import Proven, prove, served_release
from vawsum_agent.deploy.prove.ask import Question, Reply, ask_server
from vawsum_agent.deploy.switch import switch_to

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

OLD, NEW = "20261128T101500Z-4f2a91c", "20261129T101500Z-8c31d02"
TIMESTAMPS = ("opcache.validate_timestamps=1", "opcache.revalidate_freq=0")
NO_TIMESTAMPS = ("opcache.validate_timestamps=0",)


def proven(web: WebApp, release: str, health: str = "/index.php") -> Proven:
    """Prove it."""
    return prove(
        web.config(health),
        release,
        clock=SystemClock(),
        sleep=lambda seconds: time.sleep(seconds / 4),
        say=lambda _: None,
    )


@pytest.fixture(scope="module")
def shared() -> Iterator[WebApp]:
    """Two releases of an application, where mod_remoteip believes everybody."""
    lines = "RemoteIPHeader X-Forwarded-For\nRemoteIPHeader X-Client\nRemoteIPInternalProxy 127.0.0.2\n"
    with web_app([OLD, NEW], php=TIMESTAMPS, lines=lines, modules=["remoteip"]) as web:
        switch_to(web.app, OLD)
        yield web


def test_a_switch_is_proven_once_php_is_reloaded(shared: WebApp) -> None:
    """Before, the workers go by what they remember of links, and the application is the old one: no proof."""
    switch_to(shared.app, OLD)
    shared.reload()
    assert proven(shared, OLD).answers == 10
    switch_to(shared.app, NEW)
    assert shared.served() == OLD
    assert served_release(shared.config()) == OLD
    with pytest.raises(DeployError, match=f"{NEW} is not what PHP serves.*it serves {OLD}"):
        proven(shared, NEW)
    shared.reload()
    found = proven(shared, NEW)
    assert found.answers == 10
    assert found.workers >= 3
    assert shared.served() == NEW
    assert served_release(shared.config()) == NEW


def test_new_workers_with_old_code_are_no_proof() -> None:
    """Workers that came after the switch find the new release, and OPcache gives them the old code all the same."""
    with web_app([OLD, NEW], php=NO_TIMESTAMPS) as web:
        switch_to(web.app, OLD)
        assert web.served() == OLD
        time.sleep(1.1)
        switch_to(web.app, NEW)
        web.recycle()
        assert served_release(web.config()) == NEW
        assert web.served() == OLD
        with pytest.raises(DeployError, match="OPcache began before the switch"):
            proven(web, NEW)
        web.reload()
        assert proven(web, NEW).answers == 10
        assert web.served() == NEW


def test_health_is_the_applications_own(shared: WebApp) -> None:
    """A page that is missing is not well; nor is one that PHP fails in."""
    release = shared.app.current_release()
    assert release is not None
    shared.reload()
    proven(shared, release, "/healthz")
    (shared.app.current / "public/broken.php").write_text("<?php http_response_code(500);")
    with pytest.raises(DeployError, match=r"not healthy in time: .*/broken\.php answered 500"):
        proven(shared, release, "/broken.php")


def asked(port: int, *, source: str = "127.0.0.1", path: str = "/.vawsum/release", **headers: str) -> tuple[int, bytes]:
    """Ask from one of this host's addresses."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10, source_address=(source, 0))
    try:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", path, headers={"Host": HOST, **fields})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_nobody_but_this_host_is_told(shared: WebApp) -> None:
    """Neither who comes through a proxy, nor who claims in a header to be this host; nor is anything beside it open."""
    port = shared.apache.port
    assert asked(port)[0] == 200
    assert asked(port, X_Forwarded_For="127.0.0.1")[0] == 403
    assert asked(port, Forwarded="for=127.0.0.1")[0] == 403
    assert asked(port, Via="1.1 proxy")[0] == 403
    # A trusted proxy, whose header mod_remoteip takes for the truth, and removes.
    for claimed in ("127.0.0.1", "::1", "10.1.2.3"):
        assert asked(port, source="127.0.0.2", X_Client=claimed)[0] == 403
    for path in ("/.vawsum/release/x", "/.vawsum/release.php", "/.vawsum/"):
        status, body = asked(port, path=path)
        assert (status, b"opcache" in body) in {(200, False), (404, False)}


class Script:
    """A server that says what it is told to, piece by piece, to each who connects."""

    def __init__(self, pieces: list[bytes], context: ssl.SSLContext | None = None) -> None:
        self.heard = b""
        self._pieces = pieces
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        """Serve in a thread."""
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            accepted, _ = self._listener.accept()
            with self._context.wrap_socket(accepted, server_side=True) if self._context else accepted as connection:
                self.heard = connection.recv(4096)
                for piece in self._pieces:
                    connection.sendall(piece)
                    time.sleep(0.05)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n"


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], Reply(204)),
        ([b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"], Reply(302)),
        ([b"HTTP/1.1 200 OK\r\n\r\n" + bytes(100_000)], Reply(200, bytes(65536))),
        ([b"SSH-2.0-OpenSSH_9.2\r\n"], Reply(failure="does not answer in HTTP (BadStatusLine)")),
        ([], Reply(failure="broke the connection off")),
        ([b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 100], Reply(failure="did not end its answer in 0.3 s")),
        ([b"HTTP/1.1", *[b" "] * 100], Reply(failure="gave no answer in 0.3 s")),
        ([HEAD, *[b"drip"] * 100], Reply(failure="did not end its answer in 0.3 s")),
    ],
)
def test_a_request_ends_in_time_whatever_it_meets(pieces: list[bytes], expected: Reply) -> None:
    """Redirects are not followed, floods are cut, and nothing that drips in is waited for."""
    with Script(pieces) as server:
        began = time.monotonic()
        url = f"http://me:word@127.0.0.1:{server.port}/health z?a=b c"
        assert ask_server(Question(url, "app.vawsum.com"), 0.3) == expected
        assert time.monotonic() - began < 3
        assert b"word" not in Question(url).where.encode()
    assert b"\r\nHost: app.vawsum.com\r\n" in server.heard
    assert server.heard.startswith(b"GET /health%20z?a=b%20c HTTP/1.1\r\n")
    assert ask_server(Question(f"http://127.0.0.1:{server.port}/"), 0.3) == Reply(failure="refused the connection")


def test_this_host_is_asked_by_https_whatever_its_certificate_is_for(tmp_path: Path) -> None:
    """It is made out for the world's name of it, which is not 127.0.0.1."""
    with Script(
        [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"], make_certificate(tmp_path).server_context()
    ) as server:
        assert ask_server(Question(f"https://127.0.0.1:{server.port}/"), 5) == Reply(200, b"ok")
