"""Recall near-Earth objects from NeoWs, keep them as Parquet, count their close approaches.

The rooms, from the runner down; imports point this way, too:

- what the user meets: ``runner`` (notebooks), ``terminal``, ``upkeep`` (texts)
- numbers: ``figures``, ``drift``, ``results``, ``statistics``, ``spark`` (the session, clusters)
- what is fetched: ``recall``, ``plan``, ``client``, ``transport``, ``quota``, ``sample``
- what is stored: ``selection``, ``snapshot``, ``rebuild``, ``integrity``, ``store``, ``archive``,
  ``provenance``, ``atomic``, ``lock``
- what a page says: ``pages``, ``contract``
- what all know: ``settings``, ``source``, ``batches``, ``definitions``, ``schemas``, ``errors``
"""

__version__ = "0.1.0"
