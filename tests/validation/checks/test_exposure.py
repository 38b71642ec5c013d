"""What is reachable from everywhere, and what only looks so."""

from __future__ import annotations

import pytest

from automation_scripts.results import Severity
from automation_scripts.validation.security.check import check_security

from .marked import assert_marked, parsed

COMPOSE = """\
services:
  db:
    image: postgres:16
    ports:
      - "5432:5432"                # expect: open-to-world
      - "0.0.0.0:6379:6379"        # expect: open-to-world
      - "15432:5432"               # expect: open-to-world
      - target: 27017              # expect: open-to-world
        published: 27017
      - "127.0.0.1:3306:3306"
      - "[::1]:9200:9200"
      - "${BIND:-127.0.0.1}:11211:11211"
      - "8080:80"
      - "443:443"
      - 5433
"""

SECURITY_GROUP = """\
AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: x
      SecurityGroupIngress:
        - {IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/0}       # expect: open-to-world
        - IpProtocol: "-1"
          CidrIpv6: ::/0                                                       # expect: open-to-world
        - {IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0}
        - {IpProtocol: tcp, FromPort: 5432, ToPort: 5432, CidrIp: 10.0.0.0/8}
      SecurityGroupEgress:
        - {IpProtocol: "-1", CidrIp: 0.0.0.0/0}
  Route:
    Type: AWS::EC2::Route
    Properties: {DestinationCidrBlock: 0.0.0.0/0, RouteTableId: rtb-1}
"""

KUBERNETES = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  loadBalancerSourceRanges: [0.0.0.0/0]   # expect: open-to-world
  ports: [{port: 22}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: out}
spec:
  podSelector: {}
  egress:
    - to: [{ipBlock: {cidr: 0.0.0.0/0}}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: in}
spec:
  podSelector: {}
  ingress:
    - from: [{ipBlock: {cidr: 0.0.0.0/0}}]   # expect: open-to-world
"""

SETTINGS = """\
docker: {hosts: ["unix:///var/run/docker.sock", "tcp://0.0.0.0:2375"]}   # expect: open-to-world
net:
  bindIp: 127.0.0.1,0.0.0.0       # expect: open-to-world
server:
  host: 0.0.0.0
  listen: 0.0.0.0:8080
database:
  publicly_accessible: true       # expect: open-to-world
bucket:
  acl: public-read                # expect: open-to-world
  block_public_acls: false        # expect: open-to-world
bindings:
  - role: roles/storage.objectViewer
    members: [allUsers, "group:ops@example.com"]   # expect: open-to-world
cors:
  origin: "*"                     # expect: open-to-world
allowed_origins: ["*"]            # expect: open-to-world
other_origins: ["https://app.example.com"]
wireguard:
  peers: [{name: laptop, allowed_ips: 0.0.0.0/0}]
pattern: "*"
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("compose.yaml", COMPOSE),
        ("template.yaml", SECURITY_GROUP),
        ("net.yaml", KUBERNETES),
        ("app.yaml", SETTINGS),
    ],
)
def test_open_doors_are_found_and_closed_ones_are_not(name: str, text: str) -> None:
    assert_marked(check_security, text, name)


def test_a_named_interface_weighs_more_than_a_habit() -> None:
    by_line = {f.line: f.severity for f in check_security([parsed(COMPOSE, "compose.yaml")])}
    assert by_line[5] is Severity.MEDIUM and by_line[6] is Severity.HIGH


def test_the_message_names_the_worst_port_in_reach() -> None:
    found = {f.line: f for f in check_security([parsed(SECURITY_GROUP, "template.yaml")])}
    assert "SSH (port 22)" in found[8].message and found[8].severity is Severity.HIGH


def test_json_is_read_with_the_same_eyes() -> None:
    text = '{"rule": {"direction": "ingress", "from_port": 3389, "to_port": 3389,\n "cidr_blocks": ["0.0.0.0/0"]}}'
    (finding,) = check_security([parsed(text, "rule.json")])
    assert (finding.line, finding.column, finding.tags) == (2, 18, ("open-to-world",))
    egress = text.replace("ingress", "egress")
    assert check_security([parsed(egress, "rule.json")]) == []
