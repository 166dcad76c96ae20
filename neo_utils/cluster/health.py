"""Check the health of a standalone cluster on its master's web page.

``python -m neo_utils.cluster.health [--workers 2] [--ui 127.0.0.1:8080]`` prints the cluster's
state and exits with status 1 if fewer workers are ALIVE. ``--page 127.0.0.1:8081`` only checks that
this page responds, by exit status. Containers run this every few seconds, so it imports only the
standard library.
"""

import argparse
import json
import sys
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any

from neo_utils.text import guard_terminal, printable

MASTER_UI = "127.0.0.1:8080"
_ANSWER_SECONDS = 5.0  # a running master answers in milliseconds


def master_state(ui: str = MASTER_UI) -> dict[str, Any]:
    """Return the state of the master at ``ui``, its workers and its applications.

    Raises
    ------
    OSError
        If no master answers there.
    """
    try:
        state = json.loads(_get(ui, "/json/")[1])
    except (HTTPException, ValueError):
        state = None
    if not isinstance(state, dict) or "aliveworkers" not in state:
        raise OSError("the response is not from a Spark master")
    return state


def alive_workers(state: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the workers that accept jobs."""
    return [worker for worker in state["workers"] if worker["state"] == "ALIVE"]


def state_text(state: dict[str, Any]) -> str:
    """Format workers, cores, memory and running applications in a few lines."""
    alive = alive_workers(state)
    lines = [
        f"master        {state['url']}  {state['status']}",
        f"workers       {len(alive)} ALIVE: {_free_of(alive, 'cores')} cores free,"
        f" {_free_of(alive, 'memory')} MB free",
    ]
    lines += [
        f"  {worker['webuiaddress']}  {worker['state']}: {_free_of([worker], 'cores')} cores free,"
        f" {_free_of([worker], 'memory')} MB free"
        for worker in state["workers"]
    ]
    lines.append(f"applications  {len(state['activeapps'])} running")
    lines += [
        f"  {printable(app['name'])} ({app['id']})  {app['state']}: {app['cores']} cores,"
        f" {app['memoryperexecutor']} MB per executor, running for {app['duration'] / 1000:.0f} s"
        for app in state["activeapps"]
    ]
    return "\n".join(lines)


def _free_of(workers: list[dict[str, Any]], what: str) -> str:
    free = sum(worker[f"{what}free"] for worker in workers)
    return f"{free:,} of {sum(worker[what] for worker in workers):,}"


def page_responds(page: str) -> bool:
    """Check whether a web page (``host:port`` or ``host:port/path``) responds."""
    address, slash, path = page.partition("/")
    try:
        return _get(address, slash + path or "/")[0] == HTTPStatus.OK
    except (OSError, HTTPException):
        return False


def _get(address: str, path: str) -> tuple[int, bytes]:
    connection = HTTPConnection(address, timeout=_ANSWER_SECONDS)  # uses no proxy, unlike urllib
    with closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()


def main(workers: int, ui: str, page: str | None) -> int:
    """Print the cluster's state and return the exit status."""
    if page:
        return int(not page_responds(page))
    try:
        state = master_state(ui)
    except OSError as error:
        print(f"no Spark master at {ui}: {error}", file=sys.stderr)
        return 1
    print(state_text(state))
    return int(len(alive_workers(state)) < workers)


if __name__ == "__main__":
    guard_terminal()
    parser = argparse.ArgumentParser(prog="neo_utils.cluster.health", description=__doc__)
    parser.add_argument("--workers", type=int, default=0, help="number that must be ALIVE")
    parser.add_argument("--ui", default=MASTER_UI, help="host:port of the master's web page")
    parser.add_argument("--page", help="only check this web page")
    sys.exit(main(**vars(parser.parse_args())))
