"""Which URLs may be used: encrypted and checked ones, and plain ones to this machine alone."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.errors import ConfigurationError
from automation_scripts.governance.encryption.secure_urls import is_loopback, require_secure_url

LOOPBACK = ["localhost", "LOCALHOST", "localhost.", "127.0.0.1", "127.8.9.1", "[::1]", "[0:0:0:0:0:0:0:1]"]
LOOPBACK += ["[::ffff:127.0.0.1]", "[::ffff:7f00:1]"]
ELSEWHERE = ["localhost.evil.com", "evil-localhost", "127.0.0.1.nip.io", "10.0.0.5", "0.0.0.0", "[::]", "[::2]"]
ELSEWHERE += ["[::ffff:8.8.8.8]", "[::127.0.0.1]", "[fe80::1%25eth0]", "[::1%25eth0]", "foo.localhost", "localhost6"]
# Read as 127.0.0.1 by some programs and not by others.
ELSEWHERE += ["2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "127.000.000.001", "%6cocalhost"]
TRICKS = ["http://localhost@evil.com/", "http://localhost:80@evil.com/", "http://127.0.0.1%2f@evil.com/"]
TRICKS += ["http://localhost\\@evil.com/", "http://evil.com\\.localhost/", "http://evil.com#@localhost/"]
TRICKS += ["http://evil.com?@localhost/", "http://local\nhost/", "http://localhost\t.evil.com/", " http://localhost/"]
TRICKS += ["http://ⓛocalhost/", "http://localhost／@evil.com", "http:localhost", "http:/localhost", "//localhost/x"]
TRICKS += [
    "localhost:80",
    "",
    "http://",
    "http://:80/",
    "http://localhost:port/",
    "http://[::1/",
    "http://[localhost]/",
]
TRICKS += ["http://localhost:80:90/", "http://\x00localhost/"]


@pytest.mark.parametrize("host", LOOPBACK)
@pytest.mark.parametrize("scheme", ["http", "ws", "smtp", "redis", "postgresql", "HTTP"])
def test_plain_is_accepted_to_this_machine(scheme, host):
    require_secure_url(f"{scheme}://user:pw@{host}:8080/path", "the test")
    assert is_loopback(host)


@pytest.mark.parametrize("host", ELSEWHERE)
@pytest.mark.parametrize("scheme", ["http", "ws", "smtp", "redis", "postgresql"])
def test_plain_is_refused_to_any_other(scheme, host):
    with pytest.raises(ConfigurationError, match=r"the test.*(Use|Add|Write)"):
        require_secure_url(f"{scheme}://{host}:8080/path", "the test")
    assert not is_loopback(host)


@pytest.mark.parametrize("url", TRICKS)
def test_tricks_with_the_host_are_refused(url):
    with pytest.raises(ConfigurationError):
        require_secure_url(url, "the test")


@pytest.mark.parametrize(
    "url",
    ["https://example.org/x", "wss://h/", "smtps://h:465", "smtp+starttls://h:587", "rediss://:pw@h:6379/0"]
    + ["postgresql://u:p@h/db?sslmode=verify-full", "postgresql+asyncpg://h/db?ssl=verify-full", "sqlite:////a/b.db"]
    + ["postgresql:///db", "postgresql://%2Frun%2Fpostgresql/db", "postgresql:///db?host=/run/postgresql"]
    + ["postgresql://localhost,127.0.0.1:5433/db", "unix:///run/redis.sock", "rediss://localhost?ssl_cert_reqs=none"],
)
def test_encrypted_and_local_ones_are_accepted(url):
    require_secure_url(url, "the test")


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("http://example.org/hook", "Use https"),
        ("ws://example.org", "Use wss"),
        ("smtp://mail.example.org:25", r"Use smtps, or smtp\+starttls"),
        ("redis://cache/0", "Use rediss"),
        ("postgresql://db/x", r"Add \?sslmode=verify-full"),
        ("postgresql://db/x?sslmode=require", r"Add \?sslmode=verify-full"),
        ("postgresql://db/x?sslmode=verify-ca", r"Add \?sslmode=verify-full"),
        ("postgresql://db/x?sslmode=verify-full&sslmode=disable", r"Add \?sslmode=verify-full"),
        ("postgresql://localhost,evil.com/db", r"Add \?sslmode=verify-full"),
        ("postgresql://localhost/db?host=evil.com", r"Add \?sslmode=verify-full"),
        ("postgresql://localhost/db?hostaddr=8.8.8.8", r"Add \?sslmode=verify-full"),
        ("postgresql://%2Frun%2Cevil.com/db", r"Add \?sslmode=verify-full"),
        ("postgresql://localhost:5432%2Cevil.com/db", r"Add \?sslmode=verify-full"),
        ("postgresql:///db?host=evil.com", r"Add \?sslmode=verify-full"),
        ("rediss://cache?ssl_cert_reqs=none", "certificate off with `ssl_cert_reqs`"),
        ("rediss://cache?ssl_check_hostname=False", "certificate off with `ssl_check_hostname`"),
        ("gopher://example.org", "Use one of: amqps"),
        ("gopher://localhost.example.org", "Use one of: amqps"),
    ],
)
def test_the_refusal_says_what_to_use(url, advice):
    with pytest.raises(ConfigurationError, match=advice):
        require_secure_url(url, "the test")


def test_a_refusal_shows_no_password_or_token():
    for url in ("http://u:canary@h/canary?t=canary", "postgresql://u:canary@h/db?password=canary", "canary://h\\"):
        with pytest.raises(ConfigurationError) as refused:
            require_secure_url(url, "the test")
        assert "canary" not in str(refused.value)


@given(st.text(max_size=30))
def test_any_text_is_judged_without_another_error(text):
    for url in (text, "http://" + text, "postgresql://" + text, f"http://{text}@localhost/"):
        with contextlib.suppress(ConfigurationError):
            require_secure_url(url, "the test")


@given(st.ip_addresses())
def test_an_address_is_this_machine_exactly_when_it_is_loopback(address):
    mapped = getattr(address, "ipv4_mapped", None)
    assert is_loopback(str(address)) == (mapped or address).is_loopback
