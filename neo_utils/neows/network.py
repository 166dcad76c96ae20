"""Read the proxy and certificates from the environment, and explain failed connections.

No other setting of the environment is used: ``~/.netrc`` would send a password.
"""

import os
import re
import ssl
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, select_proxy

from neo_utils.errors import WrongParameter

# The first of these that is set is used. OpenSSL's come last, because requests ignores them.
_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
_PROXIES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
# OpenSSL's error codes: https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/
_NOT_YET_VALID, _EXPIRED, _OTHER_HOST, _OTHER_ADDRESS = 9, 10, 62, 64


class Route(NamedTuple):
    """How to reach a host: ``proxies`` and ``verify`` are arguments of requests.

    ``proxy`` is the proxy without user and password, ``proxy_setting`` the setting that names it.
    ``certificates_setting`` names the trusted certificates; it is empty for the built-in ones.
    """

    proxies: dict[str, str]
    verify: str | bool
    proxy: str = ""
    proxy_setting: str = ""
    certificates_setting: str = ""


def route_to(url: str) -> Route:
    """Return how to reach an address.

    Raises
    ------
    WrongParameter
        If the proxy or the certificates cannot be used.
    """
    if urlsplit(url).scheme == "http":  # this machine only: a proxy would see the key in plain text
        return Route({"http": ""}, verify=True)
    verify, certificates_setting = _certificates()
    address = select_proxy(url, get_environ_proxies(url))
    if not address:
        return Route({"https": ""}, verify, certificates_setting=certificates_setting)
    setting = next((name for name in _PROXIES if os.environ.get(name) == address), "system's proxy")
    proxy = _checked_proxy(address, setting, urlsplit(url).hostname or "")
    return Route({"https": address}, verify, proxy, setting, certificates_setting)


def _checked_proxy(address: str, setting: str, host: str) -> str:
    """Return host and port of a proxy; its user and password are never shown."""
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        shown = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:  # an invalid port or IPv6 address
        shown, parts = "", urlsplit("http:")
    if not re.fullmatch(r"[\w.:-]+", shown, re.ASCII):
        raise WrongParameter(f"{setting} is not the address of a proxy. Set http://host:port")
    if parts.scheme not in ("http", "https"):
        raise WrongParameter(
            f"{setting} names a proxy of an unsupported type "
            f"({re.sub(r'[^a-z0-9]', '', parts.scheme)}://{shown}). Set HTTPS_PROXY to an "
            f"HTTP proxy, or set NO_PROXY={host} to connect without one"
        )
    return shown


def _certificates() -> tuple[str | bool, str]:
    for name in _CERTIFICATES:
        if path := os.environ.get(name):
            if reason := _unusable(path):
                raise WrongParameter(
                    f"{name}={path} cannot be used ({reason}). Set it to a file of certificates "
                    "in PEM format, or unset it"
                )
            return path, f"{name}={path}"
    return True, ""


@lru_cache  # loading certificates takes as long as decoding several pages
def _unusable(path: str) -> str:
    """Return why certificates cannot be loaded, or an empty text if they can."""
    try:
        if Path(path).is_dir():
            return ""
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        return "no certificate in PEM format"
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or "not a file name"
    return ""


def cause_of(error: BaseException, url: str, route: Route) -> str:
    """Return why a request failed and which setting may help, without passwords."""
    chain, host = causes(error), urlsplit(url).netloc
    for one in chain:
        if isinstance(one, ssl.SSLCertVerificationError):
            return _certificate_cause(one, host, route)
    without_proxy = f"set NO_PROXY={urlsplit(url).hostname} to connect without it"
    if found := re.search(r"Tunnel connection failed: (\d{3})", str(chain[-1])):
        if found[1] == "407":
            return (
                f"the proxy {route.proxy} requires a valid user name and password (status 407). "
                f"Set {route.proxy_setting} to http://user:password@host:port"
            )
        return (
            f"the proxy {route.proxy} of {route.proxy_setting} does not connect to {host} (status "
            f"{found[1]}). Ask its administrator to allow this host, or {without_proxy}"
        )
    name = type(chain[-1]).__name__
    if route.proxy and any(type(one).__name__ == "ProxyError" for one in chain):
        return (
            f"the proxy {route.proxy} of {route.proxy_setting} does not answer ({name}). Check "
            f"{route.proxy_setting}, or {without_proxy}"
        )
    through = f" through the proxy {route.proxy} of {route.proxy_setting}" if route.proxy else ""
    return f"{host} does not answer{through} ({name}). Check the network, or try again later"


def _certificate_cause(error: ssl.SSLCertVerificationError, host: str, route: Route) -> str:
    if error.verify_code in (_EXPIRED, _NOT_YET_VALID):
        advice = "Check this machine's date; if it is right, try again later"
    elif error.verify_code in (_OTHER_HOST, _OTHER_ADDRESS):
        advice = "Check API_URL and, if a proxy is set, HTTPS_PROXY"
    elif route.certificates_setting:
        advice = (
            f"{route.certificates_setting} does not contain its certificate authority. Add it, or "
            "unset this variable"
        )
    else:
        advice = (
            "If a company proxy inspects connections, set SSL_CERT_FILE to a PEM file of its "
            "certificate authority"
        )
    reason = re.sub(r"[^ -~]+", " ", error.verify_message)[:120].rstrip(".")
    return (
        f"the certificate of {host} is not trusted (SSLCertVerificationError: {reason}). {advice}"
    )


def causes(error: BaseException) -> list[BaseException]:
    """Return an error and the errors nested in it, the innermost last."""
    chain = [error]
    while True:
        reason: object = chain[-1]
        inner = getattr(reason, "reason", None) or next(
            (arg for arg in getattr(reason, "args", ()) if isinstance(arg, BaseException)), None
        )
        if not isinstance(inner, BaseException):
            return chain
        chain.append(inner)
