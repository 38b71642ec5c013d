"""Exports: JSON lines, OCSF and syslog; and sending."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from automation_scripts.errors import AuditUnavailable, ConfigurationError
from automation_scripts.governance.audit.export import FORMATS, export
from automation_scripts.governance.audit.ocsf import to_ocsf
from automation_scripts.governance.audit.records import Entry, canonical, prepare
from automation_scripts.governance.audit.search import read_all
from automation_scripts.governance.audit.syslog import SyslogSender, to_syslog
from tests.governance.audit.conftest import record

# RFC 5424, section 6, without the text of the message.
SYSLOG = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z) (?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48}) "
    r"(?P<pid>[!-~]{1,128}) (?P<msgid>[!-~]{1,32}) "
    r"\[(?P<id>[!-<>-\\^-~]{1,32})(?P<data>(?: [!-<>-\\^-~]{1,32}=\"(?:[^\"\\\]]|\\[\"\\\]])*\")*)\] \ufeff(?P<text>.*)"
)


def entry(**changes: object) -> Entry:
    members = prepare(record(**changes)) | {
        "index": 7, "host": "web-1", "pid": 42, "version": 1, "time": "2026-03-29T01:00:00.123456Z",
    }  # fmt: skip
    return Entry(7, canonical(members), members)


def test_every_format_has_one_line_an_entry(log):
    log.append_many([record(number, details={"text": "a\nb\u2028c"}) for number in range(3)])
    for form in FORMATS:
        lines = list(export(read_all(log), form))
        assert len(lines) == 3
        assert not any("\n" in line for line in lines)
    raw = [one.raw.decode() for one in read_all(log)]
    assert list(export(read_all(log), "jsonl")) == raw


@pytest.mark.parametrize(
    ("changes", "class_uid", "activity_id", "status_id", "severity_id"),
    [
        ({"action": "login", "outcome": "succeeded"}, 3002, 1, 1, 1),
        ({"action": "login", "outcome": "denied", "actor": "", "claimed_user": "eve"}, 3002, 1, 2, 3),
        ({"action": "logout", "outcome": "succeeded"}, 3002, 2, 1, 1),
        ({"action": "mfa.verify", "outcome": "failed"}, 3002, 99, 2, 3),
        ({"action": "mfa.enrol", "outcome": "succeeded"}, 3001, 10, 1, 1),
        ({"action": "user.create", "resource": "grace", "outcome": "succeeded"}, 3001, 1, 1, 2),
        ({"action": "user.lock", "resource": "grace", "outcome": "succeeded"}, 3001, 9, 1, 2),
        ({"action": "run.intent", "outcome": "intent"}, 6003, 99, 99, 1),
        ({"action": "run.outcome", "outcome": "failed"}, 6003, 99, 2, 3),
        ({"action": "policy.change", "outcome": "succeeded"}, 6003, 3, 1, 2),
        ({"action": "token.revoke", "outcome": "succeeded"}, 6003, 4, 1, 2),
        ({"action": "break_glass.use", "outcome": "allowed"}, 6003, 99, 1, 4),
        ({"action": "logins", "outcome": "?"}, 6003, 99, 99, 1),
    ],
)
def test_an_ocsf_event_has_its_class_and_what_the_class_requires(
    changes, class_uid, activity_id, status_id, severity_id
):
    event = json.loads(json.dumps(to_ocsf(entry(**changes))))
    assert (event["class_uid"], event["activity_id"]) == (class_uid, activity_id)
    assert event["type_uid"] == class_uid * 100 + activity_id
    assert event["category_uid"] == class_uid // 1000
    assert (event["status_id"], event["severity_id"]) == (status_id, severity_id)
    assert event["time"] == 1774746000123
    assert event["metadata"]["version"] == "1.3.0"
    assert event["metadata"]["product"]["name"] == "automation_scripts"
    required = {3001: {"user"}, 3002: {"user", "service"}, 6003: {"actor", "api", "src_endpoint"}}[class_uid]
    assert required <= event.keys()
    assert all(event[name] for name in required)


def test_an_ocsf_event_names_who_and_what():
    login = to_ocsf(entry(action="login", actor="", claimed_user="eve", outcome="denied", reasons=["locked", "ip"]))
    assert login["user"]["name"] == "eve"
    assert login["status_detail"] == "locked; ip"
    run = to_ocsf(entry(action="run.intent", outcome="intent", request_id="req_1"))
    assert run["actor"]["user"]["name"] == "ada"
    assert run["api"] == {
        "operation": "run.intent", "service": {"name": "automation_scripts"}, "request": {"uid": "req_1"},
    }  # fmt: skip
    assert run["resources"] == [{"name": "config_validator"}]
    assert run["metadata"]["correlation_uid"] == "exec_0000"
    assert run["message"] == "run.intent by ada on config_validator in staging intended"


def test_a_syslog_message_of_the_rfc():
    found = SYSLOG.fullmatch(to_syslog(entry(resource='a"b\\c]d\n')))
    assert found is not None
    assert found["pri"] == str(13 * 8 + 5)
    assert (found["host"], found["app"], found["pid"], found["msgid"]) == ("web-1", "automation", "42", "run.outcome")
    assert found["id"] == "audit@32473"
    assert r'resource="a\"b\\c\]d␊"' in found["data"]
    assert json.loads(found["text"])["actor"] == "ada"
    assert to_syslog(entry(outcome="denied")).startswith("<108>1 ")


@settings(deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_breaks_out_of_a_syslog_message(actor, action):
    message = to_syslog(entry(actor=actor, action="x" + action))
    assert SYSLOG.fullmatch(message)
    assert "\n" not in message
    assert "\r" not in message
    assert "\0" not in message


class Receiver(threading.Thread):
    """Takes one connection and keeps what it says."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.context = context
        self.data = b""
        self.start()

    def run(self) -> None:
        connection, _ = self.listener.accept()
        try:
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            while chunk := connection.recv(65536):
                self.data += chunk
        except OSError:
            pass
        finally:
            connection.close()
            self.listener.close()


def frames(data: bytes) -> list[str]:
    """Octet counting, RFC 6587 section 3.4.1."""
    found = []
    while data:
        length, _, data = data.partition(b" ")
        found.append(data[: int(length)].decode())
        data = data[int(length) :]
    return found


ENTRIES = [entry(details={"text": "é\n1 <14>1 forged"}), entry(outcome="denied")]


def test_messages_over_tcp_are_counted_so_that_none_can_be_forged():
    receiver = Receiver()
    with SyslogSender(f"tcp://127.0.0.1:{receiver.port}") as sender:
        assert sender.send(ENTRIES) == 2
    receiver.join(10)
    assert frames(receiver.data) == [to_syslog(one) for one in ENTRIES]


def test_messages_over_udp_are_datagrams():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        with SyslogSender(f"udp://127.0.0.1:{receiver.getsockname()[1]}") as sender:
            sender.send(ENTRIES)
        assert [receiver.recv(65536).decode() for _ in ENTRIES] == [to_syslog(one) for one in ENTRIES]


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def tls(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.fixture
def ca_file(authority, tmp_path):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def test_messages_over_tls(authority, ca_file):
    receiver = Receiver(tls(authority, "127.0.0.1"))
    with SyslogSender(f"tls://127.0.0.1:{receiver.port}", ca_file=ca_file) as sender:
        sender.send(ENTRIES)
    receiver.join(10)
    assert frames(receiver.data) == [to_syslog(one) for one in ENTRIES]


def test_a_certificate_of_another_host_or_authority_is_refused(authority, ca_file, tmp_path):
    for context, trusted in ((tls(authority, "other.example"), ca_file), (tls(authority, "127.0.0.1"), None)):
        receiver = Receiver(context)
        sender = SyslogSender(f"tls://127.0.0.1:{receiver.port}", ca_file=trusted)
        with pytest.raises(AuditUnavailable, match=r"cannot be used after 0 messages.*certificate"):
            sender.send(ENTRIES)
        receiver.join(10)
        assert receiver.data == b""


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("udp://logs.example.com:514", "in clear to another host"),
        ("tcp://10.0.0.1", "in clear"),
        ("tcp://127.0.0.1.example.com", "in clear"),
        ("http://127.0.0.1", "is not a syslog address"),
        ("tls://", "is not a syslog address"),
        ("tls://host:port", "is not a syslog address"),
        ("", "is not a syslog address"),
    ],
)
def test_addresses_that_are_refused(address, said):
    with pytest.raises(ConfigurationError, match=said):
        SyslogSender(address)


@pytest.mark.parametrize("address", ["udp://localhost", "tcp://[::1]:601", "udp://127.1.2.3", "tls://logs.example.com"])
def test_addresses_that_are_taken(address):
    assert SyslogSender(address).port
    assert SyslogSender("tcp://10.0.0.1", allow_plain=True).port == 601


def test_a_server_that_is_not_there_is_told():
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(AuditUnavailable, match=rf"tcp://127.0.0.1:{port} cannot be used"):
        SyslogSender(f"tcp://127.0.0.1:{port}").send(ENTRIES)
