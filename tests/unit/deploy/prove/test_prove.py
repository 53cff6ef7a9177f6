"""The proof of what is served: what passes, what is waited for, and what fails. No server, and no waiting."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING

import pytest

from vawsum_agent.config.model import DeployApp
from vawsum_agent.config.model.values import Seconds
from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.prove import Proven, prove, served_release
from vawsum_agent.deploy.prove.ask import Question, Reply
from vawsum_agent.deploy.switch import switch_to

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OLD, NEW = "20261128T101500Z-4f2a91c", "20261129T101500Z-8c31d02"
HEALTH, PROOF = "http://127.0.0.1/healthz", "http://127.0.0.1/.vawsum/release"
WELL, BUSY, REFUSED = Reply(200), Reply(503), Reply(failure="refused the connection")


class Watch:
    """A clock that moves by being slept on."""

    def __init__(self) -> None:
        self.at = 2_000_000_000.0

    def now(self) -> float:
        """See `Clock`."""
        return self.at

    def monotonic(self) -> float:
        """See `Clock`."""
        return self.at - 1_000_000_000

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.at += seconds


class Stage:
    """An application whose server gives the replies that a test lays out; the last one for ever."""

    def __init__(self, path: Path) -> None:
        self.app = AppFolder(path / "app")
        for release in (OLD, NEW):
            self.app.release(release).mkdir(parents=True)
        switch_to(self.app, NEW)
        self.watch = Watch()
        os.utime(self.app.current, (self.watch.at, self.watch.at), follow_symlinks=False)
        self.health: list[Reply] = [WELL]
        self.proof: list[Reply] = [self.answer(NEW)]
        self.asked: list[Question] = []
        self.said: list[str] = []
        self._lock = threading.Lock()

    def config(self, proof_url: str = PROOF) -> DeployApp:
        """The application's."""
        return DeployApp(
            name="web",
            path=str(self.app.path),
            artifacts="s3://vawsum-artifacts/web/",
            health_url=HEALTH,
            health_host="app.vawsum.com",
            health_timeout=Seconds(20.0),
            proof_url=proof_url,
        )

    def answer(self, release: str, *, pid: int = 7, since: int | None = None, keeps_s: int = 0) -> Reply:
        """What a PHP worker says that serves a release."""
        path = str(self.app.release(release) / "public")
        document = {"release": release, "path": path, "pid": pid, "opcache": {"since": since, "keeps_s": keeps_s}}
        return Reply(200, json.dumps(document).encode())

    def ask(self, question: Question, limit_s: float) -> Reply:
        """Answer."""
        assert 0 < limit_s <= 10
        with self._lock:
            self.asked.append(question)
            replies = self.health if question.url == HEALTH else self.proof
            return replies.pop(0) if len(replies) > 1 else replies[0]

    def prove(self, proof_url: str = PROOF) -> Proven:
        """Prove that the new release is served."""
        watch = self.watch
        return prove(self.config(proof_url), NEW, clock=watch, sleep=watch.sleep, say=self.said.append, ask=self.ask)

    def failure(self) -> DeployError:
        """Why it isn't proven."""
        with pytest.raises(DeployError) as caught:
            self.prove()
        assert str(caught.value).isprintable()
        return caught.value


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """The new release is switched to, served and well."""
    return Stage(tmp_path)


def test_a_release_that_is_served_and_well_is_proven(stage: Stage) -> None:
    """By ten answers of PHP and three of the health check, with the application's name; hardly any time passes."""
    stage.proof = [stage.answer(NEW, pid=pid) for pid in (1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3)]
    began = stage.watch.at
    assert stage.prove() == Proven(answers=10, workers=3)
    assert [question.url for question in stage.asked] == [PROOF] * 11 + [HEALTH] * 3
    assert {question.host for question in stage.asked} == {"app.vawsum.com"}
    assert stage.watch.at - began == 1.5
    assert stage.said == []
    assert str(Proven(10, 3)) == "healthy; 10 answers of 3 PHP processes, all of this release"


def test_without_a_proof_url_only_health_is_proven(stage: Stage) -> None:
    """And that is said."""
    proven = stage.prove(proof_url="")
    assert {question.url for question in stage.asked} == {HEALTH}
    assert "nobody can say what PHP serves" in str(proven)


def test_a_reload_under_way_is_waited_for(stage: Stage) -> None:
    """Old answers, then none, then new ones: said once each, and proven."""
    stage.proof = [stage.answer(OLD)] * 3 + [REFUSED] * 2 + [stage.answer(NEW)]
    stage.prove()
    assert [line.rpartition(": ")[2] for line in stage.said] == [f"it serves {OLD}", "refused the connection"]


@pytest.mark.parametrize("place", range(1, 11))
def test_one_old_answer_after_a_new_one_fails(stage: Stage, place: int) -> None:
    """Wherever it comes: some worker was not reloaded."""
    stage.proof = [stage.answer(NEW)] * place + [stage.answer(OLD, pid=4711)] + [stage.answer(NEW)]
    failure = stage.failure()
    assert failure.message == f"{NEW} is not what PHP serves: {PROOF} (PHP process 4711): it serves {OLD}"
    assert "deploy.app.reload" in failure.hint


def test_old_answers_are_not_waited_out_for_long(stage: Stage) -> None:
    """What is old ten seconds after the reload stays old, and the host is out of service meanwhile."""
    stage.proof = [stage.answer(OLD)]
    began = stage.watch.at
    assert f"it serves {OLD}" in stage.failure().message
    assert 10 <= stage.watch.at - began < 11


@pytest.mark.parametrize(
    ("began_s", "keeps_s", "is_old"),
    [(None, 0, False), (0, -1, False), (1, -1, False), (-1, 0, False), (-1, -1, True), (-1, 60, True), (-1, 2, False)],
)
def test_opcache_that_began_before_the_switch_is_old(
    stage: Stage, began_s: int | None, keeps_s: int, *, is_old: bool
) -> None:
    """Unless it looks again: at once, or after some seconds, which are waited for."""
    since = None if began_s is None else int(stage.watch.at) + began_s
    stage.proof = [stage.answer(NEW, since=since, keeps_s=keeps_s)]
    if is_old:
        assert stage.failure().message.endswith("OPcache began before the switch, and may give older code")
    else:
        assert stage.prove().answers == 10


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(200, b"<html>the application</html>"), "answered 200 with another page"),
        (Reply(200, b"[" * 60_000), "answered 200 with another page"),
        (Reply(200, b'{"path": 7}'), "answered 200 with another page"),
        (Reply(301), "answered 301"),
        (Reply(403), "answered 403"),
        (Reply(404), "answered 404"),
    ],
)
def test_another_page_is_no_proof_and_nothing_to_wait_for(stage: Stage, reply: Reply, message: str) -> None:
    """No reload makes it the witness: it fails at once, and says what to do."""
    stage.proof = [reply]
    began = stage.watch.at
    failure = stage.failure()
    assert failure.message == f"no proof of what PHP serves: {PROOF} {message}"
    assert failure.hint
    assert stage.watch.at == began


@pytest.mark.parametrize(
    "path", [None, "/var/www/html", "/srv/\x1b[31m\nx", "{releases}", "{releases}/../x", "{releases}-2/r"]
)
def test_a_document_root_elsewhere_is_no_release(stage: Stage, path: str | None) -> None:
    """Whatever path is told, also one that is made to look like something else."""
    told = path and path.replace("{releases}", str(stage.app.releases))
    stage.proof = [Reply(200, json.dumps({"release": NEW, "path": told, "pid": 1}).encode())]
    assert stage.failure().message.endswith("which is in no release")


def test_a_server_that_is_away_is_waited_for_until_the_end(stage: Stage) -> None:
    """PHP that never comes back, before the first answer or amid them."""
    for before in (0, 3):
        stage.proof = [stage.answer(NEW)] * before + [BUSY]
        began = stage.watch.at
        assert stage.failure().message == f"no proof of what PHP serves: {PROOF} answered 503"
        assert 20 <= stage.watch.at - began < 21
    stage.proof = [stage.answer(NEW)] * 3 + [BUSY, REFUSED] + [stage.answer(NEW)]
    assert stage.prove().answers >= 10


@pytest.mark.parametrize(
    ("replies", "is_proven"),
    [
        ([WELL], True),
        ([REFUSED, BUSY, Reply(404), Reply(302), WELL], True),
        ([Reply(204), Reply(299), WELL], True),
        ([WELL, BUSY, WELL], False),
        ([WELL, WELL, Reply(500), WELL], False),
        ([BUSY, WELL, Reply(302), WELL], False),
        ([BUSY], False),
        ([Reply(301)], False),
        ([REFUSED], False),
    ],
)
def test_health_is_three_successes_in_a_row(stage: Stage, replies: list[Reply], *, is_proven: bool) -> None:
    """It may take its time to become well; from then on it stays well, or flaps. A redirect is no 2xx."""
    stage.health = replies
    first = str(next((reply for reply in replies if reply != WELL), ""))
    flaps = WELL in replies
    if is_proven:
        stage.prove()
        return
    failure = stage.failure()
    assert first in failure.message or flaps
    assert failure.message.startswith("the health check flaps" if flaps else "not healthy in time")
    assert HEALTH in failure.message


def test_what_is_served_can_be_asked(stage: Stage) -> None:
    """By one request; None for whatever is no answer to that."""

    def served(reply: Reply) -> str | None:
        return served_release(stage.config(), ask=lambda _question, _limit_s: reply)

    assert served(stage.answer(OLD)) == OLD
    no_answers: list[Callable[[], Reply]] = [
        lambda: REFUSED,
        lambda: BUSY,
        lambda: Reply(404, stage.answer(OLD).body),
        lambda: Reply(200, b"<html>"),
        lambda: stage.answer("not-a-release"),
    ]
    assert [served(reply()) for reply in no_answers] == [None] * 5
    assert served_release(stage.config(proof_url=""), ask=stage.ask) is None
