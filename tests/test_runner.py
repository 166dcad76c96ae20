"""The runner and its kernels."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import psutil
import pytest
from jupyter_client.manager import AsyncKernelManager

from neo_utils.positions import Batch
from neo_utils.run.executed import executed_before
from neo_utils.run.execution import NotebookFailed, execute
from neo_utils.run.kernel_folders import (
    kernel_folder,
    processes_with_temporary,
    remove_leftover_folders,
)
from neo_utils.run.kernels import await_end, kernel
from neo_utils.run.runner import run
from neo_utils.settings.run_settings import parse_settings
from tests.driver import await_result, run_python
from tests.faulty_service import http, sample_page, serve_faults


@pytest.mark.slow
def test_starts_spark_once_while_pages_are_fetched(tmp_path, monkeypatch):
    javas = tmp_path / "javas"  # each Java that runs Spark creates a file there when it starts
    javas.mkdir()
    monkeypatch.setenv("SPARK_SUBMIT_OPTS", f"-Xlog:os:file={javas}/%p")
    monkeypatch.setattr("neo_utils.engines.class_archive.create_in_background", lambda: None)
    seen = []

    def answer(asked, _):
        # The client abandons a request after 60 s; on idle cores Java starts within five.
        seen.append(await_result(lambda: any(javas.iterdir())))
        yield http(sample_page(asked.page, "a key"))

    with serve_faults(answer) as service:
        ours = {"end": 20, "source": "nasa", "api_url": service.url, "output_dir": str(tmp_path)}
        run("run", ["fetch", "aggregate"], parse_settings(ours | {"master": "local[2]"}))
    assert seen == [True]
    assert len(list(javas.iterdir())) == 1


def write_notebook(path, code):
    cells = [nbformat.v4.new_code_cell("end = 0", metadata={"tags": ["parameters"]})]
    cells += [nbformat.v4.new_code_cell("end"), nbformat.v4.new_code_cell(code)]
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec})
    nbformat.write(notebook, path)


def test_error_without_a_message_is_reported_by_its_name(tmp_path, monkeypatch):
    write_notebook(tmp_path / "empty.ipynb", "raise MemoryError")
    monkeypatch.setattr("neo_utils.run.execution.notebook_path", lambda _: tmp_path / "empty.ipynb")
    (tmp_path / "run").mkdir()
    with kernel(tmp_path / "kernel.log") as started, pytest.raises(NotebookFailed) as failure:
        execute("aggregate", tmp_path / "run", {"end": 20}, started)
    message = (
        f"MemoryError\n  notebook up to the failure: {tmp_path / 'run/aggregate-failed.ipynb'}"
    )
    assert str(failure.value) == message


@pytest.mark.slow
def test_refetch_repairs_a_corrupted_batch_of_an_aggregated_range(tmp_path):
    given = {"end": 20, "source": "sample", "output_dir": str(tmp_path), "master": "duckdb"}
    run("run", ["fetch", "aggregate"], parse_settings(given))
    raw = Batch(1).file(tmp_path, "raw")
    content = raw.read_bytes()
    raw.write_bytes(content[:-9])
    run("run", ["fetch", "aggregate"], parse_settings(given | {"refetch": True}))
    assert raw.read_bytes() == content


def test_dead_kernel_is_reported_once_and_keeps_the_last_notebook(tmp_path, monkeypatch, caplog):
    deadly = tmp_path / "aggregate.ipynb"
    folder = tmp_path / "run"
    folder.mkdir()
    for module in ("execution", "executed"):
        monkeypatch.setattr(f"neo_utils.run.{module}.notebook_path", lambda _: deadly)
    fatal = tmp_path / "fatal"
    code = f"import os\nif os.path.exists({str(fatal)!r}):\n    os.kill(os.getpid(), 9)"
    write_notebook(deadly, code)

    def run_once():
        with kernel(tmp_path / "kernel.log") as started:
            execute("aggregate", folder, {"end": 20}, started)

    run_once()
    assert executed_before("aggregate", folder, {"end": 20})
    fatal.touch()
    with pytest.raises(NotebookFailed, match=r"kernel of aggregate.ipynb failed \(Kernel died\)"):
        run_once()
    assert "Kernel died" not in caplog.text  # Papermill would report it again
    assert executed_before("aggregate", folder, {"end": 20})
    assert [path.name for path in folder.iterdir()] == ["aggregate.ipynb"]


def test_failed_notebook_is_beside_the_last_good_one_until_the_next_success(tmp_path, monkeypatch):
    source = tmp_path / "aggregate.ipynb"
    for module in ("execution", "executed"):
        monkeypatch.setattr(f"neo_utils.run.{module}.notebook_path", lambda _: source)
    folder = tmp_path / "run"
    folder.mkdir()

    def run_once(code):
        write_notebook(source, code)
        with kernel(tmp_path / "kernel.log") as started:
            execute("aggregate", folder, {"end": 20}, started)

    run_once("print('good')")
    good = (folder / "aggregate.ipynb").read_bytes()
    with pytest.raises(NotebookFailed, match="aggregate-failed.ipynb"):
        run_once("1 / 0")
    assert (folder / "aggregate.ipynb").read_bytes() == good
    assert "ZeroDivisionError" in (folder / "aggregate-failed.ipynb").read_text()
    run_once("print('better')")
    assert [path.name for path in folder.iterdir()] == ["aggregate.ipynb"]
    assert "better" in (folder / "aggregate.ipynb").read_text()


def test_kernel_that_dies_early_is_one_line_with_its_log(tmp_path):
    with kernel(tmp_path / "aggregate-kernel.log") as started:
        os.kill(started.provisioner.pid, signal.SIGKILL)
        with pytest.raises(NotebookFailed) as failure:
            execute("aggregate", tmp_path, {"end": 20}, started)
    assert re.fullmatch(
        r"the kernel of aggregate.ipynb failed \(Kernel died before .*\), perhaps because of "
        r"insufficient memory\. Stored data is kept; run the same command again to resume\. "
        rf"See {tmp_path}/aggregate-kernel\.log",
        str(failure.value),
    )


def test_kernel_leaves_no_temporary_files(tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)  # Python caches it
    leave = "import tempfile; open(tempfile.mkdtemp() + '/left', 'w').close()"
    with kernel(tmp_path / "kernel.log", leave):
        await_result(lambda: list(temporary.rglob("left")))
    assert not list(temporary.iterdir())


def test_removes_only_the_kernel_folders_of_killed_runs(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code = """
        import os, signal
        from neo_utils.run.kernels import await_end, kernel
        with kernel(LOG.parent / "kernel.log"):
            os.kill(os.getpid(), signal.SIGKILL)
    """
    (tmp_path / "work/runs").mkdir(parents=True)
    with kernel_folder() as in_use:
        run_python(code, tmp_path / "work", TMPDIR=str(tmp_path))
        (left,) = {*tmp_path.glob("neo-kernel-*")} - {Path(in_use)}
        assert (left / "connection.json").exists()  # it contains the key of its kernel
        # The kernel may outlive its process by a second.
        await_result(lambda: remove_leftover_folders() or not left.exists())
        assert [*tmp_path.glob("*neo-kernel-*")] == [Path(in_use)]
    assert not [*tmp_path.glob("*neo-kernel-*")]


def test_keeps_a_kernel_folder_that_a_process_still_uses(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = tmp_path / "neo-kernel-x"
    folder.mkdir()
    environment = os.environ | {"TMPDIR": str(folder)}
    with subprocess.Popen(["sleep", "60"], env=environment) as user:  # noqa: S607
        # A process that is being started has no environment for a moment.
        await_result(lambda: any(processes_with_temporary(str(folder))))
        remove_leftover_folders()
        assert folder.exists()
        user.kill()
    remove_leftover_folders()
    assert not folder.exists()


def is_alive(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_does_not_wait_for_a_process_that_is_only_left_as_a_zombie():
    # As below a parent that never asks for the status of its children.
    child = os.posix_spawn("/bin/true", ["true"], {})
    try:
        zombie = psutil.Process(child)
        await_result(lambda: zombie.status() == psutil.STATUS_ZOMBIE)
        began = time.monotonic()
        await_end([zombie], seconds=60)
        assert time.monotonic() - began < 30
        assert zombie.status() == psutil.STATUS_ZOMBIE
    finally:
        os.waitpid(child, 0)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("killed", [False, True])
def test_kernel_that_ends_while_spark_starts_leaves_no_java(tmp_path, seconds, killed):
    ahead = (
        "from pathlib import Path\n"
        "from neo_utils.engines.spark_session import connect_in_background\n"
        f"connect_in_background('local[1]', {{}}, Path({str(tmp_path / 'spark.log')!r}))"
    )
    with kernel(tmp_path / "kernel.log", ahead) as manager:
        of_kernel = psutil.Process(manager.provisioner.pid)
        javas = await_result(of_kernel.children)
        time.sleep(seconds)
        if killed:  # as if memory ran out
            of_kernel.kill()
    # The first child may be one of the commands by which Java is started. A killed process ends a
    # moment after the signal.
    await_result(lambda: not any(map(is_alive, javas)), 5)


@pytest.mark.parametrize(("length", "channels"), [(0, "unix"), (70, "inet")])
def test_channels_of_kernels_use_no_ports_if_the_folder_is_short(monkeypatch, length, channels):
    with TemporaryDirectory() as short:
        temporary = Path(short, "x" * length)
        temporary.mkdir(exist_ok=True)
        monkeypatch.setattr("tempfile.tempdir", str(temporary))
        with kernel(Path(short, "kernel.log")) as manager:
            of_kernel = psutil.Process(manager.provisioner.pid)
            client = manager.blocking_client()
            client.start_channels()
            try:
                client.wait_for_ready(timeout=60)
            finally:
                client.stop_channels()
            paths = {str(one.laddr) for one in of_kernel.net_connections(kind="unix")}
            ports = of_kernel.net_connections(kind="inet")
    expected = {
        str(Path(manager.connection_file).parent / f"connection-ipc-{n}") for n in range(1, 6)
    }
    assert (expected <= paths) is (channels == "unix")
    # ipykernel lets the system choose one port, for the output of child processes.
    assert (len(ports) > 1) is (channels == "inet")


def test_ends_a_kernel_whose_client_cannot_start(tmp_path, monkeypatch):
    started = []

    def fail(manager):
        started.append(manager.has_kernel)
        raise RuntimeError(str(manager.provisioner.pid))

    monkeypatch.setattr(AsyncKernelManager, "blocking_client", fail)
    with pytest.raises(RuntimeError) as failure, kernel(tmp_path / "kernel.log"):
        pytest.fail("the kernel was used")
    assert started == [True]
    with pytest.raises(ProcessLookupError):
        os.kill(int(str(failure.value)), 0)
