"""Bytes to text, and offsets to lines and columns."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.validation.input.text import LineIndex, decode, looks_binary


def test_a_utf8_byte_order_mark_is_no_part_of_the_text_and_is_written_back() -> None:
    decoded = decode(codecs.BOM_UTF8 + b"a: 1\n", "x.yaml")
    assert decoded.text == "a: 1\n"
    assert decoded.encode("a: 2\n") == codecs.BOM_UTF8 + b"a: 2\n"


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
        (b"", "utf-32-le"),
        (b"", "utf-32-be"),
    ],
)
def test_wide_encodings_are_read_reported_and_written_back(mark: bytes, encoding: str) -> None:
    text = "name: Zoë 😀\nport: 80\n"
    data = mark + text.encode(encoding)
    decoded = decode(data, "x.yaml")
    assert decoded.text == text
    assert decoded.encode(decoded.text) == data
    assert [f.rule_id for f in decoded.findings] == ["file/encoding"]


def test_bytes_that_are_no_utf8_are_found_where_they_stand() -> None:
    decoded = decode(b"a: 1\nname: Zo" + b"\xeb" + b"\nb: 2\n", "x.yaml")
    assert decoded.lossy
    assert decoded.text == "a: 1\nname: Zo\ufffd\nb: 2\n"
    [finding] = decoded.findings
    assert (finding.line, finding.column, finding.tags) == (2, 9, ("syntax",))
    assert "0xEB" in finding.message


def test_many_bad_bytes_end_in_a_bounded_number_of_findings() -> None:
    decoded = decode(b"a: \xff\n" * 5000, "x.yaml")
    assert 1 <= len(decoded.findings) <= 50
    assert decoded.text.count("\n") == 5000


def test_one_stray_nul_is_text_and_a_compressed_file_is_not() -> None:
    assert not looks_binary(b"key: va\x00lue\nother: value\n")
    assert looks_binary(b"\x1f\x8b\x08\x00" + bytes(range(256)) * 4)
    assert looks_binary(b"\x7fELF\x02\x01\x01" + b"\x00" * 60)
    assert not looks_binary("schlüssel: wert\n".encode("latin-1"))
    assert not looks_binary("a: 1\n".encode("utf-16"))
    assert not looks_binary(b"")


def test_lines_end_at_lf_crlf_and_cr_but_not_at_unicode_separators() -> None:
    index = LineIndex("a\r\nb\rc\nd\u2028e\x85f")
    assert index.lines == 4
    assert [index.line_text(n) for n in range(1, 6)] == ["a", "b", "c", "d\u2028e\x85f", ""]


def test_columns_count_code_points() -> None:
    index = LineIndex("😀é: x\n")
    assert index.position(4) == (1, 5)
    assert index.offset(1, 5) == 4


def test_a_position_outside_the_text_is_refused() -> None:
    index = LineIndex("ab\nc")
    for line, column in [(0, 1), (3, 1), (2, 3), (1, 5), (1, 0)]:
        with pytest.raises(ValueError, match="outside"):
            index.offset(line, column)


@given(st.text(alphabet="ab\r\n😀\u2028 "))
def test_position_and_offset_are_inverse(text: str) -> None:
    index = LineIndex(text)
    for offset in range(len(text) + 1):
        assert index.offset(*index.position(offset)) == offset


@given(st.binary(max_size=200))
def test_any_bytes_decode_without_an_exception(data: bytes) -> None:
    decoded = decode(data, "x")
    looks_binary(data)
    if not decoded.lossy:
        assert decoded.encode(decoded.text) == data
    else:
        assert decoded.findings
