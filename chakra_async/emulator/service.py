"""What the endpoints and the jobs have in common."""

from __future__ import annotations

import sqlite3

from attrs import frozen

from chakra_async.emulator.blobs import Blobs
from chakra_async.emulator.catalog import Catalog, Procedure, Role
from chakra_async.emulator.changes import Batch, Cause
from chakra_async.emulator.chats import Chats
from chakra_async.emulator.delivery import Delivery
from chakra_async.emulator.documents import Documents
from chakra_async.emulator.events import Events
from chakra_async.emulator.faults import Faults
from chakra_async.emulator.job_records import JobRecords
from chakra_async.emulator.media import Media
from chakra_async.emulator.plugins import Plugins
from chakra_async.emulator.processes import Processes, Row
from chakra_async.emulator.refusals import Missing, Refusal
from chakra_async.emulator.settings import JobSettings, Settings
from chakra_async.emulator.store import Store
from chakra_async.emulator.tasks import Tasks
from chakra_async.emulator.templates import Templates
from chakra_async.emulator.timers import Timers
from chakra_async.emulator.users import Users


@frozen(kw_only=True)
class Service:
    """The state of one running emulator and the settings it obeys."""

    store: Store
    catalog: Catalog
    processes: Processes
    records: JobRecords
    faults: Faults
    settings: Settings
    job_settings: JobSettings
    timers: Timers
    events: Events
    documents: Documents
    blobs: Blobs
    users: Users
    tasks: Tasks
    plugins: Plugins
    media: Media
    chats: Chats
    templates: Templates
    delivery: Delivery

    @classmethod
    def over(
        cls, store: Store, faults: Faults, settings: Settings, job_settings: JobSettings, timers: Timers
    ) -> Service:
        """Put the service together over an open store."""
        documents, events, chats = Documents(store), Events(), Chats(store)
        blobs = Blobs(store)
        return cls(
            store=store,
            catalog=Catalog(store),
            processes=Processes(store),
            records=JobRecords(store),
            faults=faults,
            settings=settings,
            job_settings=job_settings,
            timers=timers,
            events=events,
            documents=documents,
            blobs=blobs,
            users=Users(store, documents),
            tasks=Tasks(store, documents),
            plugins=Plugins(store, documents),
            media=Media(documents, blobs),
            chats=chats,
            templates=Templates(store, documents, events, timers, settings),
            delivery=Delivery(store, documents, chats, events, timers, settings, faults),
        )

    def batch(self, db: sqlite3.Connection, procedure: Procedure, cause: Cause) -> Batch:
        """Begin changes to the processes of a procedure, inside a transaction."""
        return Batch(db, self.processes, procedure, self.settings, cause, self.assignee)

    def assignee(self, name: str) -> str:
        """Return the id of a user; a name that is nobody's is kept or refused, as the settings say."""
        user = self.users.resolve(name)
        if user is None and self.settings.unknown_assignee == "error":
            raise Refusal(f"User '{name}' not found")
        return user or name

    def process(self, name: str, id_or_key: str) -> tuple[Procedure, Row]:
        """Find a process by its id or by any of its primary keys."""
        procedure = self.catalog.procedure(name)
        if procedure is None:
            raise Missing(f"Procedure '{name}' not found")
        row = self.processes.by_id(procedure, id_or_key)
        for key in procedure.keys:
            row = row or self.processes.by_key(procedure, key, id_or_key)
        if row is None:
            raise Missing(f"Process '{id_or_key}' of procedure '{procedure.short_id}' not found")
        return procedure, row

    def add_token(self, role: Role, token: str | None = None) -> str:
        """Register a token and the user it acts for."""
        text = self.catalog.add_token(role, token)
        self.ensure_holders()
        return text

    def ensure_holders(self) -> None:
        """Make every token belong to a user."""
        with self.store.transaction():
            for token in self.catalog.tokens():
                if self.users.resolve(token.user) is None:
                    name = f"{token.role}-{token.user[:8]}@emulator.test"
                    self.users.add(name, user_id=token.user, first_name=token.role.title(), role=token.role)
