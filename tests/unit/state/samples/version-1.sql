-- A store as version 1 of the schema left it, with a row in every table. Frozen: never changed.
PRAGMA application_id = 1447122771;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE boot (id INTEGER PRIMARY KEY CHECK (id = 1), boot_id TEXT NOT NULL, was_closed INTEGER NOT NULL);
INSERT INTO "boot" VALUES(1,'5d3b1d0e-1b9c-4d0c-9f3e-0c3f0f0f0f0f',1);
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "counter" VALUES('log_ambiguous_events',7);
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
INSERT INTO "log_batch" VALUES(1,1,'/vawsum/production/apache-access','i-0abc/var/log/apache2/access.log',4096,5000,1790000000000,1790000001000,X'5B312C312C5B3930342C313739303030303030303030305D5D','c0ffee',256,'beef','sent',1790000000.0);
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
INSERT INTO "log_file" VALUES(1,'apache-access','/var/log/apache2/access.log',2049,131337,256,'0f0f',0,4096,256,'a1b2',100,1789999999.25,0,4000,'{"too_old":96}');
CREATE TABLE log_folded (
        source TEXT PRIMARY KEY,
        files INTEGER NOT NULL,
        accepted_bytes INTEGER NOT NULL,
        dropped_bytes TEXT NOT NULL
    ) WITHOUT ROWID;
INSERT INTO "log_folded" VALUES('apache-access',3,12345,'{}');
CREATE TABLE snapshot (id INTEGER PRIMARY KEY CHECK (id = 1), saved_at REAL NOT NULL, body BLOB NOT NULL);
INSERT INTO "snapshot" VALUES(1,1790000000.5,X'7B2276657273696F6E223A22302E312E30222C227374617465223A2272756E6E696E67222C22636F6D706F6E656E7473223A5B5D7D');
CREATE INDEX log_file_by_source ON log_file (source);
CREATE INDEX log_batch_by_stream ON log_batch (log_group, log_stream, outcome);
CREATE INDEX log_batch_by_file ON log_batch (file_id, start_offset);
COMMIT;
