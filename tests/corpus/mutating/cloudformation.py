"""Mistakes in CloudFormation templates."""

from __future__ import annotations

import random

import yaml

from tests.corpus.mutating.registry import added, changed, mutation, pick
from tests.corpus.mutating.source import Mutant, Pair, Source, child, scalar
from tests.corpus.mutating.words import password

CFN = "cloudformation"


def _resources(source: Source) -> list[Pair]:
    """The `Type` keys of resources."""
    return source.where(
        lambda p: p.name == "Type" and len(p.path) == 4 and p.path[1] == "Resources" and source.simple(p)
        and source.first_on_line(p)
    )  # fmt: skip


def _new(source: Source, rng: random.Random, properties: list[str], at: int, cls: str, *also: str) -> Mutant | None:
    """A new resource at the start of `Resources`; its first line is its name."""
    first = next((p for p in source.pairs if len(p.path) == 3 and p.path[1] == "Resources"), None)
    if first is None or source.json or not source.first_on_line(first):
        return None
    indent = " " * first.key.start_mark.column
    text = source.insert(first.line - 1, [indent + line for line in properties])
    return Mutant(text, first.line + at, cls, also=frozenset(also))


@mutation(CFN)
def dangling_ref(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(
        source.where(lambda p: p.value.tag in ("!Ref", "!GetAtt") and isinstance(p.value, yaml.ScalarNode)
                     and p.value.style is None and not p.text.startswith("AWS::") and source.own_line(p)
                     and p.key.start_mark.line == p.value.end_mark.line), rng
    )  # fmt: skip
    if pair is not None:
        name, dot, rest = pair.text.partition(".")
        return changed(source, pair, f"{pair.value.tag} {name}Gone{dot}{rest}", "dangling-ref")
    pair = pick(source.where(lambda p: p.name == "Ref" and p.text and not p.text.startswith("AWS::")), rng)  # type: ignore[arg-type,return-value]
    return changed(source, pair, f'"{pair.text}Gone"', "dangling-ref") if pair else None


@mutation(CFN)
def dangling_depends(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick([p for p in _resources(source) if not child(p.parent, "DependsOn")], rng)
    line = '"DependsOn": "NotAResource"' if source.json else "DependsOn: NotAResource"
    return added(source, pair, [line], 0, "dangling-ref") if pair else None


@mutation(CFN)
def cycle(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick([p for p in _resources(source) if not child(p.parent, "DependsOn")], rng)
    if pair is None:
        return None
    name = pair.path[2]
    line = f'"DependsOn": "{name}"' if source.json else f"DependsOn: {name}"
    head = next(p.line for p in source.pairs if p.path == pair.path[:3])
    found = added(source, pair, [line], 0, "cycle")
    return Mutant(found.text, found.line, found.cls, frozenset({head}))


@mutation(CFN)
def missing_type(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick([p for p in _resources(source) if len(p.parent.value) > 1], rng)
    if pair is None:
        return None
    head = next(p.line for p in source.pairs if p.path == pair.path[:3])
    return Mutant(source.without(pair), head, "missing-required", frozenset({head + 1}))


@mutation(CFN)
def resource_type(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick([p for p in _resources(source) if p.text.startswith("AWS::")], rng)
    if pair is None:
        return None
    wrong = pair.text[:-2] + pair.text[-1]
    return changed(source, pair, f'"{wrong}"' if source.json else wrong, "invalid-enum", "invalid-value")


@mutation(CFN)
def open_to_world(source: Source, rng: random.Random) -> Mutant | None:
    lines = ["OpenedGroup:", "  Type: AWS::EC2::SecurityGroup", "  Properties:", "    GroupDescription: Remote access"]
    lines += ["    SecurityGroupIngress:", "      - IpProtocol: tcp", "        FromPort: 22", "        ToPort: 22"]
    found = _new(source, rng, [*lines, "        CidrIp: 0.0.0.0/0"], 8, "open-to-world")
    return found and Mutant(found.text, found.line, found.cls, frozenset({found.line - 3}))


@mutation(CFN)
def open_bucket(source: Source, rng: random.Random) -> Mutant | None:
    lines = ["OpenedBucket:", "  Type: AWS::S3::Bucket", "  Properties:", "    AccessControl: PublicRead"]
    return _new(source, rng, lines, 3, "open-to-world")


@mutation(CFN)
def open_database(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(
        source.where(lambda p: p.name == "DBInstanceClass" and source.first_on_line(p)
                     and not child(p.parent, "PubliclyAccessible")), rng
    )  # fmt: skip
    line = '"PubliclyAccessible": true' if source.json else "PubliclyAccessible: true"
    return added(source, pair, [line], 0, "open-to-world") if pair else None


@mutation(CFN)
def wildcard_perm(source: Source, rng: random.Random) -> Mutant | None:
    lines = ["WidePolicy:", "  Type: AWS::IAM::ManagedPolicy", "  Properties:", "    PolicyDocument:"]
    lines += ["      Version: '2012-10-17'", "      Statement:", "        - Effect: Allow"]
    found = _new(source, rng, [*lines, "          Action: '*'", "          Resource: '*'"], 7, "wildcard-perm")
    return found and Mutant(found.text, found.line, found.cls, frozenset({found.line - 1, found.line + 1}))


@mutation(CFN)
def unencrypted(source: Source, rng: random.Random) -> Mutant | None:
    lines = ["PlainVolume:", "  Type: AWS::EC2::Volume", "  Properties:", "    AvailabilityZone: eu-west-1a"]
    return _new(source, rng, [*lines, "    Size: 20", "    Encrypted: false"], 5, "unencrypted")


@mutation(CFN)
def hardcoded_secret(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(
        source.where(
            lambda p: (
                p.name in ("MasterUserPassword", "Password", "AuthToken", "MasterUserSecret") and source.own_line(p)
            )
        ),
        rng,
    )
    if pair is not None and not isinstance(pair.value, yaml.MappingNode):
        return changed(source, pair, f'"{password(rng)}"', "hardcoded-secret", "secret-env")
    lines = ["Database:", "  Type: AWS::RDS::DBInstance", "  Properties:", "    DBInstanceClass: db.t3.micro"]
    lines += ["    Engine: postgres", "    AllocatedStorage: '20'", "    MasterUsername: admin1"]
    lines += ["    StorageEncrypted: true", f"    MasterUserPassword: {password(rng)}"]
    return _new(source, rng, lines, 8, "hardcoded-secret", "secret-env")


@mutation(CFN)
def unused(source: Source, rng: random.Random) -> Mutant | None:
    pair = next((p for p in source.pairs if len(p.path) == 3 and p.path[1] == "Parameters"), None)
    if pair is None or source.json or not source.first_on_line(pair):
        return None
    indent = " " * pair.key.start_mark.column
    text = source.insert(pair.line - 1, [indent + "NobodyAsks:", indent + "  Type: String"])
    return Mutant(text, pair.line, "unused")


@mutation(CFN)
def parameter_type(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(
        source.where(
            lambda p: p.path[1:2] == ("Parameters",) and len(p.path) == 4 and p.name == "Type" and source.simple(p)
            and p.text in ("String", "Number")
        ),
        rng,
    )  # fmt: skip
    wrong = '"Strng"' if source.json else "Strng"
    return changed(source, pair, wrong, "invalid-enum", "invalid-value") if pair else None


@mutation(CFN)
def default_not_allowed(source: Source, rng: random.Random) -> Mutant | None:
    """A default that is none of the allowed values."""
    pair = pick(
        source.where(
            lambda p: p.path[1:2] == ("Parameters",) and p.name == "Default" and child(p.parent, "AllowedValues") is not None
            and source.simple(p) and scalar(p.parent, "Type") == "String"
        ),
        rng,
    )  # fmt: skip
    return changed(source, pair, '"neither"', "invalid-enum", "invalid-value", "conflict") if pair else None
