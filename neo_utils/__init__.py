"""Recall near-Earth objects from NeoWs, keep them as Parquet, count their close approaches.

The rooms, from the runner down; imports point this way, too:

``runner``, ``status`` · ``figures``, ``results``, ``statistics``, ``spark`` · ``recall``,
``selection`` · ``client``, ``sample`` · ``store``, ``atomic`` · ``pages``, ``contract`` ·
``settings``, ``batches``, ``definitions``, ``schemas``, ``errors``.
"""

__version__ = "0.1.0"
