"""The failures that a run expects, each with its exit status and one plain line."""

from neo_utils.text import printable

INTERRUPTED = 130  # the exit status that shells give a command which Ctrl-C ended


class RunFailure(Exception):
    """A failure whose message says what happened, what is safe and what to do.

    ``exit_status`` is what the runner ends with.
    """

    exit_status = 1

    def __str__(self) -> str:
        """Return the message as one line, whatever the values in it hold."""
        return printable(super().__str__())

    def _render_traceback_(self) -> list[str]:
        """Show the one line alone: IPython asks an exception for this in place of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class WrongParameter(RunFailure, ValueError):
    """A parameter that cannot be used; the message names the value and the nearest valid ones."""

    exit_status = 2


class RateLimitReached(RunFailure):
    """The service's quota is used up; the message says when to run the same command again."""

    exit_status = 3


class ServiceFailure(RunFailure):
    """The service is down, refuses the key or answers nonsense."""

    exit_status = 4


class PageUnusable(ServiceFailure):
    """One page came broken each time it was asked for."""


class PageAbsent(ServiceFailure):
    """The service knows no such page: status 404."""


class OutputBusy(RunFailure):
    """Another run writes to the same output."""


class OutputUnwritable(RunFailure):
    """The output folder takes no more: disk full, read-only, or failing."""


class OutputUnreadable(RunFailure):
    """A file or folder of the output cannot be read: no permission, or a failing disk."""


class StoredDataMissing(RunFailure):
    """Batches that the question needs are not stored, or hold another source's data."""


class StoredDataBroken(RunFailure):
    """A stored batch is not what was written; the message names it and what mends it."""


class StoredDataChanged(RunFailure):
    """A batch was replaced while numbers were made of it."""


class JavaMissing(RunFailure):
    """There is no Java that Spark can use."""


class SparkUnavailable(RunFailure):
    """There is no Spark session to be had."""


class JobFailed(RunFailure):
    """The engine, Spark or DuckDB, gave up a query."""


class ClusterFailure(RunFailure):
    """The local cluster did not start."""


def exit_status_of(error_name: str) -> int:
    """Return the exit status of a failure known by the name of its class (1 for any other)."""
    known = [RunFailure]
    for cls in known:
        known += cls.__subclasses__()
    statuses = {cls.__name__: cls.exit_status for cls in known}
    return statuses.get(error_name, RunFailure.exit_status)
