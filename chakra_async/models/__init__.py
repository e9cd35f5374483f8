"""The objects of the API as attrs classes, one file per area."""

from chakra_async.models.jobs import Job, JobEntry
from chakra_async.models.processes import Process, ProcessCreate, ProcessUpdate
from chakra_async.models.reply import Reply


__all__ = ["Job", "JobEntry", "Process", "ProcessCreate", "ProcessUpdate", "Reply"]
