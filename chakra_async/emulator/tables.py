"""The tables of the database.

The bodies of jobs have a table of their own: a job's counts change with every slice, and sqlite would copy
the body along each time. An entry is stored only when it failed; a successful one is its effect, and the
effects of a slice stand together in the ledger, so a row a slice does for an index. What is small and only
looked up by its id is a document.
"""

from __future__ import annotations

from typing import Final


SCHEMA: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE token (token TEXT PRIMARY KEY, role TEXT NOT NULL, user TEXT NOT NULL);
CREATE TABLE procedure (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, short_id TEXT NOT NULL UNIQUE,
    keys TEXT NOT NULL, states TEXT, tasks TEXT, attributes TEXT
);
CREATE TABLE process (
    seq INTEGER PRIMARY KEY, procedure INTEGER NOT NULL, status TEXT NOT NULL, state TEXT, assigned_to TEXT,
    created_by TEXT NOT NULL, next_action_at INTEGER, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL, is_deleted INTEGER NOT NULL, data TEXT NOT NULL, record TEXT
);
CREATE INDEX process_live ON process (procedure) WHERE is_deleted = 0;
CREATE TABLE process_key (
    procedure INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, process INTEGER NOT NULL,
    PRIMARY KEY (procedure, name, value)
) WITHOUT ROWID;
CREATE TABLE job (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, procedure INTEGER NOT NULL, kind TEXT NOT NULL,
    request_id TEXT NOT NULL, actor TEXT NOT NULL, total INTEGER NOT NULL,
    success INTEGER NOT NULL DEFAULT 0, invalid INTEGER NOT NULL DEFAULT 0,
    error INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    started_at INTEGER NOT NULL DEFAULT 0, completed_at INTEGER NOT NULL DEFAULT 0,
    vanished INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE job_body (job INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE failed_entry (
    job INTEGER NOT NULL, item INTEGER NOT NULL, status TEXT NOT NULL, message TEXT NOT NULL,
    process INTEGER, PRIMARY KEY (job, item)
) WITHOUT ROWID;
CREATE TABLE ledger (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, process INTEGER NOT NULL, key TEXT,
    request_id TEXT, job INTEGER, item INTEGER
);
CREATE TABLE job_slice (
    job INTEGER NOT NULL, first_item INTEGER NOT NULL, last_item INTEGER NOT NULL,
    first_effect INTEGER NOT NULL, last_effect INTEGER NOT NULL, PRIMARY KEY (job, first_item)
) WITHOUT ROWID;
CREATE TABLE document (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, parent TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (kind, id)
);
CREATE INDEX document_parent ON document (kind, parent);
CREATE TABLE chat (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, plugin TEXT NOT NULL, handle TEXT NOT NULL,
    contact TEXT NOT NULL, name TEXT, created_at INTEGER NOT NULL, latest INTEGER, latest_at INTEGER,
    UNIQUE (plugin, handle)
);
CREATE TABLE message (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, external_id TEXT NOT NULL UNIQUE,
    chat INTEGER NOT NULL, direction TEXT NOT NULL, status TEXT NOT NULL, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL, timestamp INTEGER NOT NULL, body TEXT NOT NULL
);
CREATE INDEX message_chat ON message (chat);
CREATE TABLE blob (
    seq INTEGER PRIMARY KEY, size INTEGER NOT NULL, sha256 TEXT NOT NULL, kept INTEGER NOT NULL
)
"""

# Beside the others in a file; with an emulator in memory, in a temporary file that nobody sees.
CHUNKS: Final = "CREATE TABLE {place}.chunk (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)"
