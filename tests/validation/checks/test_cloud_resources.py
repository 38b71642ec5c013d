"""CloudFormation and SAM: properties that are wrong or missing, each at its line, and templates that are sound."""

from __future__ import annotations

import pytest

from automation_scripts.results import Severity
from automation_scripts.validation.security.check import check_security
from automation_scripts.validation.security.cloud_resources import resource_rules

from .marked import assert_marked, parsed

BAD = """\
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  DbPassword: {Type: String, Default: "hunter22!", MinLength: 8}    # expect: hardcoded-secret, hardcoded-secret
  AdminRange: {Type: String, Default: 0.0.0.0/0}                     # expect: open-to-world
Resources:
  Disk:                                          # expect: unencrypted
    Type: AWS::EC2::Volume
    Properties: {Size: 10, AvailabilityZone: a}
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      StorageEncrypted: false                    # expect: unencrypted
      PubliclyAccessible: true                   # expect: open-to-world
      MasterUserPassword: !Ref DbPassword
  Key:                                           # expect: unencrypted
    Type: AWS::KMS::Key
    Properties: {KeyPolicy: {Statement: []}}
  Cache:                                         # expect: unencrypted, unencrypted
    Type: AWS::ElastiCache::ReplicationGroup
  Listener:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties:
      Protocol: HTTP                             # expect: unencrypted
      DefaultActions: [{Type: forward}]
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      SecurityGroupIngress:
        - {IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !Ref AdminRange}
        - {IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0}
        - {IpProtocol: tcp, FromPort: 3306, ToPort: 3306, CidrIp: 0.0.0.0/0}   # expect: open-to-world
  Template:
    Type: AWS::EC2::LaunchTemplate
    Properties:
      LaunchTemplateData:
        MetadataOptions:
          HttpTokens: optional                   # expect: auth-off
        BlockDeviceMappings:
          - DeviceName: /dev/a
            Ebs:                                 # expect: unencrypted
              VolumeSize: 8
          - DeviceName: /dev/b
            Ebs: {Encrypted: true}
          - {DeviceName: /dev/c, NoDevice: ""}
  Function:
    Type: AWS::Lambda::Function
    Properties: {Runtime: python3.7}             # expect: deprecated-api
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      PidMode: host                              # expect: host-namespace
      ContainerDefinitions:
        - Name: web                              # expect: writable-rootfs
          Image: nginx:latest                    # expect: latest-tag
          Privileged: true                       # expect: privileged
  Policy:
    Type: AWS::IAM::Policy
    Properties:
      PolicyDocument:
        Statement:
          - {Effect: Allow, Action: "*", Resource: "*"}              # expect: wildcard-perm
          - {Effect: Allow, Action: "iam:PassRole", Resource: "*"}   # expect: wildcard-perm
          - {Effect: Allow, Action: "s3:PutObject", Resource: "*"}   # expect: wildcard-perm
          - {Effect: Allow, Action: "ec2:DescribeInstances", Resource: "*"}
          - {Effect: Allow, Action: "s3:PutObject", Resource: "arn:aws:s3:::a/*"}
  Trail:
    Type: AWS::CloudTrail::Trail
    Properties: {IsLogging: false, EnableLogFileValidation: true, KMSKeyId: a}   # expect: auth-off
"""

GOOD = """\
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  DbPassword: {Type: String, NoEcho: true}
  Encrypt: {Type: String, Default: "true"}
Conditions: {Prod: !Equals [a, b]}
Resources:
  Disk: {Type: "AWS::EC2::Volume", Properties: {Encrypted: !Ref Encrypt}}
  Copy: {Type: "AWS::EC2::Volume", Properties: {SnapshotId: snap-1}}
  Replica: {Type: "AWS::RDS::DBInstance", Properties: {SourceDBInstanceIdentifier: !Ref Database}}
  Database:
    Type: AWS::RDS::DBInstance
    Properties: {StorageEncrypted: !If [Prod, true, false], PubliclyAccessible: false}
  Made: {Type: "AWS::KMS::Key", Properties: !If [Prod, {}, {}]}
  Redirect:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties: {Protocol: HTTP, DefaultActions: [{Type: redirect, RedirectConfig: {Protocol: HTTPS, StatusCode: HTTP_301}}]}
  Secure:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties: {Protocol: HTTPS, SslPolicy: ELBSecurityPolicy-TLS13-1-2-2021-06}
  Topic: {Type: "AWS::SNS::Topic", Properties: {KmsMasterKeyId: alias/aws/sns}}
  Function: {Type: "AWS::Lambda::Function", Properties: {Runtime: python3.13}}
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      BucketEncryption: {ServerSideEncryptionConfiguration: []}
      PublicAccessBlockConfiguration:
        {BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true}
  Endpoint:
    Type: AWS::EC2::VPCEndpoint
    Properties: {PolicyDocument: {Statement: [{Effect: Allow, Action: "*", Resource: "*", Principal: "*"}]}}
  Key:
    Type: AWS::KMS::Key
    Properties:
      EnableKeyRotation: true
      KeyPolicy: {Statement: [{Effect: Allow, Action: "kms:*", Resource: "*", Principal: {AWS: "arn:aws:iam::1:root"}}]}
"""


def test_what_is_wrong_or_missing_is_found_on_its_line() -> None:
    assert_marked(check_security, BAD, "template.yaml")


def test_a_sound_template_is_silent() -> None:
    assert_marked(check_security, GOOD, "template.yaml")


def test_json_templates() -> None:
    text = '{"Resources": {\n"Disk": {"Type": "AWS::EC2::Volume",\n"Properties": {"Encrypted": false}}}}\n'
    (found,) = check_security([parsed(text, "template.json")])
    assert (found.line, found.tags) == (3, ("unencrypted",))
    assert [edit.text for edit in found.fix] == ["true"]


def test_what_the_provider_does_by_itself_is_a_remark_only() -> None:
    text = "Resources:\n  Bucket:\n    Type: AWS::S3::Bucket\n"
    assert {f.severity for f in check_security([parsed(text, "a.yaml")])} == {Severity.INFO}


def test_the_runtime_of_all_functions() -> None:
    text = "AWSTemplateFormatVersion: x\nGlobals:\n  Function:\n    Runtime: nodejs12.x   # expect: deprecated-api\n"
    assert_marked(check_security, text, "template.yaml")


@pytest.mark.parametrize("rule", resource_rules(), ids=lambda rule: str(rule.id))
def test_every_row_of_the_table_can_be_met(rule: object) -> None:
    """Each row that has a plain bad value or counts absence is found in a resource made for it."""
    from automation_scripts.validation.security.cloud_resources import ResourceRule

    assert isinstance(rule, ResourceRule) and rule.checks
    for check in rule.checks:
        kind = sorted(check.types)[0]
        value = next((v for v in _VALUES if check.bad.fullmatch(v)), None)
        assert value is not None or check.absent, (rule.id, check.shown)
        if value is None:
            continue
        beside = "".join(f"{steps[0]}: HTTPS\n      " for steps, _ in check.when if steps[0] == "Protocol")
        text = f"Resources:\n  R:\n    Type: {kind}\n    Properties:\n      {beside}{_nested(check.steps, value)}\n"
        text += "      HttpMethod: GET\n" if any(steps == ("HttpMethod",) for steps, _ in check.when) else ""
        found = check_security([parsed(text, "a.yaml")])
        assert rule.tag in {f.tags[0] for f in found}, (rule.id, check.shown, text)


_VALUES = (
    "false", "true", "HTTP", "http", "none", "disabled", "enabled", "public", "host", "ftp", "optional", "TLS_1_0", "off",
    "tls_plaintext", "PublicRead", "allow_all", "python2.7", "nginx:latest", "root", "SSLv3", "Policy-Min-TLS-1-0-2019-07",
    "ELBSecurityPolicy-2016-08", "SERVICE_PROVIDED_EIPS",
)  # fmt: skip


def _nested(steps: tuple[str, ...], value: str) -> str:
    text = f"'{value}'"
    for step in reversed(steps):
        text = f"[{text}]" if step == "[]" else f"{{{step}: {text}}}"
    return text[1:-1]
