"""What the endpoints and the jobs have in common."""

from __future__ import annotations

import sqlite3

from attrs import frozen

from chakra_async.emulator.catalog import Catalog, Procedure
from chakra_async.emulator.changes import Batch, Cause
from chakra_async.emulator.faults import Faults
from chakra_async.emulator.job_records import JobRecords
from chakra_async.emulator.processes import Processes
from chakra_async.emulator.settings import JobSettings, Settings
from chakra_async.emulator.store import Store


@frozen
class Service:
    """The state of one running emulator and the settings it obeys."""

    store: Store
    catalog: Catalog
    processes: Processes
    records: JobRecords
    faults: Faults
    settings: Settings
    job_settings: JobSettings

    def batch(self, db: sqlite3.Connection, procedure: Procedure, cause: Cause) -> Batch:
        """Begin changes to the processes of a procedure, inside a transaction."""
        return Batch(db, self.processes, procedure, self.settings, cause)
