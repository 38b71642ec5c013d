"""The small languages inside scalars."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.validation.values import formats


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90), ("1h30m", 5400), ("500ms", 0.5), ("2 days", 172800), ("1.5h", 5400), ("PT1H30M", 5400), ("P1D", 86400), ("1w", 604800),
        ("10 minutes", 600), ("250us", 0.00025), ("10", None), ("", None), ("h", None), ("1x", None), ("1h x", None), ("P", None), ("PT", None),
        ("ten seconds", None),
    ],
)  # fmt: skip
def test_durations(text: str, seconds: float | None) -> None:
    assert formats.duration_seconds(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("250m", 0.25),
        ("1Gi", 2**30),
        ("1e3", 1000),
        ("2", 2),
        (".5", 0.5),
        ("1.5M", 1.5e6),
        ("1GB", None),
        ("", None),
        ("m", None),
    ],
)
def test_quantities(text: str, number: float | None) -> None:
    assert formats.quantity(text) == number


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512m", 512 * 2**20),
        ("1gb", 2**30),
        ("64KiB", 65536),
        ("10", 10),
        ("1.5g", 1.5 * 2**30),
        ("x", None),
        ("1z", None),
    ],
)
def test_sizes(text: str, size: float | None) -> None:
    assert formats.size_bytes(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "* * * * *",
        "*/5 0-6 1,15 * MON-FRI",
        "0 0 * JAN SUN",
        "@daily",
        "@every 1h",
        "TZ=UTC 0 4 * * *",
        "0 22 * * 5-7",
        "0 0 29 2 *",
    ],
)
def test_cron(text: str) -> None:
    assert formats.cron_error(text) is None


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("* * * *", "4 fields"),
        ("60 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* * 0 * *", "day of month"),
        ("* * * 13 *", "month"),
        ("* * * * 8", "day of week"),
        ("*/0 * * * *", "step"),
        ("5-1 * * * *", "backwards"),
        ("0 0 31 2 *", "never runs"),
        ("0 0 31 4,6 *", "never runs"),
        ("@dialy", "shorthand"),
        ("a * * * *", "minute"),
        ("", "0 fields"),
        ("0 0 * * ? *", "6 fields"),
    ],
)
def test_bad_cron(text: str, part: str) -> None:
    assert part in str(formats.cron_error(text))


def test_quartz_knows_more() -> None:
    for text in ("0 0 12 * * ?", "0 15 10 L * ?", "0 0 10 ? * 6#3", "0 0 10 15W * ? 2030"):
        assert formats.cron_error(text, quartz=True) is None
    assert formats.cron_error("0 0 25 * * ?", quartz=True)


def test_addresses_hosts_urls_and_mail() -> None:
    for good in ("10.0.0.0/8", "::1", "fe80::/10", "192.168.1.1"):
        assert formats.address_error(good) is None
    for bad in ("10.0.0.0/33", "256.1.1.1", "x", ""):
        assert formats.address_error(bad)
    assert formats.cidr_host_bits("10.0.0.5/8") == "10.0.0.0/8" and formats.cidr_host_bits("10.0.0.0/8") is None
    for good in ("example.com", "db_1", "a-b.c", "10.0.0.1", "xn--bcher-kva.example"):
        assert formats.hostname_error(good) is None
    for bad in ("-a.com", "a..b", "300.1.1.1", "a b", "", "a" * 64):
        assert formats.hostname_error(bad)
    for good in ("https://a.example/x?y", "http://[::1]:80/", "postgres://u:p@a,b/d", "file:///x", "amqp://h"):
        assert formats.url_error(good) is None
    for bad in (
        "example.com",
        "http:///x",
        "http://a b/",
        "http://a:99999/",
        "http://[::x]/",
        "http://a..b/",
        "https:/x",
    ):
        assert formats.url_error(bad), bad
    for good in ("a@b.example", "Ann <a.b+c@d.example>"):
        assert formats.email_error(good) is None
    for bad in ("a", "a@", "@b", "a b@c.example", "a@b..c"):
        assert formats.email_error(bad)


@pytest.mark.parametrize(
    "text",
    [
        "${X}",
        "a-${X:-y}",
        "$(cmd)",
        "$X",
        "{{ x }}",
        "{% if %}",
        "%(x)s",
        "#{x}",
        "<your name>",
        "@project.version@",
        "__X__",
        "%X%",
    ],
)
def test_templates(text: str) -> None:
    assert formats.is_template(text)


@pytest.mark.parametrize(
    "text", ["", "plain", "50%", "a@b.example", "x < y", "{}", "__init__", "cost: $5", "a{2}", "50% of 10%"]
)
def test_no_templates(text: str) -> None:
    assert not formats.is_template(text)


@given(st.text(max_size=60))
def test_no_text_is_too_strange(text: str) -> None:
    formats.duration_seconds(text)
    formats.quantity(text)
    formats.size_bytes(text)
    formats.is_template(text)
    formats.cidr_host_bits(text)
    for check in (
        formats.cron_error,
        formats.address_error,
        formats.hostname_error,
        formats.url_error,
        formats.email_error,
    ):
        assert check(text) is None or isinstance(check(text), str)
