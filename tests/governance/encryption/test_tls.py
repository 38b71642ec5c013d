"""Real handshakes on this machine: the right CA is accepted; other names, ages, versions and issuers are refused."""

from __future__ import annotations

import socket
import ssl
import threading
import warnings
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cryptography import x509

from automation_scripts.errors import ConfigurationError
from automation_scripts.governance.encryption import development_ca
from automation_scripts.governance.encryption.development_ca import DevelopmentCA
from automation_scripts.governance.encryption.tls import client_ssl_context, server_ssl_context

ENSURE = """
import sys
from pathlib import Path
from automation_scripts.governance.encryption.development_ca import DevelopmentCA
print("ready", flush=True)
sys.stdin.readline()
files = DevelopmentCA(Path(sys.argv[1])).ensure()
print(hash((files.ca.read_bytes(), files.server.read_bytes())), flush=True)
"""


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str = "localhost") -> str:
    """The TLS version that both agree on; raises what the client raises."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(20)

        def serve() -> None:
            connection, _ = listening.accept()
            try:
                with server.wrap_socket(connection, server_side=True) as secured:
                    secured.sendall(secured.recv(16))
            except (OSError, ssl.SSLError):
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with (
                socket.create_connection(listening.getsockname(), timeout=20) as plain,
                client.wrap_socket(plain, server_hostname=name) as secured,
            ):
                secured.sendall(b"hello")
                assert secured.recv(16) == b"hello"
                return secured.version() or ""
        finally:
            thread.join()


@pytest.fixture
def files(tmp_path):
    return DevelopmentCA(tmp_path / "tls").ensure()


def certificate(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_the_right_ca_and_name_are_accepted(files, name):
    assert shake_hands(server_ssl_context(files.server), client_ssl_context(files.ca), name) == "TLSv1.3"


def test_tls_1_2_is_accepted_with_forward_secrecy_only(files):
    client = client_ssl_context(files.ca)
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    assert shake_hands(server_ssl_context(files.server), client) == "TLSv1.2"
    client = client_ssl_context(files.ca)
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers("AES128-GCM-SHA256:AES256-SHA")
    with pytest.raises(ssl.SSLError):
        shake_hands(server_ssl_context(files.server), client)


@pytest.mark.parametrize("old_side", ["client", "server"])
def test_tls_1_1_is_refused_by_either_side(files, old_side):
    server, client = server_ssl_context(files.server), client_ssl_context(files.ca)
    old = client if old_side == "client" else server
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError) as refused:
        shake_hands(server, client)
    assert "CERTIFICATE" not in str(refused.value)


def test_old_versions_do_connect_when_both_sides_are_lenient(files):
    """Without this, the refusal of TLS 1.1 could come from OpenSSL alone."""
    server, client = server_ssl_context(files.server), client_ssl_context(files.ca)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for context in (server, client):
            context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        assert shake_hands(server, client) == "TLSv1.1"
    except ssl.SSLError:
        pytest.skip("this OpenSSL has no TLS 1.1")


@pytest.mark.parametrize("name", ["example.org", "localhost.example.org", "127.0.0.2"])
def test_another_name_is_refused(files, name):
    with pytest.raises(ssl.SSLCertVerificationError, match=r"[Hh]ostname|IP address mismatch"):
        shake_hands(server_ssl_context(files.server), client_ssl_context(files.ca), name)


def test_the_ca_can_certify_nothing_but_this_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(development_ca, "_NAMES", (x509.DNSName("example.org"),))
    files = DevelopmentCA(tmp_path / "tls").ensure()
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree"):
        shake_hands(server_ssl_context(files.server), client_ssl_context(files.ca), "example.org")


def test_an_expired_certificate_is_refused(tmp_path):
    files = DevelopmentCA(tmp_path / "tls", lambda: datetime.now(UTC) - timedelta(days=100)).ensure()
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        shake_hands(server_ssl_context(files.server), client_ssl_context(files.ca))


def test_a_self_signed_and_a_foreign_certificate_are_refused(files, tmp_path):
    foreign = trustme.CA()
    cert = foreign.issue_cert("localhost")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(server)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"self.signed|unable to get local issuer"):
        shake_hands(server, client_ssl_context(files.ca))
    other = DevelopmentCA(tmp_path / "other").ensure()
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(server_ssl_context(other.server), client_ssl_context(files.ca))
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(server_ssl_context(files.server), client_ssl_context())


def test_a_client_without_a_certificate_is_refused_where_one_is_asked_for(files, tmp_path):
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "clients.pem"))
    server = server_ssl_context(files.server, client_ca=tmp_path / "clients.pem")
    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
        shake_hands(server, client_ssl_context(files.ca))
    client = client_ssl_context(files.ca)
    ca.issue_cert("client").configure_cert(client)
    assert shake_hands(server, client) == "TLSv1.3"


def test_the_files_are_private_and_stay_until_they_are_due(tmp_path):
    folder = tmp_path / "tls"
    at = datetime.now(UTC)
    files = DevelopmentCA(folder, lambda: at).ensure()
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes == dict.fromkeys(["ca-key.pem", "ca.pem", "server.pem", ".ca-key.pem.lock"], 0o600)
    assert b"PRIVATE" not in files.ca.read_bytes()
    before = (files.ca.read_bytes(), files.server.read_bytes())
    at += timedelta(days=59)
    assert (DevelopmentCA(folder, lambda: at).ensure(), before) == (
        files,
        (files.ca.read_bytes(), files.server.read_bytes()),
    )
    at += timedelta(days=2)
    DevelopmentCA(folder, lambda: at).ensure()
    assert files.ca.read_bytes() == before[0]
    assert files.server.read_bytes() != before[1]
    assert certificate(files.server).not_valid_after_utc > at + timedelta(days=89)
    at += timedelta(days=640)
    DevelopmentCA(folder, lambda: at).ensure()
    assert files.ca.read_bytes() != before[0]
    certificate(files.server).verify_directly_issued_by(certificate(files.ca))


def test_a_clock_set_back_makes_certificates_that_are_valid_then(tmp_path):
    at = datetime.now(UTC)
    folder = tmp_path / "tls"
    files = DevelopmentCA(folder, lambda: at).ensure()
    at -= timedelta(days=5)
    DevelopmentCA(folder, lambda: at).ensure()
    for path in (files.ca, files.server):
        assert certificate(path).not_valid_before_utc <= at < certificate(path).not_valid_after_utc


def test_processes_that_ask_at_once_get_the_same_files(tmp_path, start_worker, monkeypatch):
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    workers = [start_worker(ENSURE, str(tmp_path / "tls")) for _ in range(3)]
    assert [worker.hear() for worker in workers] == ["ready"] * 3
    for worker in workers:
        worker.tell("go")
    assert len({worker.hear() for worker in workers}) == 1


def test_damaged_files_are_made_anew_and_a_half_renewal_is_completed(tmp_path, files):
    folder = files.ca.parent
    (folder / "server.pem").write_bytes((folder / "ca-key.pem").read_bytes()[:300])
    (folder / "ca.pem").unlink()
    again = DevelopmentCA(folder).ensure()
    assert shake_hands(server_ssl_context(again.server), client_ssl_context(again.ca)) == "TLSv1.3"


def test_a_key_open_to_others_is_refused(files):
    files.server.chmod(0o644)
    with pytest.raises(ConfigurationError, match=r"mode 0644.*chmod 600"):
        DevelopmentCA(files.ca.parent).ensure()


def test_unusable_files_are_said(tmp_path):
    (tmp_path / "junk.pem").write_text("junk")
    for call in (
        lambda: client_ssl_context(tmp_path / "none.pem"),
        lambda: client_ssl_context(tmp_path / "junk.pem"),
        lambda: server_ssl_context(tmp_path / "none.pem"),
        lambda: server_ssl_context(tmp_path / "junk.pem"),
    ):
        with pytest.raises(ConfigurationError, match=r"(none|junk)\.pem cannot be used .*must be PEM"):
            call()


def test_session_keys_are_not_written_to_a_file(files, tmp_path, monkeypatch):
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))
    shake_hands(server_ssl_context(files.server), client_ssl_context(files.ca))
    assert not (tmp_path / "keys.log").exists()
