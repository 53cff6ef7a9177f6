"""Puts a file into the bucket and proves that it is whole there. S3 is the journal: nothing is written down here."""
