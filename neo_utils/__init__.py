"""Recall near-Earth objects from NeoWs, keep them as Parquet, count their close approaches.

The rooms, from the runner down. Imports point this way, too; only the last room takes a few things
from above: rules of ``quota`` and ``spark.conf``, and the sample's address.

- what the user meets: ``runner``, ``execution``, ``executed``, ``kernels``, ``kernel_folders``
  (notebooks), ``terminal``, ``upkeep``, ``cleaning`` (texts), ``warm_start`` (of later runs),
  ``lab`` (in a container), ``set_up`` (of .venv, before any package is installed)
- what is shown: ``report``, ``explore``, ``figures``, ``presentation``, ``links``, ``colophon``
- numbers: ``drift``, ``reconcile``, ``newest``, ``quantities``, ``statistics``, ``results``,
  ``result_files``, ``packing``
- what counts them: ``engines``, ``duck``, ``spark`` (the session, clusters)
- what is fetched: ``recall``, ``progress``, ``plan``, ``client``, ``transport``, ``network``,
  ``quota``, ``sample``
- what is stored: ``selection``, ``snapshot``, ``rebuild``, ``integrity``, ``store``, ``archive``,
  ``provenance``, ``votable``, ``atomic``, ``lock``, ``settling``, ``listing``
- what a page says: ``pages``, ``salvage``, ``tables``, ``contract``
- what all know: ``arguments``, ``settings``, ``parameters_file``, ``env_file``, ``environment``,
  ``source``, ``batches``, ``definitions``, ``schemas``, ``errors``, ``text``
"""

__version__ = "0.1.0"
