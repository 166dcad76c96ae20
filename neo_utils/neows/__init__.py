"""The NeoWs service: requests, the rate limit, the network's settings, and the form of a page.

What a page contains is validated here. How it is stored is the matter of ``store``.
"""
