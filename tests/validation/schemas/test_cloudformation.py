"""CloudFormation: the template's frame, and every resource against its type, with functions left open."""

from __future__ import annotations

from pathlib import Path

import pytest

from automation_scripts.validation.schemas import archive, cloudformation
from tests.validation.schemas.support import brief, check, mended

CLEAN = {
    "plain.yaml": """
        AWSTemplateFormatVersion: 2010-09-09
        Parameters:
          Size: {Type: Number, Default: "3"}
          Zone: {Type: 'AWS::EC2::AvailabilityZone::Name'}
          Image: {Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>', Default: /aws/x}
        Metadata:
          AWS::CloudFormation::Interface:
            ParameterGroups: [{Label: {default: A}, Parameters: [Size]}]
        Conditions: {IsBig: !Equals [!Ref Size, 3]}
        Resources:
          Bucket:
            Type: AWS::S3::Bucket
            DeletionPolicy: Retain
            Properties:
              BucketName: !Sub '${AWS::StackName}-x'
              VersioningConfiguration: {Status: !If [IsBig, Enabled, Suspended]}
          Queue:
            Type: AWS::SQS::Queue
            Properties: {DelaySeconds: "10", FifoQueue: "true", VisibilityTimeout: !Ref Size}
          Empty: {Type: 'AWS::CloudFormation::WaitConditionHandle', Properties: }
          Own: {Type: 'Custom::Thing', Version: "1.0", Properties: {ServiceToken: x, Anything: [1]}}
          Newer: {Type: 'AWS::Newer::Thing', Properties: {Anything: 1}}
          Code:
            Type: AWS::Lambda::Function
            Properties: {Code: ./src, Role: x, Handler: a.b, Runtime: python3.13}
          'Fn::ForEach::Topics': [Name, [A, B], {'Topic${Name}': {Type: 'AWS::SNS::Topic'}}]
        Outputs:
          Name: {Value: !Ref Bucket, Export: {Name: !Sub '${AWS::StackName}-bucket'}}
        """,
    "long-forms.json": """
        {"Resources": {"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {
          "CidrBlock": {"Fn::FindInMap": ["A", {"Ref": "AWS::Region"}, "Cidr"]},
          "EnableDnsSupport": {"Ref": "Dns"},
          "Tags": {"Fn::If": ["X", [{"Key": "a", "Value": "b"}], {"Ref": "AWS::NoValue"}]}}}}}
        """,
    "macro.yaml": """
        AWSTemplateFormatVersion: 2010-09-09
        Transform: [OurMacro]
        Resources:
          Many: {Type: 'AWS::S3::Bucket', Count: 3, Properties: {Whatever: 1}}
        """,
    "serverless.yaml": """
        Transform: AWS::Serverless-2016-10-31
        Globals: {Function: {Runtime: python3.13, Timeout: 10}}
        Resources:
          Api: {Type: 'AWS::Serverless::HttpApi'}
          Hello:
            Type: AWS::Serverless::Function
            Properties: {CodeUri: src/, Handler: a.b, Events: {Any: {Type: HttpApi}}}
        """,
}


@pytest.mark.parametrize("name", CLEAN)
def test_right_templates_give_nothing(tmp_path: Path, name: str) -> None:
    assert [(f.line, f.message) for f in check(tmp_path, {name: CLEAN[name]})] == []


def test_each_mistake_is_found_at_its_place(tmp_path: Path) -> None:
    text = """
        AWSTemplateFormatVersion: 2010-09-09
        Parameters:
          Size: {Type: Number, Default: three}
          Kind: {Default: a}
        Resuorces: {}
        Resources:
          Bucket:
            Type: AWS::S3::Bucket
            DeletionPolicy: Retian
            Properties:
              BucketNmae: x
              VersioningConfiguration: {Status: On}
          Function:
            Type: AWS::Lambda::Function
          Table:
            Type: AWS::DynamoDB::Tabel
          Queue:
            Type: AWS::SQS::Queue
            Properties:
              DelaySeconds: soon
              KmsMasterKeyId: [a]
        Outputs:
          Name: {Export: {Name: x}}
        """
    assert brief(check(tmp_path, {"t.yaml": text})) == [
        (3, 33, "wrong-type"),
        (4, 3, "missing-required"),
        (5, 1, "unknown-key"),
        (9, 21, "invalid-enum"),
        (11, 7, "unknown-key"),
        (12, 41, "invalid-enum"),
        (13, 3, "missing-required"),
        (16, 11, "invalid-enum"),
        (20, 21, "wrong-type"),
        (21, 7, "wrong-type"),
        (23, 3, "missing-required"),
    ]


def test_keys_that_exclude_each_other(tmp_path: Path) -> None:
    text = """
        Resources:
          Eip:
            Type: AWS::EC2::SecurityGroupIngress
            Properties: {IpProtocol: tcp, CidrIp: 10.0.0.0/8, CidrIpv6: "::/0", GroupId: a}
        """
    found = check(tmp_path, {"t.yaml": text})
    assert {f.tags[0] for f in found} <= {"conflict"}


def test_a_mistyped_resource_type_is_mended(tmp_path: Path) -> None:
    (finding,) = check(tmp_path, {"t.yaml": "Resources:\n  A: {Type: 'AWS::SQS::Quee'}\n"})
    assert finding.suggestion == "Did you mean `AWS::SQS::Queue`?"
    assert "'AWS::SQS::Queue'" in mended(tmp_path, finding)


def test_properties_of_the_serverless_transform(tmp_path: Path) -> None:
    text = """
        Transform: AWS::Serverless-2016-10-31
        Globals: {Function: {Timout: 3}}
        Resources:
          Hello: {Type: 'AWS::Serverless::Function', Properties: {Handlr: a.b}}
        """
    found = check(tmp_path, {"t.yaml": text})
    assert [(f.line, f.suggestion) for f in found] == [(2, "Did you mean `Timeout`?"), (4, "Did you mean `Handler`?")]


def test_common_types_are_there() -> None:
    types = cloudformation.type_names()
    assert len(types) > 1500
    assert {"AWS::EC2::Instance", "AWS::IAM::Role", "AWS::Serverless::Function", "AWS::Lambda::Function"} <= types


@pytest.mark.parametrize("start", range(8))
def test_types_compile(start: int) -> None:
    for type_name in sorted(cloudformation.type_names())[start * 17 :: 8 * 17]:
        compiled = cloudformation.schema_for(type_name)
        assert compiled is not None
        compiled.problems({})


def test_an_archive_lacks_what_is_not_in_it() -> None:
    assert archive.read("cloudformation.zip", "AWS::No::Thing.json") is None
