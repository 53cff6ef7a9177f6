"""``[images]`` as frozen values."""

from __future__ import annotations

import posixpath
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from vawsum_agent.config.model.values import AbsolutePath, Bytes, NonEmpty, Seconds
from vawsum_agent.config.rules import BUCKET, DISTINCT, FOLDER, HEADER, KEY_PREFIX, PUBLIC_URL, URL_PATH, USER, between

ImageType = Literal[
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "image/avif",
    "image/heic",
    "image/bmp",
    "image/tiff",
]


class ImagesFolder(msgspec.Struct, frozen=True, kw_only=True):
    """``[[images.folder]]``: a folder of uploads that move to a bucket."""

    name: Annotated[NonEmpty, Meta(description="a name of its own, for status and commands")]
    path: Annotated[
        AbsolutePath, FOLDER, Meta(description="the folder itself, no symbolic link; subfolders belong to it")
    ]
    bucket: Annotated[NonEmpty, BUCKET, Meta(description="where the objects go")]
    prefix: Annotated[str, KEY_PREFIX, Meta(description="object key = prefix + path relative to the folder")] = ""
    types: Annotated[
        list[ImageType],
        Meta(min_length=1, description="what moves; told by the content, and the extension must agree"),
        DISTINCT,
    ] = msgspec.field(default_factory=lambda: ["image/jpeg", "image/png", "image/gif", "image/webp"])
    min_age: Annotated[
        Seconds, between(1, 365 * 86400, "1s to 365d"), Meta(description="untouched for this long before it moves")
    ] = Seconds(600.0)
    max_size: Annotated[
        Bytes, between(1, 1 << 40, "1B to 1024GiB"), Meta(description="what is larger is left alone, and counted")
    ] = Bytes(1 << 30)
    kms_key_id: Annotated[str, Meta(description="encrypt with this KMS key; empty: as the bucket does")] = ""
    cache_control: Annotated[str, HEADER, Meta(description="the header that browsers get with the object")] = (
        "public, max-age=86400"
    )
    delete_local: Annotated[bool, Meta(description="`false`: copy only")] = True
    public_url: Annotated[
        str, PUBLIC_URL, Meta(description="where a moved image is served from; the redirect goes here")
    ] = ""
    url_path: Annotated[
        str,
        URL_PATH,
        Meta(description="where the site serves the folder; empty: `/` + the last part of `path` + `/`"),
    ] = ""
    owner: Annotated[NonEmpty, USER, Meta(description="files of anyone else are left alone")] = "www-data"

    @property
    def served_at(self) -> str:
        """The path of the site at which the folder is served: as configured, else its last part."""
        return self.url_path or f"/{posixpath.basename(self.path)}/"


class ImagesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[images]``: uploads move to S3; the local copy goes when the object is proven whole."""

    scan_interval: Annotated[
        Seconds,
        between(1, 86400, "1s to 24h"),
        Meta(description="between two looks at every folder; large folders are looked at less often"),
    ] = Seconds(60.0)
    jobs: Annotated[int, between(1, 32, "1 to 32"), Meta(description="uploads at once")] = 4
    pressure_jobs: Annotated[
        int, between(1, 32, "1 to 32"), Meta(description="uploads at once while the disk is above its watermark")
    ] = 8
    disk_watermark: Annotated[
        int, between(1, 100, "1 to 100"), Meta(description="percent of the folder's disk, or of its inodes, in use")
    ] = 85
    folder: Annotated[list[ImagesFolder], Meta(description="at least one")] = msgspec.field(default_factory=list)
