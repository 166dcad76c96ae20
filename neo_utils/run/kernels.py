"""Start a notebook kernel ahead of time, in a controlled environment, and always shut it down."""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync

from neo_utils.environment import PROJECT_NAMES, chosen_environment
from neo_utils.run.kernel_folders import kernel_folder, processes_with_temporary
from neo_utils.settings.folders import PROJECT

# An empty file: matplotlib's defaults apply, whatever style the user has configured.
MATPLOTLIBRC = Path(__file__).with_name("matplotlibrc")
# Java notices that its kernel is gone only once it has started, about 3 s on idle cores.
_JAVA_SECONDS = 15.0


# IPYTHONDIR does not override system-wide settings such as /etc/ipython.
_LAUNCH = """
import sys
del sys.path[0]
from IPython.core import application
application.ENV_CONFIG_DIRS[:] = application.SYSTEM_CONFIG_DIRS[:] = []
from ipykernel.kernelapp import launch_new_instance
launch_new_instance()
"""


class _OwnKernel(KernelSpecManager):
    """Offer only this Python's kernel: a user's "python3" may have other packages."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:  # noqa: ARG002 - overrides
        spec = KernelSpec(**get_kernel_dict())
        place = spec.argv.index("-m")
        spec.argv[place : place + 2] = ["-c", _LAUNCH]
        return spec


@contextmanager
def kernel(log: Path, first: str = "", *, kill_java: bool = False) -> Iterator[AsyncKernelManager]:
    """Start a kernel in the project's folder without waiting until it is ready.

    Parameters
    ----------
    first
        Code that it runs before anything else; its output is discarded.
    kill_java
        Kill the kernel's Java instead of waiting until it has shut down. Embedded Spark keeps
        nothing outside the kernel's temporary folder; a cluster needs the shutdown.
    """
    with ExitStack() as stack:
        # The kernel is killed at the end, so its temporary files need a folder of their own.
        folder = stack.enter_context(kernel_folder())
        manager = AsyncKernelManager(
            transport=_transport(folder),
            transport_encryption="auto",  # as ipykernel recommends
            kernel_spec_manager=_OwnKernel(),
            connection_file=f"{folder}/connection.json",
        )
        # Keep out of the history file of the user's own sessions.
        no_history = ["--HistoryManager.hist_file=:memory:"]
        with log.open("wb") as file:
            run_sync(manager.start_kernel)(
                extra_arguments=no_history,
                cwd=PROJECT,
                env=_environment(folder),
                stdout=file,
                stderr=file,
            )
        stack.callback(_end, manager, folder, 0 if kill_java else _JAVA_SECONDS)
        client = manager.blocking_client()
        stack.callback(client.stop_channels)
        client.start_channels(iopub=False, stdin=False, hb=False, control=False)
        if first:
            client.execute(first, silent=True, store_history=False)
        yield manager


def _transport(folder: str) -> str:
    """Return how client and kernel connect: by sockets in the kernel's folder if its path allows.

    Ports are chosen before the kernel opens them. If another process takes one of them in between,
    the kernel never answers. Systems allow 103 or 107 bytes for the path of a socket.
    """
    return "ipc" if len(os.fsencode(f"{folder}/connection-ipc-5")) <= 103 else "tcp"


def _environment(folder: str) -> dict[str, str]:
    """Return the environment of a kernel: the project's Python, without any user's settings."""
    empty = f"{folder}/configuration"  # an empty folder for configuration
    ours = {
        "TMPDIR": folder,
        "IPYTHONDIR": empty,
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_DATA_DIR": empty,
        "JUPYTER_RUNTIME_DIR": empty,
        "MATPLOTLIBRC": str(MATPLOTLIBRC),
        "PYTHONPATH": str(PROJECT),  # the container image does not install the package
        "PYTHONNOUSERSITE": "1",
    }
    return chosen_environment(also=PROJECT_NAMES) | ours


def _end(manager: AsyncKernelManager, folder: str, java_seconds: float) -> None:
    """End a kernel and its Java, which has ``java_seconds`` to shut down.

    Java would never end if its temporary folder disappeared while it starts.
    """
    with suppress(psutil.NoSuchProcess):  # the kernel has died; its Java may still run
        python = psutil.Process(manager.provisioner.pid)  # type: ignore[union-attr]
        python.kill()
        await_end([python], 5)  # Jupyter's own wait takes a tenth of a second
    started = list(processes_with_temporary(folder))
    run_sync(manager.shutdown_kernel)(now=True)
    # Again: a shell that was just becoming Java had no environment to recognise it by.
    started = list({*started, *processes_with_temporary(folder)})
    try:
        await_end(started, java_seconds)
    finally:
        for one in started:
            with suppress(psutil.NoSuchProcess):
                one.kill()


def await_end(processes: Iterable[psutil.Process], seconds: float) -> None:
    """Wait until processes have ended, at most some seconds.

    An ended process remains as a zombie if its parent, such as the first process of a container,
    never asks for its status.
    """
    deadline = time.monotonic() + seconds
    while any(map(_is_running, processes)) and time.monotonic() < deadline:
        time.sleep(0.02)


def _is_running(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
