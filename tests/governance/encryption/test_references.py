"""Secrets by reference, and secret values that do not show themselves."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import os
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.errors import AutomationError, ConfigurationError, InvalidParameters
from automation_scripts.governance.encryption.references import (
    is_reference,
    looks_like_secret_value,
    require_reference,
    resolve_reference,
)
from automation_scripts.governance.encryption.secret_value import SecretValue
from automation_scripts.settings.environ import SECRETS
from automation_scripts.storage.encoding import to_json

CANARY = "canary-s3cr3t"


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "secret"
    path.write_text(CANARY + "\n")
    path.chmod(0o600)
    return path


def test_each_kind_of_reference_is_resolved(secret_file):
    assert resolve_reference("env:DB_PASSWORD", environ={"DB_PASSWORD": CANARY}).reveal() == CANARY
    assert resolve_reference(f"file:{secret_file}").reveal() == CANARY
    assert resolve_reference("block:db-password", block={"db-password": CANARY}.__getitem__).reveal() == CANARY
    assert resolve_reference("block:b", block=lambda name: SecretValue(CANARY)).reveal() == CANARY


def test_only_the_last_line_break_of_a_file_is_dropped(secret_file):
    for content, clear in (("a\nb\r\n", "a\nb"), (" a \n\n", " a \n"), ("a", "a")):
        secret_file.write_bytes(content.encode())
        assert resolve_reference(f"file:{secret_file}").reveal() == clear


@pytest.mark.parametrize(
    "text",
    [
        CANARY,
        "",
        "env:",
        "env:1A",
        "env:A B",
        "ENV:A",
        " env:A",
        "env:A\n",
        "file:relative",
        "file:",
        "file:/a\0b",
        "file:/\ud800",
    ]
    + ["block:Has Spaces", "block:", "vault:x", "env:A;rm", "block:../x"],
)
def test_what_is_no_reference_is_refused_and_not_shown(text):
    assert not is_reference(text)
    for call in (lambda: resolve_reference(text), lambda: require_reference(text, "password")):
        with pytest.raises(InvalidParameters, match="env:NAME, file:/absolute/path or block:NAME") as refused:
            call()
        assert CANARY not in str(refused.value)


def test_missing_secrets_are_named_by_their_reference(tmp_path):
    def no_block(name: str) -> str:
        raise ValueError(f"Unable to find block document named {name} {CANARY}")

    empty = tmp_path / "empty"
    empty.write_text("\n")
    empty.chmod(0o600)
    for reference in ("env:NOT_THERE", "env:EMPTY", f"file:{tmp_path}/none", f"file:{empty}", "block:none"):
        with pytest.raises(InvalidParameters, match=rf"'{reference}' is missing or empty") as refused:
            resolve_reference(reference, block=no_block, environ={"EMPTY": ""})
        assert CANARY not in "".join(traceback.format_exception(refused.value))
    with pytest.raises(InvalidParameters, match="block:x"):
        resolve_reference("block:x")


def test_nobody_gets_the_keys_of_this_program_by_reference(tmp_path, secret_file):
    ours = (*SECRETS, "AUTOMATION_BOOTSTRAP_SECRET", "PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING")
    assert {"AUTOMATION_TOKEN", "AUTOMATION_ENCRYPTION_KEY", "AUTOMATION_ENCRYPTION_KEY_PREVIOUS"} <= set(ours)
    for name in (*ours, "automation_token"):
        with pytest.raises(InvalidParameters, match="secret of this program") as refused:
            resolve_reference(f"env:{name}", environ={name: CANARY})
        assert CANARY not in str(refused.value)
    home, allowed = tmp_path / "home", tmp_path / "allowed"
    home.mkdir()
    allowed.mkdir()
    keyring = secret_file.rename(home / "keyring.json")
    (allowed / "link").symlink_to(keyring)
    for way in (keyring, allowed / "link", allowed / ".." / "home" / "keyring.json"):
        with pytest.raises(InvalidParameters, match="not given out"):
            resolve_reference(f"file:{way}", closed=[home])
        with pytest.raises(InvalidParameters, match="outside the folders for secrets"):
            resolve_reference(f"file:{way}", folders=[allowed])
    keyring.rename(allowed / "secret")
    assert resolve_reference(f"file:{allowed}/secret", folders=[allowed], closed=[home]).reveal() == CANARY


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o620, 0o666, 0o644])
def test_a_file_that_the_world_can_reach_is_refused(secret_file, mode):
    secret_file.chmod(mode)
    with pytest.raises(ConfigurationError, match=rf"mode {mode:04o}.*chmod 600"):
        resolve_reference(f"file:{secret_file}")


def test_a_file_that_the_group_may_read_is_accepted(secret_file):
    secret_file.chmod(0o640)
    assert resolve_reference(f"file:{secret_file}").reveal() == CANARY


def test_what_is_no_small_text_file_is_refused(secret_file, tmp_path):
    secret_file.write_bytes(b"x" * (64 * 1024 + 1))
    with pytest.raises(ConfigurationError, match="larger than 65536 bytes"):
        resolve_reference(f"file:{secret_file}")
    secret_file.write_bytes(b"\xff" + CANARY.encode())
    with pytest.raises(InvalidParameters, match="not UTF-8") as refused:
        resolve_reference(f"file:{secret_file}")
    assert refused.value.__context__ is None  # a UnicodeDecodeError carries the data
    os.mkfifo(tmp_path / "pipe", 0o600)
    for odd in (tmp_path / "pipe", tmp_path):
        with pytest.raises(ConfigurationError, match="no regular file"):
            resolve_reference(f"file:{odd}")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for path in (tmp_path / "circle", "/" + "long" * 900):
        with pytest.raises(ConfigurationError, match="cannot be read"):
            resolve_reference(f"file:{path}")


@pytest.mark.parametrize("path", ["/proc/self/environ", "/proc/self/mem", "/dev/zero", "/dev/../proc/self/environ"])
def test_what_the_kernel_only_shows_as_files_is_refused(path):
    with pytest.raises(InvalidParameters, match="not given out"):
        resolve_reference(f"file:{path}")


@pytest.mark.parametrize(
    "text",
    ["ghp_" + "a" * 36, "AKIAIOSFODNN7EXAMPLE", "eyJhbGciOi.eyJzdWIi.c2ln", "-----BEGIN RSA PRIVATE KEY-----\nx"]
    + ["xoxb-1-abc", "hvs.CAES", "postgres://u:pw@h/db", "9f86d081884c7d659a2feaa0c55ad015", "Tr0ub4dor&3-Correct!x9"],
)
def test_well_known_and_unpredictable_texts_look_like_secrets(text):
    assert looks_like_secret_value(text)
    with pytest.raises(InvalidParameters, match=r"'password' holds what looks like the secret itself") as refused:
        require_reference(text, "password")
    assert text not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "staging", "config/app.yaml", "/etc/app/config-2024.yaml", "a sentence with 16 or more", "env:TOKEN"]
    + ["https://example.org/path/a1b2", "block:db-password", "kubernetes-deployment", "1111111111111111"]
)  # fmt: skip
def test_ordinary_values_do_not(text):
    assert not looks_like_secret_value(text)


def test_a_secret_value_never_shows_itself(caplog):
    secret = SecretValue(CANARY)

    @dataclasses.dataclass
    class Holder:
        secret: SecretValue

    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>40}",
        f"{secret:>40}",
        "{} {!r}".format(*[secret] * 2),
    ]
    shown += [repr(Holder(secret)), repr(dataclasses.asdict(Holder(secret))), to_json({"p": secret}), repr([secret])]
    logging.getLogger("test").warning("value %s", secret)
    assert CANARY not in "".join(shown) + caplog.text
    assert "[secret]" in caplog.text
    with pytest.raises(TypeError):
        json.dumps(secret)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps({"p": secret}, protocol)
    with pytest.raises(TypeError):
        vars(secret)
    assert copy.deepcopy(Holder(secret)).secret is secret


def test_prefects_pickler_does_not_take_it_either():
    cloudpickle = pytest.importorskip("cloudpickle")
    with pytest.raises(TypeError, match="not pickled"):
        cloudpickle.dumps(lambda value=SecretValue(CANARY): value)


def test_secret_values_are_compared_by_content_and_only_with_each_other():
    assert SecretValue("ü") == SecretValue("ü") != SecretValue("u")
    assert SecretValue(CANARY) != CANARY
    with pytest.raises(TypeError):
        hash(SecretValue(CANARY))


@given(st.text(st.characters(codec=None), max_size=80), st.sampled_from(["", "env:", "file:/", "block:"]))
def test_any_text_is_resolved_or_refused_in_words(text, kind):
    try:
        resolve_reference(kind + text, environ={}, block=lambda name: "")
    except AutomationError:
        pass
    else:
        raise AssertionError("resolved")
