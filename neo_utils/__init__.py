"""Recall near-Earth objects from NeoWs, keep them as Parquet, count their close approaches.

The rooms, from the runner down; imports point this way, too:

- what the user meets: ``runner``, ``execution``, ``kernels`` (notebooks), ``terminal``, ``upkeep``
  (texts), ``warm_start`` (of later runs)
- what is shown: ``report``, ``explore``, ``figures``, ``presentation``, ``colophon``
- numbers: ``drift``, ``statistics``, ``results``, ``packing``
- what counts them: ``engines``, ``duck``, ``spark`` (the session, clusters)
- what is fetched: ``recall``, ``plan``, ``client``, ``transport``, ``quota``, ``sample``
- what is stored: ``selection``, ``snapshot``, ``rebuild``, ``integrity``, ``store``, ``archive``,
  ``provenance``, ``atomic``, ``lock``
- what a page says: ``pages``, ``tables``, ``contract``
- what all know: ``settings``, ``source``, ``batches``, ``definitions``, ``schemas``, ``errors``
"""

__version__ = "0.1.0"
