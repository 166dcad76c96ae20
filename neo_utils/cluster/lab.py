"""JupyterLab's settings in a container: ``jupyter lab --config neo_utils/cluster/lab.py``.

The token is made at the first start, in the file that JUPYTER_TOKEN_FILE names: an argument or a
variable of the container would show it to whoever can list these.
"""

import os
from pathlib import Path

from neo_utils.engines.cluster_secret import make_secret, read_secret

_token_file = Path(os.environ["JUPYTER_TOKEN_FILE"])
make_secret(_token_file)

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - Jupyter gives it to its settings
c.IdentityProvider.token = read_secret(_token_file)
c.ServerApp.ip = "0.0.0.0"  # noqa: S104 - of the container, which publishes it on loopback alone
# A page whose name was made to lead to loopback is refused all the same.
c.ServerApp.allow_remote_access = False
c.ServerApp.open_browser = False
c.LabApp.default_url = "/lab/tree/notebooks"
