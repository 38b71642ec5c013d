"""Sealed files: any size, every change found, nothing half-written."""

from __future__ import annotations

import io
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automation_scripts.errors import ConfigurationError
from automation_scripts.governance.encryption import sealed_files
from automation_scripts.governance.encryption.contexts import Context
from automation_scripts.governance.encryption.sealed_files import open_file, open_stream, seal_file, seal_stream
from automation_scripts.governance.encryption.unreadable import KeyMissing, ShreddedData, Unreadable

CONTEXT = Context("recovery.point", "run-1", "/etc/app.conf")
HEADER = 53
PIECE = 16 + 16

SEAL = """
import sys
from pathlib import Path
from automation_scripts.governance.encryption.contexts import Context
from automation_scripts.governance.encryption.opened import open_vault
from automation_scripts.governance.encryption.sealed_files import seal_file
home = Path(sys.argv[1])
vault = open_vault(home)
import automation_scripts.governance.encryption.sealed_files as module
read, count = module._read, 0
def stop_half_way(source, size):
    global count
    count += 1
    if count == 10:
        print("half-way", flush=True)
        sys.stdin.readline()
    return read(source, size)
module._read = stop_half_way
seal_file(vault, home / "data", home / "data.sealed", Context("recovery.point"))
"""


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of 16 bytes, so that small contents have many."""
    monkeypatch.setattr(sealed_files, "CHUNK", 16)


def sealed(vault, content, **options):
    target = io.BytesIO()
    seal_stream(vault, io.BytesIO(content), target, CONTEXT, **options)
    return target.getvalue()


def opened(vault, data, context=CONTEXT):
    return b"".join(open_stream(vault, io.BytesIO(data), context))


class Trickle(io.RawIOBase):
    """Gives one to three bytes at a time, like a pipe."""

    def __init__(self, data: bytes) -> None:
        self.source = io.BytesIO(data)
        self.turn = 0

    def read(self, size: int = -1) -> bytes:
        self.turn += 1
        return self.source.read(min(size, 1 + self.turn % 3))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=70))
def test_any_content_comes_back(vault, small_chunks, content):
    data = sealed(vault, content)
    assert len(data) == HEADER + len(content) + 16 * max(1, -(-len(content) // 16))
    assert opened(vault, data) == content
    target = io.BytesIO()
    seal_stream(vault, Trickle(content), target, CONTEXT)
    assert b"".join(open_stream(vault, Trickle(target.getvalue()), CONTEXT)) == content


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 131072, 300_001])
def test_files_around_the_edges_of_chunks_come_back(vault, tmp_path, size):
    source, middle, target = (tmp_path / name for name in ("source", "sealed", "target"))
    source.write_bytes(os.urandom(size))
    seal_file(vault, source, middle, CONTEXT)
    open_file(vault, middle, target, CONTEXT)
    assert target.read_bytes() == source.read_bytes()
    assert {path.stat().st_mode & 0o777 for path in (middle, target)} == {0o600}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sealed", "source", "state", "target"]


def pieces(data):
    return data[:HEADER], [data[at : at + PIECE] for at in range(HEADER, len(data), PIECE)]


@pytest.mark.parametrize(
    "change",
    [
        lambda head, parts: head + b"".join(parts[:-1]),
        lambda head, parts: head + b"".join(parts[:1]),
        lambda head, parts: head,
        lambda head, parts: head + b"".join(parts)[:-1],
        lambda head, parts: head + b"".join(parts) + b"\0",
        lambda head, parts: head + b"".join(parts + parts[-1:]),
        lambda head, parts: head + b"".join([parts[1], parts[0], *parts[2:]]),
        lambda head, parts: head + b"".join(parts[1:]),
        lambda head, parts: head + b"".join(parts[:1] + parts),
        lambda head, parts: head + b"".join(parts[:1] + parts[2:]),
        lambda head, parts: head[:-1] + bytes([head[-1] ^ 1]) + b"".join(parts),
        lambda head, parts: b"",
        lambda head, parts: head[:20],
        lambda head, parts: b"JUNK" + head[4:] + b"".join(parts),
    ],
)
@pytest.mark.parametrize("size", [48, 55])
def test_cutting_reordering_and_repeating_is_found(vault, small_chunks, change, size):
    data = change(*pieces(sealed(vault, os.urandom(size))))
    with pytest.raises(Unreadable):
        opened(vault, data)


def test_chunks_of_two_files_cannot_be_mixed(vault, small_chunks):
    (head, first), (_, second) = pieces(sealed(vault, b"a" * 48)), pieces(sealed(vault, b"b" * 48))
    with pytest.raises(Unreadable):
        opened(vault, head + first[0] + second[1] + first[2])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80)
@given(st.data())
def test_any_changed_bit_is_found(vault, small_chunks, data):
    content = bytearray(sealed(vault, b"x" * 40))
    at = data.draw(st.integers(0, len(content) * 8 - 1))
    content[at // 8] ^= 1 << at % 8
    with pytest.raises(Unreadable):
        opened(vault, bytes(content))


def test_a_file_belongs_to_its_context_and_its_subject(vault):
    data = sealed(vault, b"personal", subject="ada")
    with pytest.raises(Unreadable, match="run-2"):
        opened(vault, data, Context("recovery.point", "run-2"))
    assert opened(vault, data) == b"personal"
    vault.shred("ada", "dpo", "asked")
    with pytest.raises(ShreddedData):
        opened(vault, data)


def test_a_newer_format_and_a_missing_key_are_said(vault):
    data = sealed(vault, b"x")
    with pytest.raises(Unreadable, match=r"format 2.*Upgrade"):
        opened(vault, data[:4] + b"\x02" + data[5:])
    with pytest.raises(KeyMissing):
        opened(vault, data[:5] + bytes(16) + data[21:])


def test_a_refused_file_leaves_the_target_as_it_was(vault, tmp_path):
    source, target = tmp_path / "sealed", tmp_path / "target"
    source.write_bytes(sealed(vault, b"x" * 200_000)[:-1])
    target.write_text("as it was")
    with pytest.raises(Unreadable):
        open_file(vault, source, target, CONTEXT)
    assert target.read_text() == "as it was"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sealed", "state", "target"]


def test_missing_and_unwritable_files_are_said(vault, tmp_path):
    with pytest.raises(ConfigurationError, match=r"none cannot be read.*Check"):
        seal_file(vault, tmp_path / "none", tmp_path / "x", CONTEXT)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        seal_file(vault, tmp_path / "file", tmp_path / "file" / "x", CONTEXT)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        seal_file(vault, tmp_path / "file", tmp_path / "state", CONTEXT)  # a folder
    with pytest.raises(ConfigurationError, match="cannot be read"):
        seal_file(vault, tmp_path, tmp_path / "x", CONTEXT)


def test_a_kill_half_way_leaves_no_target(tmp_path, start_worker):
    (tmp_path / "data").write_bytes(b"x" * 2_000_000)
    worker = start_worker(SEAL, str(tmp_path))
    assert worker.hear() == "half-way"
    worker.kill()
    assert not (tmp_path / "data.sealed").exists()
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.glob(".data.sealed*"))


def test_equal_contents_do_not_look_alike(vault):
    assert sealed(vault, b"x" * 100)[HEADER:] != sealed(vault, b"x" * 100)[HEADER:]
