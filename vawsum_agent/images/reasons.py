"""Why a file is left alone: the words of ``status``, ``plan`` and the log."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """What keeps a file where it is. Each is counted and named; none is ever removed."""

    SYMLINK = "symlink"
    NOT_A_FILE = "not-a-file"
    HARDLINK = "hardlink"
    OTHER_OWNER = "other-owner"
    OTHER_FILESYSTEM = "other-filesystem"
    OTHER_EXTENSION = "other-extension"
    EXTENSION_MISMATCH = "extension-mismatch"
    NOT_AN_IMAGE = "not-an-image"
    PHP_CODE = "php-code"
    EMPTY = "empty"
    TOO_LARGE = "too-large"
    TOO_DEEP = "too-deep"
    NAME_TOO_LONG = "name-too-long"
    NAME_NOT_UTF8 = "name-not-utf8"
    NAME_WITH_CONTROL_CHARACTERS = "name-with-control-characters"
    UNREADABLE = "unreadable"
    IN_USE = "in-use"
    NOT_REMOVABLE = "not-removable"
    COLLISION = "collision"
    REFUSED_BY_S3 = "refused-by-s3"


MEANING = {
    Reason.SYMLINK: "a symbolic link, which may lead anywhere",
    Reason.NOT_A_FILE: "a FIFO, socket or device",
    Reason.HARDLINK: "the file has a second name, perhaps outside the folder",
    Reason.OTHER_OWNER: "it belongs to somebody else than the folder's `owner`",
    Reason.OTHER_FILESYSTEM: "another file system is mounted there",
    Reason.OTHER_EXTENSION: "its extension is none of the folder's `types`",
    Reason.EXTENSION_MISMATCH: "an image, but of another type than its extension says",
    Reason.NOT_AN_IMAGE: "its content is none of the folder's `types`",
    Reason.PHP_CODE: "PHP code stands where an image should be: look at it, and at how it got there",
    Reason.EMPTY: "nothing is in it",
    Reason.TOO_LARGE: "it is larger than `max_size`",
    Reason.TOO_DEEP: "it lies too many folders deep",
    Reason.NAME_TOO_LONG: "its key would be longer than the 1,024 bytes S3 takes",
    Reason.NAME_NOT_UTF8: "its name is not UTF-8, which keys are",
    Reason.NAME_WITH_CONTROL_CHARACTERS: "its name holds control characters, which no address can carry",
    Reason.UNREADABLE: "it could not be opened or read",
    Reason.IN_USE: "it is in the bucket, and here somebody has it open for writing",
    Reason.NOT_REMOVABLE: "it is in the bucket, but its owner may not remove it: is the folder it lies in theirs?",
    Reason.COLLISION: "another picture has its key already; both are kept",
    Reason.REFUSED_BY_S3: "S3 calls the request invalid",
}
"""What each means, for people."""
