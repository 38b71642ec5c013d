"""What is reachable from everywhere: firewall rules and published database ports.

CWE-284 (improper access control), CWE-668 (exposure to the wrong sphere).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity, TextEdit
from automation_scripts.validation.documents.compose_services import PublishedPort, Service, published_ports, services
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.pointing import replace
from automation_scripts.validation.documents.scalars import int_of, items, pairs, text_of
from automation_scripts.validation.documents.selectors import Match
from automation_scripts.validation.documents.tree import Kind, Node, Style
from automation_scripts.validation.security.ports import DATA_STORES, SENSITIVE_PORTS
from automation_scripts.validation.security.scanning import holding, scalars_with
from automation_scripts.validation.values.secret_words import words_of
from automation_scripts.validation.values.word_lists import words

_WEB = frozenset((80, 443, 8080, 8443))
_CIDR_ANYWHERE = re.compile(r"0\.0\.0\.0/0|::/0")
_LOOPBACK = re.compile(r"127\.|::1$|localhost$|\$\{")
_OUTBOUND = words("outbound")
_VPN = words("vpn")
_SOURCE_KEYS = words("source keys")


_DESCRIBED_ONLY = frozenset(("openapi", "package-json", "tsconfig"))


def check_exposure(corpus: Corpus) -> list[Finding]:
    """Everything that is open to the world in every document."""
    found: list[Finding] = []
    for document in corpus.of("compose"):
        for service in services(document):
            found += _compose_ports(service)
    for document in holding(corpus, "0.0.0.0/0", "::/0"):
        found += _open_ranges(document) if document.kind not in _DESCRIBED_ONLY else ()
        found += _open_parameters(document)
    return found


# ----- published ports -------------------------------------------------------------------------------------------


def _compose_ports(service: Service) -> Iterator[Finding]:
    if text_of(service.node.get("network_mode")) == "host":
        return
    for port in published_ports(service):
        number = port.target if port.target is not None else port.first
        if number not in DATA_STORES or port.protocol == "udp" or _LOOPBACK.match(port.host_ip):
            continue
        explicit = port.host_ip in ("0.0.0.0", "::")  # noqa: S104 (what is looked for)
        yield service.document.finding(
            port.node.span,
            "security/published-port",
            Severity.HIGH if explicit else Severity.MEDIUM,
            f"Service '{service.name}' publishes {SENSITIVE_PORTS[number]} (port {port.first}) on every interface of the host"
            f"{', and Docker opens the firewall for it' if not explicit else ''}.",
            "open-to-world",
            path=(*service.path, "ports"),
            suggestion=f"Bind it to loopback ({_bound(port)}), or leave it out: services of one network reach each other without.",
            fix=_on_loopback(service, port),
            cwe="CWE-668",
        )


def _bound(port: PublishedPort) -> str:
    return f"127.0.0.1:{port.first}:{port.target or port.first}"


def _on_loopback(service: Service, port: PublishedPort) -> tuple[TextEdit, ...]:
    """The edit that publishes the port on loopback only; none for the long form without an address, and for aliases."""
    node, file = port.node, service.document.file
    if node.kind is Kind.MAP:
        address = node.get("host_ip")
        plain = address is not None and address.style is not Style.LITERAL and address.anchor is None
        return (replace(file, address.span, "127.0.0.1"),) if address is not None and plain else ()
    if node.anchor or ":" not in node.value:
        return ()
    length = len(port.host_ip) if not port.host_ip or node.value.startswith(port.host_ip) else len(f"[{port.host_ip}]")
    quote = node.style in (Style.SINGLE, Style.DOUBLE)
    start = node.span.start + quote
    span = service.document.lines.span(start, start + length)
    if file.text[span.start : span.end] != node.value[:length]:
        return ()
    return (replace(file, span, "127.0.0.1" if length else "127.0.0.1:"),)


# ----- firewall rules --------------------------------------------------------------------------------------------


def _open_ranges(document: CheckedDocument) -> Iterator[Finding]:
    for match in scalars_with(document, "0.0.0.0/0", "::/0"):
        if len(match.node.value) > 500:
            continue
        parts = re.split(r"[\s,]+", match.node.value.strip())
        if not any(_CIDR_ANYWHERE.fullmatch(part) for part in parts) or not _is_source(document, match):
            continue
        ports = _ports_beside(document, match)
        if "NetworkAcl" in _resource_type(document, match) and not (0 < sum(b - a + 1 for a, b in ports) < 1024):
            continue  # a list for a whole subnet mostly lets everything pass; security groups decide
        sensitive = sorted(port for port in SENSITIVE_PORTS if any(low <= port <= high for low, high in ports))
        if ports and all(low == high and low in _WEB for low, high in ports):
            continue  # a web site is meant to be reached
        severity = Severity.HIGH if sensitive else Severity.MEDIUM
        what = f", {SENSITIVE_PORTS[sensitive[0]]} (port {sensitive[0]}) included" if sensitive else ""
        yield document.finding(
            match.node.span,
            "security/open-ingress",
            severity,
            f"Access is allowed from every address on the internet{what}.",
            "open-to-world",
            path=match.path,
            suggestion="Name the networks that need access, or reach it through a VPN or a bastion.",
            cwe="CWE-284",
        )


def _open_parameters(document: CheckedDocument) -> Iterator[Finding]:
    """Parameters of a template that open a security group to everyone unless somebody says otherwise."""
    if document.kind != "cloudformation":
        return
    defaults = {
        key.value: value
        for key, parameter in pairs(document.root.get("Parameters"))
        if (value := parameter.get("Default")) is not None and text_of(value) in ("0.0.0.0/0", "::/0")
    }
    for match in document.index.keyed("CidrIp", "CidrIpv6") if defaults else ():
        name = text_of(match.node.get("Ref")) if match.node.kind is Kind.MAP else match.node.value
        default = defaults.get(name or "")
        if default is None or not (match.node.tag == "!Ref" or match.node.kind is Kind.MAP):
            continue
        ports = _ports_beside(document, match)
        is_web = ports and all(low == high and low in _WEB for low, high in ports)
        if not is_web and _is_source(document, match):
            del defaults[name or ""]
            yield document.finding(
                default.span,
                "security/open-ingress",
                Severity.MEDIUM,
                f"Unless somebody says otherwise, the parameter '{name}' lets every address on the internet in.",
                "open-to-world",
                path=("Parameters", name or "", "Default"),
                suggestion="Leave the default out, so that whoever creates the stack names a network.",
                cwe="CWE-284",
            )


def _is_source(document: CheckedDocument, match: Match) -> bool:
    """True when the range says who may come in, not where traffic may go."""
    steps = [step for step in match.path if isinstance(step, str)]
    if not steps:
        return False
    words = [word for step in steps for word in words_of(step)]
    joined = {"_".join(words_of(step)) for step in steps}
    if (set(words) | joined) & (_OUTBOUND | _VPN):
        return False
    key = "_".join(words_of(steps[-1])).lower()
    if key not in _SOURCE_KEYS and not key.endswith(
        ("_cidr", "_cidrs", "_cidr_blocks", "_source_ranges", "_cidr_block")
    ):
        return False
    if key == "source" and document.kind == "kubernetes":
        return False
    if _direction(document, match) in ("egress", "outbound"):
        return False
    owner = _resource_type(document, match)
    if owner:
        return "SecurityGroup" in owner or "NetworkAcl" in owner or "Cluster" in owner or owner.endswith("Rule")
    if key in ("value", "sources", "source", "cidr", "cidr_block", "ip_range", "ip_ranges"):
        # Common words: they must stand in a rule about coming in.
        return bool(
            set(words) & {"ingress", "inbound", "firewall", "security", "allow", "sg", "acl", "ipblock", "block"}
        )
    return True


def _resource_type(document: CheckedDocument, match: Match) -> str:
    """The CloudFormation type of the resource that a node stands in; empty elsewhere."""
    if document.kind != "cloudformation" or len(match.path) < 2:
        return ""
    if match.path[0] != "Resources":
        return "Other"
    return text_of(document.root.at((*match.path[:2], "Type"))) or "Other"


def _direction(document: CheckedDocument, match: Match) -> str:
    """What the nearest map says of its direction."""
    path = match.path[:-1] if isinstance(match.path[-1], str) else match.path[:-2]
    rule = document.root.at(path)
    texts = (text_of(rule.get(name)) for name in ("direction", "Direction", "type")) if rule is not None else ()
    return next((text.lower() for text in texts if text), "")


def _rule_map(document: CheckedDocument, match: Match) -> Node | None:
    """The map that describes the whole rule: the nearest one above that names ports."""
    for length in range(len(match.path) - 1, -1, -1):
        node = document.root.at(match.path[:length])
        if node is not None and node.kind is Kind.MAP and any(node.entry(key) for key in _PORT_KEYS):
            return node
        if len(match.path) - length > 4:
            break
    return None


_PORT_KEYS = (
    "FromPort", "from_port", "fromPort", "port", "ports", "to_port", "ToPort", "destination_port_range", "port_range_min",
    "IpProtocol", "ip_protocol", "protocol", "PortRange", "destinationPortRange", "allowed",
)  # fmt: skip


def _ports_beside(document: CheckedDocument, match: Match) -> list[tuple[int, int]]:
    rule = _rule_map(document, match)
    if rule is None:
        return []
    for low_key, high_key in (
        ("FromPort", "ToPort"),
        ("from_port", "to_port"),
        ("fromPort", "toPort"),
        ("port_range_min", "port_range_max"),
    ):
        low, high = int_of(rule.get(low_key)), int_of(rule.get(high_key))
        if low is not None:
            return [(max(low, 0), high if high not in (None, -1) else 65535)] if low >= 0 else [(0, 65535)]
    protocol = (
        text_of(rule.get("IpProtocol")) or text_of(rule.get("ip_protocol")) or text_of(rule.get("protocol")) or ""
    )
    if protocol in ("-1", "all"):
        return [(0, 65535)]
    found = []
    for key in ("port", "ports", "destination_port_range", "destinationPortRange"):
        for item in items(rule.get(key)):
            text = text_of(item.get("port") if item.kind is Kind.MAP else item) or ""
            if number := re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", text):
                found.append((int(number[1]), int(number[2] or number[1])))
    return found
