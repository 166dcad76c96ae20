"""JupyterLab configuration for the container: ``jupyter lab --config neo_utils/cluster/lab.py``.

The first start creates the token in JUPYTER_TOKEN_FILE. As an argument or environment variable, it
would be visible to users who can inspect the container.
"""

import os
from pathlib import Path

from neo_utils.engines.cluster_secret import make_secret, read_secret

_token_file = Path(os.environ["JUPYTER_TOKEN_FILE"])
make_secret(_token_file)

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - provided by Jupyter
c.IdentityProvider.token = read_secret(_token_file)
c.ServerApp.ip = "0.0.0.0"  # noqa: S104 - in the container, which publishes it only on loopback
# Protects against DNS rebinding: rejects requests for any host name other than localhost.
c.ServerApp.allow_remote_access = False
c.ServerApp.open_browser = False
c.LabApp.default_url = "/lab/tree/notebooks/README.md"
