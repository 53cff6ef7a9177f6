"""Runs as the daemon's user on a booted host, as whoever took the daemon over: it changes all that it may, and lies.

Its arguments are the daemon's state and runtime folders.
"""

from __future__ import annotations

import json
import shutil
import socket
import sys
import time
from pathlib import Path

LINKS = ("deploy", "deploys", "releases", "current", "secrets", "shared", ".vawsum", "lock", "state.db", "dead-letter")
"""What a deploy might look for in a folder that is not its own."""


def rewrite(folder: Path) -> None:
    """Put links out of it in place of all that is in a folder."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    for number, name in enumerate(LINKS):
        (folder / name).symlink_to("/etc" if number % 2 else "/etc/passwd")


def answer(connection: socket.socket, number: int) -> None:
    """Flood whoever asks first; tell everybody else that all is well."""
    try:
        connection.recv(4096)
        if number == 0:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b'{"traffic": ' + b"[" * (4 << 20))
        else:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + all_is_well())
    except OSError:
        pass  # nobody reads all of it
    finally:
        connection.close()


def all_is_well() -> bytes:
    """Nothing but good answers, up to this moment."""
    now = time.time()
    moments = {"since": now - 600, "counted_until": now + 60, "from_at": now - 600, "until_at": now}
    return json.dumps({"daemon": "impostor", "delay_s": 0.0, "traffic": {"requests": 10**9}, **moments}).encode()


def main() -> None:
    """Rewrite both folders, then answer on the control socket."""
    state, runtime = (Path(argument) for argument in sys.argv[1:])
    rewrite(state)
    for path in runtime.iterdir():
        path.unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(runtime / "control.sock"))
        listener.listen()
        number = 0
        while True:
            connection, _ = listener.accept()
            answer(connection, number)
            number += 1


if __name__ == "__main__":
    main()
