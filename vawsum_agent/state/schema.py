"""The schema of the store, as forward migrations. Each is frozen once released; a change is a new one at the end."""

from __future__ import annotations

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE boot (id INTEGER PRIMARY KEY CHECK (id = 1), boot_id TEXT NOT NULL, was_closed INTEGER NOT NULL);
    CREATE TABLE snapshot (id INTEGER PRIMARY KEY CHECK (id = 1), saved_at REAL NOT NULL, body BLOB NOT NULL);
    CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE log_file (
        file_id INTEGER PRIMARY KEY AUTOINCREMENT,
        source TEXT NOT NULL,
        path TEXT NOT NULL,
        device INTEGER NOT NULL,
        inode INTEGER NOT NULL,
        head_length INTEGER NOT NULL,
        head_digest TEXT NOT NULL,
        start_offset INTEGER NOT NULL,
        checkpoint INTEGER NOT NULL,
        marker_length INTEGER NOT NULL,
        marker_digest TEXT NOT NULL,
        initial_size INTEGER NOT NULL,
        modified_at REAL NOT NULL,
        is_finished INTEGER NOT NULL DEFAULT 0,
        accepted_bytes INTEGER NOT NULL DEFAULT 0,
        dropped_bytes TEXT NOT NULL DEFAULT '{}'
    );
    CREATE INDEX log_file_by_source ON log_file (source);
    CREATE TABLE log_folded (
        source TEXT PRIMARY KEY,
        files INTEGER NOT NULL,
        accepted_bytes INTEGER NOT NULL,
        dropped_bytes TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE log_batch (
        batch_id INTEGER PRIMARY KEY AUTOINCREMENT,
        file_id INTEGER NOT NULL,
        log_group TEXT NOT NULL,
        log_stream TEXT NOT NULL,
        start_offset INTEGER NOT NULL,
        end_offset INTEGER NOT NULL,
        first_ms INTEGER,
        last_ms INTEGER,
        layout BLOB NOT NULL,
        digest TEXT NOT NULL,
        marker_length INTEGER NOT NULL,
        marker_digest TEXT NOT NULL,
        outcome TEXT NOT NULL,
        recorded_at REAL NOT NULL
    );
    CREATE INDEX log_batch_by_stream ON log_batch (log_group, log_stream, outcome);
    CREATE INDEX log_batch_by_file ON log_batch (file_id, start_offset);
    """,
    """
    CREATE TABLE metric_round (
        round_id INTEGER PRIMARY KEY AUTOINCREMENT,
        at_ms INTEGER NOT NULL,
        body BLOB NOT NULL
    );
    CREATE TABLE metric_baseline (id INTEGER PRIMARY KEY CHECK (id = 1), body BLOB NOT NULL);
    CREATE TABLE request_tally (
        tally_id INTEGER PRIMARY KEY AUTOINCREMENT,
        minute_ms INTEGER NOT NULL,
        body BLOB NOT NULL
    );
    CREATE INDEX request_tally_by_minute ON request_tally (minute_ms);
    CREATE TABLE metric_chunk (
        chunk_id INTEGER PRIMARY KEY AUTOINCREMENT,
        period_ms INTEGER NOT NULL,
        data_count INTEGER NOT NULL,
        body BLOB NOT NULL,
        open_attempts INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX metric_chunk_by_period ON metric_chunk (period_ms);
    CREATE TABLE notification (
        notification_id INTEGER PRIMARY KEY AUTOINCREMENT,
        created_at REAL NOT NULL,
        subject TEXT NOT NULL,
        body TEXT NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE alert (component TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE known_file (
        file_key INTEGER PRIMARY KEY,
        fingerprint INTEGER NOT NULL,
        verdict TEXT NOT NULL,
        known_until REAL NOT NULL
    );
    CREATE INDEX known_file_by_age ON known_file (known_until);
    CREATE TABLE known_file_salt (id INTEGER PRIMARY KEY CHECK (id = 1), salt BLOB NOT NULL);
    CREATE TABLE instance (id INTEGER PRIMARY KEY CHECK (id = 1), instance_id TEXT NOT NULL);
    """,
)

VERSION = len(MIGRATIONS)
APPLICATION_ID = 0x56415753
"""``VAWS``: marks the file as ours, so that a stranger's database is not taken for a corrupt one of our own."""
