"""People at a gallery: some upload pictures, others look at all of them again and again, wherever they are led to."""

from __future__ import annotations

import hashlib
import http.client
import random
import threading
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from sandbox.host.gallery import PICTURES_PATH, UPLOAD_PATH, form

if TYPE_CHECKING:
    from sandbox.host.gallery import Gallery

LIMIT_S = 15.0
_JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"


class Album:
    """What was uploaded: name and digests of each picture. Threads may use it side by side."""

    def __init__(self) -> None:
        self._digests: dict[str, list[str]] = {}
        self._shown: dict[str, int] = {}
        self._lock = threading.Lock()

    def announce(self, name: str, content: bytes) -> None:
        """Note that a picture is about to be uploaded: from now on it may be seen."""
        with self._lock:
            self._digests.setdefault(name, []).append(hashlib.sha256(content).hexdigest())

    def confirm(self, name: str) -> None:
        """Note that it was: from now on nothing older may be seen."""
        with self._lock:
            self._shown[name] = len(self._digests[name]) - 1

    def names(self) -> list[str]:
        """Return the names of all that were uploaded, in order."""
        with self._lock:
            return list(self._shown)

    def newest(self) -> dict[str, str]:
        """Return the digest of each picture as it was uploaded last."""
        with self._lock:
            return {name: self._digests[name][shown] for name, shown in self._shown.items()}

    def position(self, name: str) -> int:
        """Return which version was uploaded last."""
        with self._lock:
            return self._shown[name]

    def is_fine(self, name: str, content: bytes, since: int) -> bool:
        """Whether this is the picture as it was at ``since`` (see `position`), or newer."""
        with self._lock:
            return hashlib.sha256(content).hexdigest() in self._digests[name][since:]


class Uploads:
    """Uploads pictures of 10 to 150 KB at a steady rate, from a thread of its own.

    Attributes:
        refused: what was not answered with 201.
    """

    def __init__(self, gallery: Gallery, album: Album, pictures_per_s: float, seed: int = 1) -> None:
        self.refused: list[str] = []
        self._gallery = gallery
        self._album = album
        self._pause_s = 1 / pictures_per_s
        self._dice = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._upload_on, daemon=True)

    def start(self) -> None:
        """Begin to upload."""
        self._thread.start()

    def stop(self) -> None:
        """Upload no more; idempotent."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def upload(self, name: str, content: bytes) -> None:
        """Upload one picture, new or in the place of one of that name."""
        self._album.announce(name, content)
        if self.post(name, content):
            self._album.confirm(name)

    def post(self, name: str, content: bytes) -> bool:
        """Upload something that is no picture of the album. Returns whether it was taken."""
        body, headers = form(name, content)
        connection = http.client.HTTPConnection("127.0.0.1", self._gallery.port, timeout=LIMIT_S)
        try:
            connection.request("POST", UPLOAD_PATH, body, headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as exc:
            self.refused.append(f"{name}: {exc!r}")
            return False
        finally:
            connection.close()
        if status != http.client.CREATED:
            self.refused.append(f"{name}: {status}")
        return status == http.client.CREATED

    def picture(self) -> bytes:
        """Make a picture unlike any other; there is no code in it."""
        noise = self._dice.randbytes(self._dice.randint(10_000, 150_000))
        return _JPEG + noise.replace(b"<?", b"..")

    def _upload_on(self) -> None:
        number = 0
        while not self._stop.wait(self._pause_s):
            number += 1
            # Blanks and plus signs: whoever leads visitors on has to encode them.
            name = f"class {number % 12 + 1} + {number:04}.jpg" if number % 5 == 0 else f"photo-{number:04}.jpg"
            self.upload(name, self.picture())


class Visitors:
    """Look at every picture in a loop, from threads of their own.

    Attributes:
        here, there: answers 200 with the right bytes, from the host itself and from where it led to.
        wrong: all other ends of a visit.
    """

    def __init__(self, gallery: Gallery, album: Album, count: int, pause_s: float, seed: int = 1) -> None:
        self.here = self.there = 0
        self.wrong: list[str] = []
        self._gallery = gallery
        self._album = album
        self._pause_s = pause_s
        self._stop = threading.Event()
        self._lock = threading.Lock()
        dice = [random.Random(seed + number) for number in range(count)]
        self._threads = [threading.Thread(target=self._visit_on, args=(one,), daemon=True) for one in dice]

    def start(self) -> None:
        """Begin to look."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Look no more; idempotent."""
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def look_at(self, name: str) -> bool:
        """Fetch a picture. Returns whether it is where the host led to, and right."""
        since = self._album.position(name)
        status, content, is_led = self._fetch(name)
        is_right = status == http.client.OK and self._album.is_fine(name, content, since)
        with self._lock:
            self.here += is_right and not is_led
            self.there += is_right and is_led
            if not is_right:
                what = "other bytes" if status == http.client.OK else str(status or "no answer")
                self.wrong.append(f"{name}: {what} {'where the host led to' if is_led else 'from the host'}")
        return is_right and is_led

    def _fetch(self, name: str) -> tuple[int, bytes, bool]:
        address = f"http://127.0.0.1:{self._gallery.port}{PICTURES_PATH}{quote(name)}"
        status, content, location = _get(address)
        if status != http.client.FOUND:
            return status, content, False
        status, content, _ = _get(location)
        return status, content, True

    def _visit_on(self, dice: random.Random) -> None:
        while not self._stop.wait(self._pause_s):
            names = self._album.names()
            dice.shuffle(names)
            for name in names:
                if self._stop.wait(self._pause_s):
                    return
                self.look_at(name)


def _get(address: str) -> tuple[int, bytes, str]:
    """Return status, body and location; status 0 where there was no answer."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=LIMIT_S)
    try:
        connection.request("GET", parts.path)
        response = connection.getresponse()
        return response.status, response.read(), response.getheader("Location", "")
    except (OSError, http.client.HTTPException):
        return 0, b"", ""
    finally:
        connection.close()
