"""The keyring file: made once, rotated while others use it, kept through crashes, closed to others."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from automation_scripts.errors import ConfigurationError
from automation_scripts.governance.encryption.file_keys import FileKeys
from automation_scripts.governance.encryption.providers import WrappedKey
from automation_scripts.governance.encryption.unreadable import KeyMissing, Unreadable
from automation_scripts.storage import private_files

BINDING = {"data_key": "ab" * 16, "owner": ""}

MAKE = """
import sys
from pathlib import Path
from automation_scripts.governance.encryption.file_keys import FileKeys
print("ready", flush=True)
sys.stdin.readline()
print(FileKeys(Path(sys.argv[1])).current(), flush=True)
"""

ROTATE_FOR_EVER = """
import sys
from pathlib import Path
from automation_scripts.governance.encryption.file_keys import FileKeys
keys = FileKeys(Path(sys.argv[1]))
while True:
    print(keys.rotate(), flush=True)
"""

ROTATE_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from automation_scripts.errors import ConfigurationError
from automation_scripts.governance.encryption.file_keys import FileKeys
keys = FileKeys(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    keys.rotate()
except ConfigurationError as error:
    print(error, flush=True)
"""


def test_it_is_made_at_the_first_use_for_its_owner_only(keyring):
    before = os.umask(0)
    try:
        keyring.current()
    finally:
        os.umask(before)
    assert keyring.path.stat().st_mode & 0o777 == 0o600
    assert keyring.path.parent.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in keyring.path.parent.iterdir()) == [".keyring.json.lock", "keyring.json"]


def test_processes_that_make_it_at_once_get_the_same_key(keyring, start_worker):
    workers = [start_worker(MAKE, str(keyring.path)) for _ in range(4)]
    assert [worker.hear() for worker in workers] == ["ready"] * 4
    for worker in workers:
        worker.tell("go")
    assert {worker.hear() for worker in workers} == {keyring.current()}


def test_old_keys_open_what_they_wrapped_after_a_rotation(keyring):
    secret, wrapped = keyring.generate(BINDING)
    first, second = keyring.current(), keyring.rotate()
    assert first != second == keyring.current()
    assert keyring.unwrap(wrapped, BINDING) == secret
    again = keyring.wrap(secret, BINDING)
    assert again.kek_id == second
    assert FileKeys(keyring.path).unwrap(again, BINDING) == secret


def test_a_wrapped_key_opens_with_its_binding_and_unaltered_only(keyring):
    _, wrapped = keyring.generate(BINDING)
    with pytest.raises(Unreadable, match="altered or put in place of another"):
        keyring.unwrap(wrapped, {**BINDING, "owner": "someone else"})
    for blob in (b"", wrapped.blob[:-1], b"\x02" + wrapped.blob[1:], wrapped.blob[:-1] + b"\0\0"):
        with pytest.raises(Unreadable):
            keyring.unwrap(WrappedKey(wrapped.kek_id, blob), BINDING)


def test_a_key_that_is_gone_is_named(keyring):
    _, wrapped = keyring.generate(BINDING)
    keyring.rotate()
    assert keyring.forget(wrapped.kek_id) == ""
    with pytest.raises(KeyMissing, match=rf"{wrapped.kek_id} is not in the keyring {keyring.path}.*backup"):
        keyring.unwrap(wrapped, BINDING)


def test_the_current_key_is_not_forgotten(keyring):
    with pytest.raises(ConfigurationError, match="is the current"):
        keyring.forget(keyring.current())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o666])
def test_a_keyring_open_to_others_is_refused_with_the_cure(keyring, mode):
    keyring.current()
    keyring.path.chmod(mode)
    with pytest.raises(ConfigurationError, match=rf"mode {mode:04o}.*chmod 600 {keyring.path}"):
        keyring.current()


def test_a_keyring_of_another_user_is_refused(keyring, monkeypatch):
    keyring.current()
    mine = os.geteuid()
    monkeypatch.setattr(private_files.os, "geteuid", lambda: mine + 1)
    if mine == 0:  # what belongs to root is trusted, so it must belong to somebody else
        os.chown(keyring.path, 12345, -1)
    with pytest.raises(ConfigurationError, match="belongs to user"):
        keyring.current()


def test_a_keyring_of_a_newer_version_is_refused_and_left_alone(keyring):
    keyring.current()
    document = json.loads(keyring.path.read_text()) | {"version": 2, "ciphers": "new"}
    keyring.path.write_text(json.dumps(document))
    for use in (keyring.current, keyring.rotate):
        with pytest.raises(ConfigurationError, match=r"newer version.*format is 2.*Upgrade"):
            use()
    assert json.loads(keyring.path.read_text()) == document


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: "{",
        lambda text: "[" * 100_000,
        lambda text: "[]",
        lambda text: text[:-20],
        lambda text: json.dumps(json.loads(text) | {"current": "kek-other"}),
        lambda text: json.dumps(json.loads(text) | {"version": "1"}),
        lambda text: json.dumps(json.loads(text) | {"keys": {"kek-1": 7}}),
        lambda text: text.replace('": "', '": "AAAA', 9),
    ],
)
def test_a_damaged_keyring_is_refused_without_showing_it(keyring, change):
    keyring.current()
    text = keyring.path.read_text()
    secret = next(iter(json.loads(text)["keys"].values()))
    keyring.path.write_text(change(text))
    with pytest.raises(ConfigurationError, match=r"is damaged. Restore") as refused:
        keyring.current()
    assert secret[:10] not in str(refused.value)
    assert refused.value.__context__ is None
    assert keyring.path.read_text() == change(text)


def test_no_regular_file_is_waited_for_or_read(keyring):
    keyring.path.parent.mkdir()
    os.mkfifo(keyring.path, 0o600)
    with pytest.raises(ConfigurationError, match="no regular file"):
        keyring.current()
    keyring.path.unlink()
    keyring.path.mkdir()
    with pytest.raises(ConfigurationError, match="no regular file"):
        keyring.current()


def test_a_file_where_the_folder_should_be_is_said(tmp_path):
    (tmp_path / "state").write_text("")
    with pytest.raises(ConfigurationError, match=r"cannot be (read|opened|written)"):
        FileKeys(tmp_path / "state" / "keyring.json").current()


def test_a_kill_during_rotations_leaves_a_usable_keyring(keyring, start_worker):
    secret, wrapped = keyring.generate(BINDING)
    for _ in range(5):
        worker = start_worker(ROTATE_FOR_EVER, str(keyring.path))
        told = [worker.hear() for _ in range(3)]
        worker.kill()
        assert worker.process.stdout is not None
        told += worker.process.stdout.read().split()
        keks = keyring.keks()
        assert set(told) <= set(keks.secrets)
        assert keyring.unwrap(wrapped, BINDING) == secret
        assert keyring.unwrap(keyring.wrap(secret, BINDING), BINDING) == secret
    left = keyring.path.parent / ".keyring.json.0123.new"
    left.write_text("a killed writer's")
    keyring.rotate()
    assert sorted(path.name for path in keyring.path.parent.iterdir()) == [".keyring.json.lock", "keyring.json"]


def test_a_full_disk_stops_the_rotation_and_keeps_the_keys(keyring, start_worker):
    secret, wrapped = keyring.generate(BINDING)
    before = keyring.path.read_bytes()
    said = start_worker(ROTATE_ON_A_FULL_DISK, str(keyring.path)).hear()
    assert said.startswith(f"{keyring.path} cannot be written: File too large. Free some space")
    assert keyring.path.read_bytes() == before
    assert keyring.unwrap(wrapped, BINDING) == secret
    assert not list(keyring.path.parent.glob("*.new")) and not list(keyring.path.parent.glob(".*.new"))


def test_the_unfinished_file_of_a_living_writer_is_left_alone(keyring):
    keyring.current()
    with private_files.new_private(keyring.path) as file:
        file.write(keyring.path.read_bytes())
        rotated = keyring.rotate()
        assert len(list(keyring.path.parent.glob(".*.new"))) == 1
    assert rotated not in keyring.keks().secrets  # the other writer, who held no lock, came last
    assert not list(keyring.path.parent.glob(".*.new"))


def test_rotations_at_once_lose_no_key(keyring, start_worker):
    keyring.current()
    code = ROTATE_FOR_EVER.replace("while True", "for _ in range(5)")
    workers = [start_worker(code, str(keyring.path)) for _ in range(3)]
    made = {worker.hear() for worker in workers for _ in range(5)}
    assert len(made) == 15
    assert made <= set(keyring.keks().secrets)


def test_keys_are_not_shown(keyring):
    secret, wrapped = keyring.generate(BINDING)
    keks = keyring.keks()
    shown = repr(keks) + str(keks) + repr(wrapped) + repr(keyring)
    for clear in (secret, *keks.secrets.values()):
        assert repr(clear)[2:-1] not in shown and clear.hex() not in shown


def test_a_link_to_a_keyring_is_refused(keyring, tmp_path):
    keyring.current()
    link = Path(tmp_path / "link.json")
    link.symlink_to(keyring.path)
    with pytest.raises(ConfigurationError, match=f"keyring {link} cannot be read: it is a link"):
        FileKeys(link).current()
