"""Lists in pages: objects, versions, uploads and parts. Pure but for what the store is asked by others."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sandbox.aws.account import ACCOUNT_ID
from sandbox.aws.s3.errors import invalid_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.aws.s3.store import Version
    from sandbox.aws.s3.uploads import Part, Upload

PAGE_LIMIT_COUNT = 1000
OWNER = {"ID": ACCOUNT_ID, "DisplayName": "sandbox"}


def iso(at_ms: int) -> str:
    """Return a time as S3 writes it into XML."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(at_ms / 1000))


def page_size(query: Mapping[str, str], name: str) -> int:
    """Return how much a page may hold."""
    text = query.get(name, str(PAGE_LIMIT_COUNT))
    if not text.isascii() or not text.isdigit():
        raise invalid_request(f"Provided {name} not an integer or within integer range", "InvalidArgument")
    return min(int(text), PAGE_LIMIT_COUNT)


class _Names:
    """Writes keys as the client asked for: some are no XML."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self.is_url = query.get("encoding-type") == "url"
        self.fields: dict[str, object] = {"EncodingType": "url"} if self.is_url else {}

    def __call__(self, key: str) -> str:
        return quote(key, safe="/~") if self.is_url else key


def list_objects(bucket: str, objects: Sequence[Version], query: Mapping[str, str]) -> dict[str, Any]:
    """Return a page of ListObjectsV2. `objects` are all of the bucket with the prefix, in order."""
    name, prefix, delimiter = _Names(query), query.get("prefix", ""), query.get("delimiter", "")
    limit, after = page_size(query, "max-keys"), _after(query)
    rows: list[dict[str, object]] = []
    groups: list[str] = []
    last, is_truncated = "", False
    for version in objects:
        group = _group(version.key, prefix, delimiter)
        place = group or version.key
        # Whatever is below a group that an earlier page told of is told of as well.
        if place.encode() <= after.encode() or (group and groups[-1:] == [group]):
            continue
        if len(rows) + len(groups) >= limit:
            is_truncated = limit > 0
            break
        last = place
        if group:
            groups.append(group)
        else:
            rows.append({"Key": name(version.key), **_row(version)})
    return {
        "Name": bucket,
        "Prefix": name(prefix),
        **({"Delimiter": name(delimiter)} if delimiter else {}),
        "MaxKeys": limit,
        "KeyCount": len(rows) + len(groups),
        **name.fields,
        "IsTruncated": is_truncated,
        **({"NextContinuationToken": base64.urlsafe_b64encode(last.encode()).decode()} if is_truncated else {}),
        "Contents": rows,
        "CommonPrefixes": [{"Prefix": name(group)} for group in groups],
    }


def _after(query: Mapping[str, str]) -> str:
    token = query.get("continuation-token")
    if token is None:
        return query.get("start-after", "")
    try:
        return base64.urlsafe_b64decode(token).decode()
    except ValueError as exc:
        raise invalid_request("The continuation token provided is incorrect", "InvalidArgument") from exc


def _group(key: str, prefix: str, delimiter: str) -> str:
    end = key.find(delimiter, len(prefix)) if delimiter else -1
    return key[: end + len(delimiter)] if end >= 0 else ""


def _row(version: Version) -> dict[str, object]:
    return {
        "LastModified": iso(version.at_ms),
        "ETag": f'"{version.etag}"',
        **_kind_of_checksum(version),
        "Size": version.size_bytes,
        "StorageClass": "STANDARD",
    }


def _kind_of_checksum(version: Version) -> dict[str, object]:
    names = [name.upper() for name in version.checksums]
    return {"ChecksumAlgorithm": names, "ChecksumType": checksum_type(version)} if names else {}


def checksum_type(version: Version) -> str:
    """Return whether a version's checksum is of its whole body or of its parts' checksums."""
    return "COMPOSITE" if version.part_count else "FULL_OBJECT"


def list_versions(bucket: str, versions: Sequence[Version], query: Mapping[str, str]) -> dict[str, Any]:
    """Return a page of ListObjectVersions; `versions` are all of the prefix, by key and then the newest first."""
    name, limit = _Names(query), page_size(query, "max-keys")
    key_marker, id_marker = query.get("key-marker", ""), query.get("version-id-marker", "")
    left = _behind(versions, key_marker, id_marker)
    page, is_truncated = left[:limit], len(left) > limit > 0
    newest = {version.key: version.version_id for version in reversed(versions)}
    rows: dict[str, list[dict[str, object]]] = {"Version": [], "DeleteMarker": []}
    for version in page:
        is_latest = newest[version.key] == version.version_id
        common = {"Key": name(version.key), "VersionId": version.version_id, "IsLatest": is_latest}
        if version.is_marker:
            rows["DeleteMarker"].append({**common, "LastModified": iso(version.at_ms), "Owner": OWNER})
        else:
            rows["Version"].append({**common, **_row(version), "Owner": OWNER})
    markers = {"NextKeyMarker": name(page[-1].key), "NextVersionIdMarker": page[-1].version_id} if is_truncated else {}
    return {
        "Name": bucket,
        "Prefix": name(query.get("prefix", "")),
        "KeyMarker": name(key_marker),
        "VersionIdMarker": id_marker,
        **markers,
        "MaxKeys": limit,
        **name.fields,
        "IsTruncated": is_truncated,
        **rows,
    }


def _behind(versions: Sequence[Version], key: str, version_id: str) -> list[Version]:
    """Return what comes after a version; after all of a key where no version is named, or one that is gone."""
    place = next((at for at, one in enumerate(versions) if (one.key, one.version_id) == (key, version_id)), None)
    if place is not None:
        return list(versions[place + 1 :])
    return [one for one in versions if one.key.encode() > key.encode()]


def list_uploads(bucket: str, uploads: Sequence[Upload], query: Mapping[str, str]) -> dict[str, Any]:
    """Return a page of ListMultipartUploads; `uploads` are all of the bucket, by key and then by time."""
    name, limit = _Names(query), page_size(query, "max-uploads")
    key_marker, id_marker = query.get("key-marker", ""), query.get("upload-id-marker", "")
    found = [one for one in uploads if one.key.startswith(query.get("prefix", ""))]
    place = next((at for at, one in enumerate(found) if (one.key, one.upload_id) == (key_marker, id_marker)), None)
    left = found[place + 1 :] if place is not None else [one for one in found if one.key.encode() > key_marker.encode()]
    page, is_truncated = left[:limit], len(left) > limit
    markers = {"NextKeyMarker": name(page[-1].key), "NextUploadIdMarker": page[-1].upload_id} if is_truncated else {}
    return {
        "Bucket": bucket,
        "KeyMarker": name(key_marker),
        "UploadIdMarker": id_marker,
        "Prefix": name(query.get("prefix", "")),
        **name.fields,
        **markers,
        "MaxUploads": limit,
        "IsTruncated": is_truncated,
        "Upload": [_upload_row(one, name) for one in page],
    }


def _upload_row(upload: Upload, name: _Names) -> dict[str, object]:
    algorithm = {"ChecksumAlgorithm": upload.algorithm.upper()} if upload.algorithm else {}
    return {
        "Key": name(upload.key),
        "UploadId": upload.upload_id,
        "Initiator": OWNER,
        "Owner": OWNER,
        "StorageClass": "STANDARD",
        "Initiated": iso(upload.at_ms),
        **algorithm,
    }


def list_parts(upload: Upload, parts: Sequence[Part], query: Mapping[str, str]) -> dict[str, Any]:
    """Return a page of ListParts; `parts` are all of the upload, by number."""
    limit, text = page_size(query, "max-parts"), query.get("part-number-marker", "0")
    marker = int(text) if text.isascii() and text.isdigit() else 0
    left = [part for part in parts if part.number > marker]
    page = left[:limit]
    return {
        "Bucket": upload.bucket,
        "Key": upload.key,
        "UploadId": upload.upload_id,
        "Initiator": OWNER,
        "Owner": OWNER,
        "StorageClass": "STANDARD",
        "PartNumberMarker": marker,
        "NextPartNumberMarker": page[-1].number if page else 0,
        "MaxParts": limit,
        "IsTruncated": len(left) > limit,
        "Part": [
            {
                "PartNumber": part.number,
                "LastModified": iso(part.at_ms),
                "ETag": f'"{part.etag}"',
                "Size": part.span.size_bytes,
                **{f"Checksum{algorithm.upper()}": text for algorithm, text in part.checksums.items()},
            }
            for part in page
        ],
    }
