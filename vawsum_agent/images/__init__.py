"""Uploaded images move to S3: find → inspect → upload → verify → remove.

`find` says what is there, `inspect` what may move, `upload` puts it into the bucket and proves that it is whole,
`remove` takes the local copy away as the folder's owner, `serve` sends visitors to where the picture is now. S3 is the
journal: what an interrupted move left behind is met again by the next scan, which finds its object there.
"""
