"""The configuration: its model and how it is read. Pure but for reading the files."""
