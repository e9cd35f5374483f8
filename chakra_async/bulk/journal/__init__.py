"""What a bulk run must not forget: a sqlite file, written before the bytes leave.

A *delivery* is what travels in one request: some rows of the source, in order. It is durable as SENDING
before its first byte leaves, as ACCEPTED soon after the service has named its job, and as DONE with the
outcome of every row. Rows are known by their position in the source and by a checksum of their encoded
form; their contents are not stored, and neither is the token.

The file is in WAL mode with full synchronisation, and has one writer, which puts everything that waits at
the moment into one commit, so that many jobs in flight share the cost of the disk.
"""

from __future__ import annotations

from chakra_async.bulk.journal._differences import compare
from chakra_async.bulk.journal._reading import Report, read_problems, read_report
from chakra_async.bulk.journal._records import PENDING, REFUSED, Delivery, Past, Plan, Problem
from chakra_async.bulk.journal._writing import Journal, Rows


__all__ = [
    "PENDING",
    "REFUSED",
    "Delivery",
    "Journal",
    "Past",
    "Plan",
    "Problem",
    "Report",
    "Rows",
    "compare",
    "read_problems",
    "read_report",
]
