"""A kernel to run a notebook in: started before it is needed, silent, ended whatever happens."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync

from neo_utils.settings import PROJECT


@contextmanager
def kernel(log: Path, first: str = "") -> Iterator[AsyncKernelManager]:
    """Start a kernel in the project's folder, which gets ready while the caller does other things.

    Parameters
    ----------
    log
        File for the kernel's own messages, which no user can use, most of all when it is stopped.
    first
        Code that it runs before anything else; what that gives or says is seen by nobody.
    """
    manager = AsyncKernelManager(transport_encryption="auto")  # ipykernel asks for it
    with ExitStack() as stack:
        # It is ended without being asked, and what is temporary to it goes with it.
        temporary = TemporaryDirectory(prefix="neo-kernel-", ignore_cleanup_errors=True)
        environment = os.environ | {"TMPDIR": stack.enter_context(temporary)}
        # No history: that is a file of the user's own sessions.
        no_history = ["--HistoryManager.hist_file=:memory:"]
        with log.open("wb") as file:
            run_sync(manager.start_kernel)(
                extra_arguments=no_history, cwd=PROJECT, env=environment, stdout=file, stderr=file
            )
        stack.callback(run_sync(manager.shutdown_kernel), now=True)
        client = manager.blocking_client()
        stack.callback(client.stop_channels)
        client.start_channels(iopub=False, stdin=False, hb=False, control=False)
        if first:
            client.execute(first, silent=True, store_history=False)
        yield manager
