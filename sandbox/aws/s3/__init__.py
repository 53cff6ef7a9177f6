"""S3, carried out by the front: a store of its own behind the rules of the real one. Nothing of it is moto's.

target       which operation, bucket and key a request names
signature    Signature Version 4
incoming     bodies as they come in: framing, digests; `integrity` holds them against what the client promised
bodies       where they lie on disk
attributes   what a request says of an object; `encryption` of its key, `conditions` of when to write or read
store        buckets, keys, versions; `uploads` the multipart ones
gate         faults, checks, operations, answers; `access` what IAM is asked
public       reading without credentials, as through a CDN
"""
