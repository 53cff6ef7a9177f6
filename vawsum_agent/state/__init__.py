"""The state store: one SQLite file a privilege. Checkpoints and journals of every capability live here."""
