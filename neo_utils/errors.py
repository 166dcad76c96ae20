"""Expected errors, each with an exit status and a one-line message."""

from neo_utils.text import printable

# The exit statuses of a command that Ctrl-C ended, and of one whose output nobody reads any more.
INTERRUPTED, READER_ENDED = 130, 141


class RunFailure(Exception):
    """An error whose message states what happened, what is safe and what to do.

    ``exit_status`` is the exit status of the command.
    """

    exit_status = 1

    def __str__(self) -> str:
        """Return the message as one printable line."""
        return printable(super().__str__())

    def _render_traceback_(self) -> list[str]:
        """Return one line, which IPython shows instead of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class WrongParameter(RunFailure, ValueError):
    """A parameter is not valid; the message shows its value and the nearest valid ones."""

    exit_status = 2


class RateLimitReached(RunFailure):
    """The service's quota is used up; the message states when to run the same command again."""

    exit_status = 3


class ServiceFailure(RunFailure):
    """The service is down, rejects the key or sends invalid answers."""

    exit_status = 4


class PageFailed(ServiceFailure):
    """A page failed validation in every attempt."""


class PageNotFound(ServiceFailure):
    """The service has no such page (status 404)."""


class OutputBusy(RunFailure):
    """Another run writes to the same output."""


class OutputUnwritable(RunFailure):
    """The output folder cannot be written: the disk is full, read-only or failing."""


class OutputUnreadable(RunFailure):
    """A file or folder of the output cannot be read: no permission, or the disk is failing."""


class StoredDataMissing(RunFailure):
    """Required batches are not stored, or contain data of another source."""


class StoredDataBroken(RunFailure):
    """A stored batch is corrupted; the message names it and the command that repairs it."""


class StoredDataChanged(RunFailure):
    """A batch was replaced while statistics were computed from it."""


class JavaMissing(RunFailure):
    """No Java was found that Spark can use."""


class SparkUnavailable(RunFailure):
    """A Spark session could not be started."""


class JobFailed(RunFailure):
    """A query failed in the engine, Spark or DuckDB."""


class ClusterFailure(RunFailure):
    """The local cluster did not start."""


def exit_status_of(error_name: str) -> int:
    """Return the exit status for the class name of an error; 1 for an unknown name."""
    known = [RunFailure]
    for cls in known:
        known += cls.__subclasses__()
    statuses = {cls.__name__: cls.exit_status for cls in known}
    return statuses.get(error_name, RunFailure.exit_status)
