"""The reader: which file is read next and how far, and the batches that come of it."""
