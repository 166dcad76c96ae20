"""Choose the environment of child processes: kernels and Java never see a user's other settings.

A start-up file, a style or a variable meant for another program must not change a result. So only
the names listed here are passed on; each has a reason.
"""

import os
from collections.abc import Collection, Mapping

from neo_utils.settings.run_settings import NAMES_IN_ENVIRONMENT

# The project's own settings, which notebooks and functions read.
PROJECT_NAMES = frozenset(
    {*NAMES_IN_ENVIRONMENT, "API_KEY", "WAIT", "CLUSTER_SECRET_FILE", "EVENT_LOG_DIR"}
)

_MACHINE_NAMES = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL"),
        *("LANG", "LANGUAGE", "TZ"),  # with LC_*: how text is encoded
        "LD_LIBRARY_PATH",  # some installations of Python and Java do not start without it
        *("TMPDIR", "XDG_CACHE_HOME"),  # where there is room
        *("NSS_WRAPPER_PASSWD", "NSS_WRAPPER_GROUP"),  # a name for the user of a container
        # The way to the network.
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
        # Limits on shared machines; none of them changes a value.
        *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_IO_THREADS", "MALLOC_ARENA_MAX"),
        *("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"),  # where Python may write
        "TQDM_MININTERVAL",  # set by the runner
        "JAVA_HOME",  # documented: the Java to use
        "SPARK_SUBMIT_OPTS",  # documented: further options of Java, for profiling
        "SPARK_LOCAL_DIRS",  # documented by Spark: disks for large intermediate data
        "SPARK_PUBLIC_DNS",  # the name by which a browser reaches Spark's pages
    }
)
_MACHINE_PREFIXES = ("LC_", "OPENBLAS_")


def chosen_environment(
    environment: Mapping[str, str] = os.environ, also: Collection[str] = ()
) -> dict[str, str]:
    """Return the part of an environment that describes the machine and not a user's other programs.

    Parameters
    ----------
    also
        Further names to keep, such as `PROJECT_NAMES` for a kernel. NASA's key is among those:
        Java has no use for it.
    """
    return {
        name: value
        for name, value in environment.items()
        if name in _MACHINE_NAMES or name in also or name.startswith(_MACHINE_PREFIXES)
    }
