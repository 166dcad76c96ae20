"""Proxies, certificates and passwords from the environment, and messages about them."""

import ssl
import subprocess
from shutil import which

import pytest

from neo_utils.errors import ServiceFailure, WrongParameter
from neo_utils.neows import retries
from neo_utils.neows.transport import open_session, send_request
from tests.faulty_service import http, serve_faults

KEY = "canary-0123456789-of-the-network"
PASSWORD = "canaryPASSWORD0123456789"  # noqa: S105
HOST = "neo.invalid"  # RFC 2606: never resolves, so only a proxy can serve it
PROXIES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"]
CERTIFICATES = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"]


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in (*PROXIES, *(name.lower() for name in PROXIES), *CERTIFICATES, "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(retries, "RETRIES", 0)
    return monkeypatch


def failure_of(url, kind=ServiceFailure):
    with open_session(KEY) as session, pytest.raises(kind) as caught, send_request(session, url):
        pass
    line = str(caught.value)
    assert "\n" not in line
    assert "canary" not in line
    return line


@pytest.mark.parametrize("key", [KEY, None])
def test_never_sends_netrc_password(key, environment, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text(f"default login anonymous password {PASSWORD}\n")
    environment.setenv("NETRC", str(netrc))
    heard = []

    def listen(request, _):
        heard.append(request.headers)
        return [http(b"{}")]

    with (
        serve_faults(listen) as faulty,
        open_session(key) as session,
        send_request(session, faulty.url),
    ):
        pass
    (headers,) = heard
    assert headers.get("X-Api-Key") == key
    assert "Authorization" not in headers


# --- Proxies. ---


@pytest.mark.parametrize("setting", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("login", ["", f"user:{PASSWORD}@"])
@pytest.mark.parametrize(
    ("status", "line"),
    [
        (407, "requires a valid user name and password (status 407). Set {setting} to http://"),
        (403, "of {setting} does not connect to neo.invalid (status 403). Ask its administrator"),
        (502, "(status 502). Ask its administrator to allow this host, or set NO_PROXY=neo.inv"),
    ],
)
def test_reports_refusing_proxy_and_its_setting(setting, login, status, line, environment):
    with serve_faults(lambda *_: [http(status=status)]) as proxy:
        environment.setenv(setting, f"http://{login}{proxy.address}")
        found = failure_of(f"https://{HOST}/browse")
        assert found.startswith(f"the proxy {proxy.address} ")
    assert line.format(setting=setting) in found


def test_reports_unreachable_proxy_and_its_setting(environment):
    environment.setenv("HTTPS_PROXY", f"http://user:{PASSWORD}@127.0.0.1:1")
    assert failure_of(f"https://{HOST}/browse").startswith(
        "the proxy 127.0.0.1:1 of HTTPS_PROXY does not answer (NewConnectionError). Check "
        "HTTPS_PROXY, or set NO_PROXY=neo.invalid"
    )


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("socks5h://user:{}@127.0.0.1:1080", "of an unsupported type (socks5h://127.0.0.1:1080)"),
        ("ftp://127.0.0.1", "of an unsupported type (ftp://127.0.0.1). Set HTTPS_PROXY to an HTTP"),
        ("http://user:{}@127.0.0.1:port", "ALL_PROXY is not the address of a proxy. Set http://"),
        ("http://", "ALL_PROXY is not the address of a proxy"),
        ("http://[::1", "ALL_PROXY is not the address of a proxy"),
    ],
)
def test_reports_invalid_proxy_and_its_setting(address, line, environment):
    environment.setenv("ALL_PROXY", address.format(PASSWORD))
    assert line in failure_of(f"https://{HOST}/browse", WrongParameter)


def test_no_proxy_setting_bypasses_proxy(environment):
    environment.setenv("ALL_PROXY", "socks5h://127.0.0.1:1080")
    environment.setenv("NO_PROXY", HOST)
    assert "(NameResolutionError)" in failure_of(f"https://{HOST}/browse")


# --- Certificates, created with the openssl command. ---


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Create a certificate authority with a good, an expired and another host's certificate."""
    if not which("openssl"):
        pytest.skip("there is no openssl to make certificates with")
    folder = tmp_path_factory.mktemp("authority")

    def openssl(*arguments):
        command = [which("openssl"), *arguments]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)  # noqa: S603

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA")
    for name, address, days in (
        ("good", "127.0.0.1", "2"),
        ("expired", "127.0.0.1", "-1"),
        ("other", "127.0.0.9", "2"),
    ):
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=x")
        (folder / "san").write_text(f"subjectAltName=IP:{address}\n")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "san")
        out = ("-in", f"{name}.csr", "-out", f"{name}.pem", "-days", days)
        openssl("x509", "-req", *signed, *out)
    return folder


def served(folder, name):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return serve_faults(lambda *_: [http(b"{}")], tls)


@pytest.mark.parametrize("setting", CERTIFICATES[:3])
def test_trusts_configured_certificates(setting, authority, environment):
    environment.setenv(setting, str(authority / "ca.pem"))
    with served(authority, "good") as faulty, open_session(KEY) as session:
        answer = send_request(session, faulty.url.replace("http:", "https:"))
        assert (answer.status_code, answer.content) == (200, b"{}")


@pytest.mark.parametrize(
    ("name", "trusted", "line"),
    [
        ("good", False, "unable to get local issuer certificate). If a company proxy inspects"),
        ("good", "other.pem", "other.pem does not contain its certificate authority. Add it, or"),
        ("expired", True, "certificate has expired). Check this machine's date"),
        ("other", True, "certificate is not valid for '127.0.0.1'). Check API_URL"),
    ],
)
def test_reports_certificate_fault(name, trusted, line, authority, environment):
    if trusted:
        file = "ca.pem" if trusted is True else trusted
        environment.setenv("SSL_CERT_FILE", str(authority / file))
    with served(authority, name) as faulty:
        found = failure_of(faulty.url.replace("http:", "https:"))
        assert found.startswith(f"the certificate of {faulty.address} is not trusted (")
    assert line in found


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file or directory"), ("", "no certificate in PEM format")],
)
@pytest.mark.parametrize("setting", CERTIFICATES[:3])
def test_reports_unreadable_certificates_setting(setting, content, reason, environment, tmp_path):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    environment.setenv(setting, str(file))
    found = failure_of(f"https://{HOST}/browse", WrongParameter)
    assert found.startswith(f"{setting}={file} cannot be used ({reason}). Set it to a file")
