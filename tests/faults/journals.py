"""Journals for tests that open hundreds of them."""

from chakra_async.bulk.journal import _writing


def do_not_wait_for_the_disk(monkeypatch):
    """Leave it to the system when to write: what survives a loss of power is not tested here."""
    connect = _writing.connect

    def quick(path):
        db = connect(path)
        db.execute("PRAGMA synchronous = OFF")
        return db

    monkeypatch.setattr(_writing, "connect", quick)
