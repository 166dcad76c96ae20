"""Select the environment variables that child processes (kernels and Java) inherit.

A start-up file, a style or a variable meant for another program must not change a result. Only the
names listed here are passed on, each for a reason.
"""

import os
from collections.abc import Collection, Mapping

from neo_utils.settings.run_settings import NAMES_IN_ENVIRONMENT

# The project's own settings, and the token of a Spark Connect server.
PROJECT_NAMES = frozenset(
    {
        *NAMES_IN_ENVIRONMENT,
        *("API_KEY", "WAIT", "CLUSTER_SECRET_FILE", "EVENT_LOG_DIR"),
        "SPARK_CONNECT_AUTHENTICATE_TOKEN",
    }
)

_MACHINE_NAMES = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL"),
        *("LANG", "LANGUAGE", "TZ"),  # with LC_*: how text is encoded
        "LD_LIBRARY_PATH",  # some installations of Python and Java require it
        *("TMPDIR", "XDG_CACHE_HOME"),  # disks with free space
        *("NSS_WRAPPER_PASSWD", "NSS_WRAPPER_GROUP"),  # name a container's user
        # Proxies and certificates.
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
        # Limits on shared machines; none of them changes a result.
        *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_IO_THREADS", "MALLOC_ARENA_MAX"),
        *("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"),  # where Python may write
        "TQDM_MININTERVAL",  # set by the runner
        "JAVA_HOME",  # documented: the Java to use
        "SPARK_SUBMIT_OPTS",  # documented: Java options, for profiling
        "SPARK_LOCAL_DIRS",  # documented by Spark: disks for large intermediate data
        "SPARK_PUBLIC_DNS",  # host name of Spark's web pages
        # Documented: an object store that Spark reads.
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"),
    }
)
_MACHINE_PREFIXES = ("LC_", "OPENBLAS_")


def chosen_environment(
    environment: Mapping[str, str] = os.environ, also: Collection[str] = ()
) -> dict[str, str]:
    """Return the variables of an environment that describe the machine.

    Parameters
    ----------
    also
        Further names to keep, such as `PROJECT_NAMES` for a kernel. These include NASA's key, which
        Java does not need.
    """
    return {
        name: value
        for name, value in environment.items()
        if name in _MACHINE_NAMES or name in also or name.startswith(_MACHINE_PREFIXES)
    }
