"""Scene "images": pictures are uploaded, move to S3 and are looked at all the while. Half a minute."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.client import Sandbox
from sandbox.demo.agent import Agent
from sandbox.demo.images_verdict import HEADINGS, ImagesVerdict, files_below, read_left_alone
from sandbox.host import Album, Uploads, Visitors, make_gallery
from sandbox.servers.process import open_directory

if TYPE_CHECKING:
    from sandbox.demo.narrator import Narrator
    from sandbox.host import Gallery

POLICY = Path(__file__).parents[2] / "packaging/iam/images.json"
BUCKET = "vawsum-images"
PREFIX = "uploads/"
PICTURES_PER_S = 8
VISITORS = 2
VISIT_PAUSE_S = 0.01
SLOW_S = 0.6
"""How long S3 takes for a picture while the daemon is killed: some are surely under way then."""

AWAY_S = 5.0
START_S = 20.0
MOVED_S = 30.0
SCRIPT = "holiday.jpg"
CODE = b"<?php system($_GET['command']);"
LAST_WORDS_LINES = 12
LAST_WORDS_WIDTH = 400


def run(narrator: Narrator) -> bool:
    """Play the scene. Returns whether everything came out as promised."""
    narrator.title("Images: uploads move to S3 while visitors look at them")
    with ExitStack() as stack:
        directory = stack.enter_context(open_directory("vawsum-demo-"))
        sandbox = stack.enter_context(Sandbox.start(policy=POLICY, seed=22))
        sandbox.create_bucket(BUCKET)
        gallery = make_gallery(directory / "site")
        agent = Agent(directory / "agent", sandbox.environment(), gallery.owner)
        stack.callback(agent.kill)
        public_url = sandbox.public_url(BUCKET, PREFIX)
        agent.config.write_text(configuration(agent, gallery, public_url))
        code, rules = agent.command("images", "apache-config")
        if code != 0:
            narrator.bad(f"vawsum-agent images apache-config ended with {code}")
            return False
        written = directory / "vawsum-images.conf"
        written.write_text(rules)
        stack.enter_context(gallery.serving(written, public_url))
        album = Album()
        uploads = Uploads(gallery, album, PICTURES_PER_S)
        stack.callback(uploads.stop)
        visitors = Visitors(gallery, album, VISITORS, VISIT_PAUSE_S)
        stack.callback(visitors.stop)
        return ImagesScene(narrator, sandbox, gallery, agent, album, uploads, visitors).play()


def configuration(agent: Agent, gallery: Gallery, public_url: str) -> str:
    """Return the `agent.toml` of the scene."""
    return f"""[agent]
role = "web"
environment = "demo"
state_dir = "{agent.state_dir}"
runtime_dir = "{agent.runtime_dir}"

[images]
scan_interval = "1s"
[[images.folder]]
name = "app"
path = "{gallery.folder}"
bucket = "{BUCKET}"
prefix = "{PREFIX}"
min_age = "1s"
public_url = "{public_url}"
owner = "{gallery.owner}"
"""


class ImagesScene:
    """The acts of the scene, in order."""

    def __init__(
        self,
        narrator: Narrator,
        sandbox: Sandbox,
        gallery: Gallery,
        agent: Agent,
        album: Album,
        uploads: Uploads,
        visitors: Visitors,
    ) -> None:
        self._say = narrator
        self._sandbox = sandbox
        self._gallery = gallery
        self._agent = agent
        self._album = album
        self._uploads = uploads
        self._visitors = visitors
        self._interrupted = 0

    def play(self) -> bool:
        """Play all acts and return whether the scene came out as promised."""
        acts = (self._begin, self._kill_and_restart, self._take_s3_away, self._upload_script, self._rewrite)
        for act in acts:
            if not act():
                self._say.see(f"the daemon's last words:\n{self._last_words()}")
                return False
        return self._end()

    def _begin(self) -> bool:
        self._say.see(f"host     {self._gallery.description}")
        self._say.see(f"service  the sandbox's S3 under {POLICY.name}; whoever asks for an object there gets it")
        self._uploads.start()
        self._visitors.start()
        self._agent.start()
        self._say.act(
            f"The daemon starts (pid {self._agent.pid}); {PICTURES_PER_S} pictures a second are uploaded, and "
            f"{VISITORS} visitors look at all of them again and again"
        )
        has_moved = self._expect("a picture moved, and a visitor was led there", START_S, lambda: self._visitors.there)
        if has_moved:
            self._say.wait(2, self._look)
            self._ask_status()
        return has_moved

    def _kill_and_restart(self) -> bool:
        self._say.act("kill -9 while pictures are under way to S3; a new daemon starts a second later")
        self._sandbox.fault("latency", operation="s3:PutObject", latency_s=SLOW_S, for_s=3)
        self._say.wait(1.5, self._look)
        before = len(self._stored())
        self._agent.kill()
        self._say.wait(1, self._look)
        self._agent.start()
        return self._expect("the new daemon goes on moving", START_S, lambda: len(self._stored()) > before + 1)

    def _take_s3_away(self) -> bool:
        self._say.act(f"S3 answers 503 for {AWAY_S:.0f} s")
        self._sandbox.fault("unavailable", operation="s3:PutObject", for_s=AWAY_S)
        self._say.wait(AWAY_S, self._look)
        before = len(self._stored())
        self._ask_status()
        return self._expect("S3 is back, and what waited moves", START_S, lambda: len(self._stored()) > before)

    def _upload_script(self) -> bool:
        self._say.act(f"Somebody uploads a PHP script as {SCRIPT}")
        if not self._uploads.post(SCRIPT, CODE):
            self._say.bad("the host did not take it")
            return False
        is_told = self._expect(
            "the daemon leaves it alone and says so", START_S, lambda: read_left_alone(self._images()).get("php-code")
        )
        for line in filter(None, (self._images().get("last_error"), self._images().get("hint"))):
            self._say.see(f"    {line}")
        return is_told

    def _rewrite(self) -> bool:
        here = files_below(self._gallery.folder)
        name = next((name for name in self._album.names() if name not in here), None)
        if name is None:
            self._say.bad("not one picture has moved")
            return False
        # So far nothing was sent to a name that was taken, but what was under way when the daemon was killed.
        self._interrupted = self._outcomes().get("PreconditionFailed", 0)
        self._say.act(f"{name}, which moved long ago, is uploaded once more with other content")
        content = self._uploads.picture()
        self._uploads.upload(name, content)
        newest = self._album.newest()[name]
        return self._expect(
            "its object is the new picture", START_S, lambda: self._stored().get(name) == newest and self._is_gone(name)
        )

    def _end(self) -> bool:
        self._say.act("The uploads end; the last pictures move, and a visitor looks at each once more")
        self._uploads.stop()
        has_moved = self._say.wait(
            MOVED_S, self._look, until=lambda: files_below(self._gallery.folder) <= {SCRIPT} and self._is_told()
        )
        self._visitors.stop()
        reached = frozenset(name for name in self._album.names() if self._visitors.look_at(name))
        left_alone = read_left_alone(self._images())
        self._ask_status()
        code = self._agent.stop()
        verdict = ImagesVerdict(
            uploaded=self._album.newest(),
            stored=self._stored(),
            local=files_below(self._gallery.folder),
            reached=reached,
            here=self._visitors.here,
            there=self._visitors.there,
            wrong=self._visitors.wrong,
            script=SCRIPT,
            left_alone=left_alone,
            refused=self._uploads.refused,
            violations=len(self._sandbox.violations()),
        )
        return self._tell(verdict, code, has_moved=has_moved)

    def _tell(self, verdict: ImagesVerdict, code: int, *, has_moved: bool) -> bool:
        self._say.table(HEADINGS, verdict.rows())
        outcomes = self._outcomes()
        self._say.see("PutObject: " + ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()))
        away = outcomes.get("ServiceUnavailable", 0)
        promises = {
            **verdict.promises(),
            f"pictures under way at kill -9 that S3 had already, by their checksums: {self._interrupted}": (
                self._interrupted > 0
            ),
            f"503s that the daemon met: {away}": away > 0,
            "nothing but the script was left in the folder before the daemon stopped": has_moved,
            f"the daemon's last exit code: {code}": code == 0,
        }
        for text, holds in promises.items():
            (self._say.good if holds else self._say.bad)(text)
        for what in (*verdict.wrong[:3], *verdict.refused[:3]):
            self._say.see(f"    {what}")
        if not all(promises.values()):
            self._say.see(f"the daemon's last words:\n{self._last_words()}")
        return all(promises.values())

    def _expect(self, promise: str, limit_s: float, holds: Any) -> bool:  # noqa: ANN401 - anything that is true
        """Wait until something holds, and say whether it came to."""
        is_so = self._say.wait(limit_s, self._look, until=lambda: bool(holds()))
        (self._say.good if is_so else self._say.bad)(promise)
        return is_so

    def _images(self) -> dict[str, Any]:
        return self._agent.component("images")

    def _stored(self) -> dict[str, str]:
        return {item.key.removeprefix(PREFIX): item.sha256 for item in self._sandbox.objects(BUCKET)}

    def _outcomes(self) -> dict[str, int]:
        outcomes: dict[str, int] = self._sandbox.requests()["operations"].get("PutObject", {})
        return outcomes

    def _is_gone(self, name: str) -> bool:
        return not (self._gallery.folder / name).exists()

    def _is_told(self) -> bool:
        """Whether the daemon has nothing left to do, by a look that it took after the last upload."""
        images = self._images()
        return images.get("backlog_count") == 0 and read_left_alone(images) == {"php-code": 1}

    def _look(self) -> str:
        """Return one line: what was uploaded, moved and looked at, what the daemon says of itself."""
        images = self._images()
        state = images.get("state") or ("starting" if self._agent.is_running else "not running")
        backlog = f", {images['backlog_count']} wait" if images.get("backlog_count") else ""
        seen = f"{self._visitors.here + self._visitors.there:,} visits ({self._visitors.there:,} led to S3)"
        missed = f"{len(self._visitors.wrong)} missed"
        return (
            f"{len(self._album.names())} uploaded   {len(self._stored())} in S3   {seen}, {missed}   "
            f"images {state}{backlog}"
        )

    def _ask_status(self) -> None:
        code, text = self._agent.command("status")
        self._say.see(f"vawsum-agent status  (exit code {code})")
        for line in text.splitlines():
            if line.strip():
                self._say.see(f"    {line.rstrip()}")

    def _last_words(self) -> str:
        lines = self._agent.output.read_text(errors="replace").splitlines() if self._agent.output.exists() else []
        return "\n".join(line[:LAST_WORDS_WIDTH] for line in lines[-LAST_WORDS_LINES:])
