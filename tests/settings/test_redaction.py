"""Which names and texts hold secrets, and that nothing else is touched."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from automation_scripts.observability.redaction import REDACTED, is_secret, redact, scrub


@pytest.mark.parametrize(
    "name",
    ["password", "DB_PASSWORD", "dbPassword", "X-Auth-Token", "apiKey", "api_key", "APIKEY", "aws_secret_access_key",
     "client-secret", "privateKey", "Authorization", "Set-Cookie", "otp", "passphrase", "accessToken2"],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    ["user", "path", "key", "keys", "monkey", "compass", "passed", "token_count", "secret_name", "secrets_found",
     "password_file", "token_url", "tokenizer", "secretary", "author", "", "pinned", "otpional", "key_id"],
)  # fmt: skip
def test_names_of_other_things(name: str) -> None:
    assert not is_secret(name)


def test_data_keeps_its_shape() -> None:
    data = {
        "user": "ada",
        "password": "x",
        "otp": 123456,
        "token": None,
        "list": [{"apiKey": ["a", "b"]}, (1, 2.5, True)],
        "pydantic": SecretStr("hunter2"),
        7: "seven",
    }
    assert redact(data) == {
        "user": "ada",
        "password": REDACTED,
        "otp": REDACTED,
        "token": None,
        "list": [{"apiKey": REDACTED}, [1, 2.5, True]],
        "pydantic": "**********",
        "7": "seven",
    }
    assert redact({"motto": "x"}, secret_names=["motto"]) == {"motto": REDACTED}


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("postgresql://ada:p@ss@db:5432/x", "postgresql://ada:[redacted]@db:5432/x"),
        ("redis://:hunter2@cache/0", "redis://:[redacted]@cache/0"),
        ("http://host:8080/path?x=1", "http://host:8080/path?x=1"),
        ("https://h/p?token=abc&x=1", "https://h/p?token=[redacted]&x=1"),
        ("password=hunter2 next", "password=[redacted] next"),
        ("password=a,b;c next", "password=[redacted] next"),
        ("db.password: 'two words' next", "db.password: '[redacted]' next"),
        ('{"api_key": "a b", "user": "ada"}', '{"api_key": "[redacted]", "user": "ada"}'),
        ("keys: {password: x}", "keys: {password: [redacted]}"),
        ("Authorization: Bearer abcdefghijklmnop.qrst", "Authorization: [redacted]"),
        ("Authorization: Basic YWRh", "Authorization: [redacted]"),
        ("sent Bearer abcdefghijklmnop.qrst on", "sent Bearer [redacted] on"),
        ("Basic authentication failed", "Basic authentication failed"),
        ("a\n-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nb", "a\n[redacted] RSA PRIVATE KEY-----\nb"),
        ("time=12 status: ok, key=5", "time=12 status: ok, key=5"),
        ("token_count=5", "token_count=5"),
    ],
)  # fmt: skip
def test_texts(text: str, clean: str) -> None:
    assert scrub(text) == clean
    assert scrub(scrub(text)) == clean


@pytest.mark.parametrize("text", ["a" * 200_000, "pass" * 50_000, "://" * 60_000, "-----BEGIN PRIVATE KEY-----" * 8_000,
                                  "x=" * 100_000, "password=" * 20_000, "Bearer " * 30_000, "'" * 200_000])  # fmt: skip
def test_long_texts_are_cut_and_do_not_take_for_ever(text: str) -> None:
    assert len(scrub(text)) < 2 * 32_768


@given(st.text(max_size=300))
def test_any_text_is_scrubbed_without_an_error(text: str) -> None:
    assert isinstance(scrub(text), str)


@given(st.text("abc =:'\"{}[],&\n", max_size=40), st.text("abcXYZ019", min_size=8, max_size=20))
def test_a_password_never_survives_what_stands_before_it(before: str, password: str) -> None:
    if password not in before:
        assert password not in scrub(f"{before} password={password}") or before.count("'") % 2 or before.count('"') % 2


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    )
)
def test_any_data_becomes_json(data: Any) -> None:
    import json

    json.dumps(redact(data), allow_nan=False)
