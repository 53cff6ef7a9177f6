"""What a file is called while it is in the quarantine: its whole path, in one name.

No folder has to be made for it, which a disk out of inodes would refuse just when removing is what helps. ``/`` and
``%`` are escaped; a path too long for one name is cut into folders. Whoever looks in there can read it:
``f2026%2F11%2Fcat.jpg``.
"""

from __future__ import annotations

from vawsum_agent.images.beneath import QUARANTINE

LONGEST_PATH_BYTES = 4096
_FILE, _FOLDER = b"f", b"d"
_LONGEST_PIECE = 254  # and the mark: a name has at most 255 bytes


def is_plain(path: bytes) -> bool:
    """Whether it is a path below a folder, in its one spelling, and not within the quarantine."""
    parts = path.split(b"/")
    return (
        len(path) <= LONGEST_PATH_BYTES
        and b"\0" not in path
        and not {b"", b".", b".."} & set(parts)
        and parts[0] != QUARANTINE
    )


def pieces_of(path: bytes) -> tuple[bytes, ...]:
    """The names, from the quarantine down: folders, where one name is not enough, and last the file's."""
    escaped = path.replace(b"%", b"%25").replace(b"/", b"%2F")
    cut = [escaped[start : start + _LONGEST_PIECE] for start in range(0, len(escaped) or 1, _LONGEST_PIECE)]
    return (*(_FOLDER + piece for piece in cut[:-1]), _FILE + cut[-1])


def path_of(pieces: tuple[bytes, ...]) -> bytes | None:
    """The path that has these names; None when no path has them: somebody else made them."""
    escaped = b"".join(piece[1:] for piece in pieces)
    path = escaped.replace(b"%2F", b"/").replace(b"%25", b"%")
    return path if is_plain(path) and pieces_of(path) == pieces else None


def may_be_folder(piece: bytes) -> bool:
    """Whether we would have made a folder of that name, to hold the rest of a long path."""
    return piece.startswith(_FOLDER) and len(piece) == _LONGEST_PIECE + 1
