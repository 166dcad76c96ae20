"""The NeoWs service: HTTP requests, the rate limit, proxies and certificates, page validation.

How a page is stored belongs in ``store``, and which pages to fetch in ``fetch``.
"""
