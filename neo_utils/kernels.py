"""A kernel to run a notebook in: started before it is needed, silent, ended whatever happens."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync

from neo_utils.settings import PROJECT

# Java sees that its kernel is gone once it is ready, some 3 s after its start on quiet cores.
_JAVA_SECONDS = 15.0


@contextmanager
def kernel(log: Path, first: str = "") -> Iterator[AsyncKernelManager]:
    """Start a kernel in the project's folder, which gets ready while the caller does other things.

    Parameters
    ----------
    log
        File for the kernel's own messages, which are of no use on a terminal.
    first
        Code that it runs before anything else; what that gives or says is seen by nobody.
    """
    manager = AsyncKernelManager(transport_encryption="auto")  # ipykernel asks for it
    with ExitStack() as stack:
        # It is ended without being asked, and what is temporary to it goes with it.
        temporary = TemporaryDirectory(prefix="neo-kernel-", ignore_cleanup_errors=True)
        folder = stack.enter_context(temporary)
        environment = os.environ | {"TMPDIR": folder}
        # No history: that is a file of the user's own sessions.
        no_history = ["--HistoryManager.hist_file=:memory:"]
        with log.open("wb") as file:
            run_sync(manager.start_kernel)(
                extra_arguments=no_history, cwd=PROJECT, env=environment, stdout=file, stderr=file
            )
        stack.callback(_end, manager, folder)
        client = manager.blocking_client()
        stack.callback(client.stop_channels)
        client.start_channels(iopub=False, stdin=False, hb=False, control=False)
        if first:
            client.execute(first, silent=True, store_history=False)
        yield manager


def _end(manager: AsyncKernelManager, folder: str) -> None:
    """End a kernel, and wait for the Java that it may have started to end by itself.

    A Java that finds its temporary folder gone while it starts would never end.
    """
    with suppress(psutil.NoSuchProcess):  # it has died, and its Java may live on
        psutil.Process(manager.provisioner.pid).suspend()  # type: ignore[union-attr]
    started = list(_with_temporary(folder))
    run_sync(manager.shutdown_kernel)(now=True)
    try:
        psutil.wait_procs(started, timeout=_JAVA_SECONDS)
    finally:
        for one in started:
            with suppress(psutil.NoSuchProcess):
                one.kill()


def _with_temporary(folder: str) -> Iterator[psutil.Process]:
    """Find the processes of a kernel, by the temporary folder that they inherited."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # of other users, or ended
            if process.environ().get("TMPDIR") == folder:
                yield process
