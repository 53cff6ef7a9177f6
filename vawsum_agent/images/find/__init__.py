"""What is in a folder: a scan of all of it is the truth, events of the file system only say when to look."""
