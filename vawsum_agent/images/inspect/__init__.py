"""Whether a file may move, as if the folder were hostile: by its kind, owner, name and content."""
