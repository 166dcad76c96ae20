"""The proxy and the certificates that the environment names, and which of them made a request fail.

Nothing else of the environment is trusted: ``~/.netrc`` would send a password along.
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

# The first of these that is set. OpenSSL's are last: requests does not read them by itself.
_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
_PROXIES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
# OpenSSL's numbers: https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/
_NOT_YET_VALID, _EXPIRED, _OTHER_HOST, _OTHER_ADDRESS = 9, 10, 62, 64


class Route(NamedTuple):
    """How requests reach a host: ``proxies`` and ``verify`` are what requests takes.

    ``proxy`` and ``proxy_setting`` are the proxy, without user and password, and what names it.
    ``certificates_setting`` names the trusted certificates, unless they are the built-in ones.
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
        For a proxy or certificates that cannot be used.
    """
    if urlsplit(url).scheme == "http":  # this machine: a proxy would see the key unencrypted
        return Route({"http": ""}, verify=True)
    verify, certificates_setting = _certificates()
    address = select_proxy(url, get_environ_proxies(url))
    if not address:
        return Route({"https": ""}, verify, certificates_setting=certificates_setting)
    setting = next((name for name in _PROXIES if os.environ.get(name) == address), "system's proxy")
    proxy = _checked_proxy(address, setting, urlsplit(url).hostname or "")
    return Route({"https": address}, verify, proxy, setting, certificates_setting)


def _checked_proxy(address: str, setting: str, host: str) -> str:
    """Return host and port of a proxy; user and password, which it may have, are shown nowhere."""
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        shown = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:  # a port that is no number, a broken IPv6 address
        shown, parts = "", urlsplit("http:")
    if not re.fullmatch(r"[\w.:-]+", shown, re.ASCII):
        raise WrongParameter(f"{setting} is not the address of a proxy. Set http://host:port")
    if parts.scheme not in ("http", "https"):
        raise WrongParameter(
            f"{setting} names a proxy of a kind that is not supported "
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
                    "in PEM form, or unset it"
                )
            return path, f"{name}={path}"
    return True, ""


@lru_cache  # loading them takes as long as decoding some pages
def _unusable(path: str) -> str:
    """Return why certificates cannot be loaded; an empty text where they can."""
    try:
        if Path(path).is_dir():
            return ""
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        return "no certificate in PEM form"
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or "not a file name"
    return ""


def cause_of(error: BaseException, host: str, route: Route) -> str:
    """Return what made a request fail and which setting may help, without passwords."""
    chain = list(_chain(error))
    for one in chain:
        if isinstance(one, ssl.SSLCertVerificationError):
            return _certificate_cause(one, host, route)
    innermost = chain[-1]
    found = re.search(r"Tunnel connection failed: (\d{3})", str(innermost))
    if found:
        return _refusal(found[1], host, route)
    name = type(innermost).__name__
    if route.proxy and any(type(one).__name__ == "ProxyError" for one in chain):
        return (
            f"the proxy {route.proxy} of {route.proxy_setting} does not answer ({name}). Check "
            f"{route.proxy_setting}, or set NO_PROXY={_bare(host)} to connect without it"
        )
    through = f" through the proxy {route.proxy} of {route.proxy_setting}" if route.proxy else ""
    return f"{host} does not answer{through} ({name}): check the network, or try again later"


def root_cause(error: BaseException) -> str:
    """Name the innermost reason without addresses and object ids: ConnectionRefusedError, ..."""
    *_, innermost = _chain(error)
    return type(innermost).__name__


def _refusal(status: str, host: str, route: Route) -> str:
    if status == "407":
        return (
            f"the proxy {route.proxy} asks for a user name and password (status 407). Set "
            f"{route.proxy_setting} to http://user:password@host:port, with those that are valid"
        )
    return (
        f"the proxy {route.proxy} of {route.proxy_setting} does not connect to {host} (status "
        f"{status}). Ask who runs it to allow this host, or set NO_PROXY={_bare(host)} to connect "
        "without it"
    )


def _certificate_cause(error: ssl.SSLCertVerificationError, host: str, route: Route) -> str:
    if error.verify_code in (_EXPIRED, _NOT_YET_VALID):
        advice = "Check this machine's date; if it is right, try again later"
    elif error.verify_code in (_OTHER_HOST, _OTHER_ADDRESS):
        advice = "Check API_URL and, if a proxy is set, HTTPS_PROXY"
    elif route.certificates_setting:
        advice = f"{route.certificates_setting} does not hold its authority: add it, or unset this"
    else:
        advice = (
            "If a company proxy inspects connections, set SSL_CERT_FILE to the file of its "
            "certificate authority (PEM)"
        )
    reason = re.sub(r"[^ -~]+", " ", error.verify_message)[:120].rstrip(".")
    return (
        f"the certificate of {host} is not trusted (SSLCertVerificationError: {reason}). {advice}"
    )


def _bare(host: str) -> str:
    return urlsplit(f"//{host}").hostname or host


def _chain(error: BaseException) -> list[BaseException]:
    """Return an error and those that it wraps, one in the other, the innermost last."""
    chain = [error]
    while True:
        reason: object = chain[-1]
        inner = getattr(reason, "reason", None) or next(
            (arg for arg in getattr(reason, "args", ()) if isinstance(arg, BaseException)), None
        )
        if not isinstance(inner, BaseException):
            return chain
        chain.append(inner)
