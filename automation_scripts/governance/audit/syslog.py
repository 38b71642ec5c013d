"""Entries as syslog messages (RFC 5424), and a sender (RFC 5425 over TLS, RFC 6587 over TCP, RFC 5426 over UDP)."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from automation_scripts.errors import AuditUnavailable, ConfigurationError
from automation_scripts.governance.audit.records import Entry

SD_ID = "audit@32473"
"""32473 is the enterprise number that RFC 5612 reserves for documentation: this project has none of its own."""

_FACILITY = 13  # log audit, RFC 5424 table 1
_WARNING, _NOTICE = 4, 5
_BAD = frozenset({"denied", "failed", "refused", "locked", "crashed", "timed_out"})
_PARAMETERS = (
    "action",
    "actor",
    "claimed_user",
    "authentication",
    "outcome",
    "script",
    "environment",
    "execution_id",
    "request_id",
    "trace_id",
    "resource",
)
_ESCAPED = re.compile(r'["\\\]]')
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PORTS = {"tls": 6514, "tcp": 601, "udp": 514}


def to_syslog(entry: Entry) -> str:
    """One message without framing, never with a line break in it. The entry itself is the text of the message."""
    severity = _WARNING if entry.text("outcome") in _BAD else _NOTICE
    pid = entry.members.get("pid")
    header = " ".join(
        (
            f"<{_FACILITY * 8 + severity}>1",
            _header(entry.text("time"), 32),
            _header(entry.text("host"), 255),
            "automation",
            _header(str(pid) if pid is not None else "", 128),
            _header(entry.text("action"), 32),
        )
    )
    parameters = [("index", str(entry.index)), *((name, entry.text(name)) for name in _PARAMETERS)]
    data = " ".join(f'{name}="{_value(value)}"' for name, value in parameters if value)
    text = _visible(entry.raw.decode("utf-8", "replace"))
    return f"{header} [{SD_ID} {data}] \ufeff{text}"


class SyslogSender:
    """Sends messages to `tls://host:6514`, `tcp://host:601` or `udp://host:514`.

    Certificates are checked, always. Without TLS only a loopback address is taken, unless `allow_plain`: whoever listens
    on the way would read, and could change, the audit trail.

    Args:
        address: where to.
        ca_file: the authority of a private certificate; by default those of the system.
        allow_plain: also send in clear to another host.
        timeout_s: of connecting and sending, in seconds.

    Raises:
        ConfigurationError: the address is none, or it would go in clear to another host.
    """

    def __init__(
        self, address: str, *, ca_file: Path | None = None, allow_plain: bool = False, timeout_s: float = 10.0
    ) -> None:
        shown = without_user(address)
        try:
            parts = urlsplit(address)
            port = parts.port
        except ValueError as error:
            raise ConfigurationError(f"{shown!r} is not a syslog address: {error}. {_EXAMPLES}") from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ConfigurationError(f"{shown!r} is not a syslog address. {_EXAMPLES}")
        self.scheme, self.host = parts.scheme, parts.hostname
        self.port = port if port is not None else _PORTS[parts.scheme]
        self.timeout_s = timeout_s
        if parts.scheme != "tls" and not allow_plain and not _is_loopback(self.host):
            raise ConfigurationError(
                f"{shown!r} would send the audit trail in clear to another host. Use tls://, or allow it expressly."
            )
        self._ca_file = ca_file
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, entries: Iterable[Entry]) -> int:
        """Send entries in order; returns how many. Raises AuditUnavailable when the connection fails.

        Syslog has no acknowledgement: what was sent last before a failure may be lost.
        """
        count = 0
        try:
            if self._socket is None:
                self._socket = self._connect()
            for entry in entries:
                self._socket.sendall(self._framed(to_syslog(entry)))
                count += 1
        except OSError as error:
            self.close()
            raise AuditUnavailable(
                f"The syslog server {self.scheme}://{self.host}:{self.port} cannot be used after {count} messages: "
                f"{error}. Check the address, the certificate and the network."
            ) from error
        return count

    def close(self) -> None:
        """Close the connection; the next `send` opens a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _framed(self, message: str) -> bytes:
        data = message.encode()
        if self.scheme == "udp":
            return data
        return b"%d %s" % (len(data), data)  # octet counting: no text can look like the next message

    def _connect(self) -> socket.socket:
        if self.scheme == "udp":
            family, kind, protocol, _, place = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_DGRAM)[0]
            plain = socket.socket(family, kind, protocol)
            plain.settimeout(self.timeout_s)
            plain.connect(place)
            return plain
        plain = socket.create_connection((self.host, self.port), timeout=self.timeout_s)
        if self.scheme == "tcp":
            return plain
        context = ssl.create_default_context(cafile=str(self._ca_file) if self._ca_file else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            return context.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


_EXAMPLES = "Use for example tls://logs.example.com:6514, or udp://127.0.0.1:514."


def without_user(address: str) -> str:
    """The address as it may be shown and recorded: syslog knows no user, and who writes one may have added a password."""
    scheme, separator, rest = address.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _is_loopback(host: str) -> bool:
    """By address, not by what a resolver says, except for the one name that RFC 6761 reserves."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _header(text: str, longest: int) -> str:
    """A header field: printable ASCII without spaces; a dash for nothing."""
    return "".join(c if "!" <= c <= "~" else "?" for c in text)[:longest] or "-"


def _value(text: str) -> str:
    """A parameter's value: three characters are escaped by RFC 5424, section 6.3.3."""
    return _ESCAPED.sub(lambda found: "\\" + found.group(), _visible(text))


def _visible(text: str) -> str:
    """Control characters as their pictures (U+2400 …), so that no receiver sees a new line in them."""
    return _CONTROL.sub(lambda found: "\u2421" if found.group() == "\x7f" else chr(0x2400 + ord(found.group())), text)
