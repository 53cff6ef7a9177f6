"""Clients that ask the real Apache for pictures while these are removed one after the other."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.counts import count
from tests.integration.images.site import BUCKET_URL, FRONT_CONTROLLERS, site
from vawsum_agent.images.beneath import QUARANTINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.images.site import Answer, Site

pytestmark = pytest.mark.skipif(
    not Path("/usr/sbin/apache2").exists(), reason="needs Apache and PHP-FPM; `make setup` installs them as root"
)

CLIENTS = 4
_NEAR = 4
_PAUSE_S = 0.001


@dataclass
class Clients:
    """Ask for the pictures about to be removed and those just removed, and in the end for each once more.

    Attributes:
        at: how many are removed.
        here, there: answers with the picture, and with its address in the bucket.
        wrong: all others.
    """

    site: Site
    names: list[str]
    at: int = 0
    is_over: bool = False
    here: int = 0
    there: int = 0
    wrong: list[tuple[str, Answer]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, seed: int) -> None:
        """Be one of them."""
        chance = random.Random(seed)
        while not self.is_over and not self.wrong:
            first = max(0, self.at - _NEAR)
            self._fetch(chance.choice(self.names[first : self.at + _NEAR]))
        for name in self.names[seed::CLIENTS]:
            self._fetch(name)

    def _fetch(self, name: str) -> None:
        answer = self.site.ask(f"/uploads/{quote(name)}")
        is_here = (answer.status, answer.body) == (200, name.encode())
        is_there = (answer.status, answer.location.replace("%2b", "%2B")) == (302, BUCKET_URL + quote(name))
        with self.lock:
            self.here += is_here
            self.there += is_there
            if not is_here and not is_there:
                self.wrong.append((name, answer))


@pytest.mark.parametrize("front_controller", FRONT_CONTROLLERS)
def test_no_picture_is_missed(front_controller: str, tell: Callable[[str], None]) -> None:
    """Whoever asks gets the picture or its address, and never anything else, while all of them are removed."""
    names = [f"{number % 20}/{number} +.jpg" for number in range(count(1000, 50_000))]
    with site(front_controller) as running:
        folder = Path(running.folders[0].path)
        for name in names:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(name.encode())
        clients = Clients(running, names)
        threads = [threading.Thread(target=clients.run, args=(seed,)) for seed in range(CLIENTS)]
        for thread in threads:
            thread.start()
        _remove(folder, clients)
        for thread in threads:
            thread.join()
        opened_too_late = running.apache.error_log.read_text().count("AH00132")
    assert clients.wrong == []
    assert clients.here
    assert clients.there >= len(names)
    tell(
        f"{clients.here} answers from here, {clients.there} from there, {opened_too_late} gone before they were opened"
    )


def _remove(folder: Path, clients: Clients) -> None:
    """Remove as the agent does: by way of the quarantine."""
    quarantine = folder / QUARANTINE.decode()
    for number, name in enumerate(clients.names):
        if clients.wrong:
            break
        clients.at = number
        aside = quarantine / name
        aside.parent.mkdir(parents=True, exist_ok=True)
        (folder / name).rename(aside)
        aside.unlink()
        time.sleep(_PAUSE_S)
    clients.is_over = True
