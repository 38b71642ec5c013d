"""CloudFormation, OpenAPI and JSON Schema, Alertmanager, Ansible, npm, kustomize: names that must exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from automation_scripts.results import Severity
from automation_scripts.validation.parsing.files import parse_file
from automation_scripts.validation.references.check import check_references

from .marked import assert_marked, parsed

TEMPLATE = """\
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Name: {Type: String}
  Unused: {Type: String}                                   # expect: unused
Mappings: {Regions: {eu-west-1: {Ami: ami-1}}}
Conditions: {IsProd: !Equals [!Ref Name, prod]}
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Condition: IsProd
    Properties:
      BucketName: !Sub "${Name}-${Nmae}-${AWS::Region}-${!Literal}"     # expect: dangling-ref
  Queue:
    Type: AWS::SQS::Queue
    DependsOn: [Bucket, Bukcet]                            # expect: dangling-ref
    Condition: IsProdd                                     # expect: dangling-ref
    Properties:
      QueueName: !If [IsPord, !Ref Name, !Ref "AWS::NoValue"]           # expect: dangling-ref
      Tags:
        - {Key: a, Value: !GetAtt Bucket.Arn}
        - {Key: b, Value: !GetAtt [Buckt, Arn]}            # expect: dangling-ref
        - {Key: c, Value: {"Fn::GetAtt": [Queue2, Arn]}}   # expect: dangling-ref
        - {Key: d, Value: {Ref: Name}}
        - {Key: e, Value: !Sub ["${Local}-${Name}", {Local: x}]}
        - {Key: f, Value: !FindInMap [Regoins, !Ref "AWS::Region", Ami]}   # expect: dangling-ref
  A: {Type: AWS::SNS::Topic, DependsOn: B}
  B: {Type: AWS::SNS::Topic, DependsOn: A}                 # expect: cycle
Outputs:
  X: {Value: !Ref Bucket, Condition: IsProd}
"""


def test_cloudformation_names() -> None:
    assert_marked(check_references, TEMPLATE, "template.yaml")


@pytest.mark.parametrize("transform", ["My::Macro", "AWS::Include", "AWS::LanguageExtensions"])
def test_templates_with_macros_cannot_be_judged(transform: str) -> None:
    text = f"AWSTemplateFormatVersion: x\nTransform: {transform}\nResources: {{A: {{Type: 'AWS::SNS::Topic', DependsOn: Made}}}}\n"
    assert check_references([parsed(text, "t.yaml")]) == []


def test_serverless_makes_resources_of_its_own() -> None:
    text = """\
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Fn: {Type: "AWS::Serverless::Function", Properties: {Role: !GetAtt FnRole.Arn}}
Outputs: {Url: {Value: !Sub "https://${ServerlessRestApi}/"}}
"""
    assert check_references([parsed(text, "t.yaml")]) == []


API = """\
openapi: 3.0.0
info: {title: x, version: "1"}
security: [{key: []}]
paths:
  /users/{id}:
    parameters: [{$ref: "#/components/parameters/Id"}]
    get:
      operationId: getUser
      responses: {"200": {$ref: "#/components/responses/User"}}
    delete:
      operationId: getUser                                    # expect: dup-name
      security: [{kye: []}]                                   # expect: dangling-ref
      responses: {"200": {$ref: "#/components/responses/Usr"}}  # expect: dangling-ref
  /pets/{pet}:
    get:                                                      # expect: dangling-ref
      operationId: getPet
      responses: {"200": {description: ok}}
components:
  securitySchemes: {key: {type: apiKey, in: header, name: X}}
  parameters: {Id: {name: id, in: path, required: true, schema: {type: string}}}
  responses:
    User:
      description: x
      content: {application/json: {schema: {$ref: "#/components/schemas/a~1b"}, example: {$ref: "#/not/a/reference"}}}
  schemas:
    a/b: {type: object, properties: {example: {$ref: "#/components/schemas/Nope"}}}   # expect: dangling-ref
"""


def test_openapi_names_and_pointers() -> None:
    assert_marked(check_references, API, "openapi.yaml")


def test_pointers_into_other_files(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "user.yaml").write_text("User: {type: object}\n")
    (tmp_path / "schemas" / "data.txt").write_text("x")
    text = """\
a: {$ref: "schemas/user.yaml#/User"}
b: {$ref: "schemas/user.yaml#/Usr"}
c: {$ref: "schemas/usr.yaml#/User"}
d: {$ref: "https://example.com/x.json#/a"}
e: {$ref: "schemas/data.txt"}
f: {$ref: "schemas/user.yaml"}
"""
    (tmp_path / "api.yaml").write_text(text)
    found = {f.line: f for f in check_references([parse_file(tmp_path / "api.yaml", "api.yaml")])}
    assert sorted(found) == [2, 3]
    assert found[2].suggestion == "Did you mean 'User'?"
    assert found[3].suggestion == "Did you mean 'user.yaml'?" and found[3].severity is Severity.HIGH


def test_json_schema_anchors_and_ids() -> None:
    text = """\
{"$schema": "https://json-schema.org/draft/2020-12/schema",
 "properties": {"a": {"$ref": "#here"}, "b": {"$ref": "#gone"}, "c": {"$ref": "#"},
  "d": {"$id": "inner.json", "properties": {"x": {"$ref": "#/$defs/local"}}, "$defs": {"local": {}}},
  "$ref": {"type": "string"}},
 "$defs": {"x": {"$anchor": "here"}}}
"""
    found = check_references([parsed(text, "x.schema.json")])
    assert [(f.line, f.message) for f in found] == [(2, "$ref '#gone' leads nowhere: no anchor 'gone'.")]


ALERTS = """\
route:
  receiver: ops
  routes:
    - receiver: opps                     # expect: dangling-ref
    - {receiver: page, mute_time_intervals: [nights, nigths]}   # expect: dangling-ref
receivers:
  - name: ops
  - name: page
  - name: page                           # expect: dup-name
  - name: idle                           # expect: unused
time_intervals: [{name: nights, time_intervals: []}]
"""


def test_alertmanager_names() -> None:
    assert_marked(check_references, ALERTS, "alertmanager.yml")


PLAYBOOK = """\
- hosts: all
  tasks:
    - {copy: {src: a, dest: b}, notify: restart nignx}     # expect: dangling-ref
    - block:
        - {copy: {src: a, dest: b}, notify: [restart nginx, reload all]}
  handlers:
    - {name: restart nginx, service: {name: nginx}}
    - {name: other, listen: reload all, command: x}
- hosts: all
  roles: [web]
  tasks: [{command: x, notify: from the role}]
  handlers: [{name: a, command: x}]
"""


def test_ansible_handlers() -> None:
    assert_marked(check_references, PLAYBOOK, "site.yml")


def test_npm_scripts() -> None:
    text = """\
{"name": "x", "scripts": {
 "build": "tsc",
 "ci": "npm run build && npm run biuld",
 "all": "npm run --silent build -- --watch; pnpm run build:prod",
 "elsewhere": "npm run x -w pkg && cd other && npm run y",
 "build:prod": "npm-run-all build:*"}}
"""
    found = check_references([parsed(text, "package.json")])
    assert [(f.line, f.column, f.suggestion) for f in found] == [(3, 34, "Did you mean 'build'?")]


def test_kustomizations(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "kustomization.yaml").write_text("resources: []\n")
    (tmp_path / "deploy.yaml").write_text("a: b\n")
    text = """\
resources:
  - deploy.yaml
  - depoly.yaml
  - base
  - github.com/org/repo//path?ref=v1
  - https://example.com/x.yaml
patches:
  - {path: patch.yaml, target: {kind: Deployment}}
configMapGenerator:
  - {name: a, files: [x=deploy.yaml, gone.conf], literals: [a=b]}
"""
    (tmp_path / "kustomization.yaml").write_text(text)
    found = check_references([parse_file(tmp_path / "kustomization.yaml", "kustomization.yaml")])
    assert sorted(f.line or 0 for f in found) == [3, 8, 10]


def test_lists_of_named_things_in_unknown_files() -> None:
    text = """\
servers:
  - {name: a, port: 1}
  - {name: b, port: 2}
  - {name: a, port: 3}      # expect: dup-name
panels: [{id: 1}, {id: 1}]  # expect: dup-name
steps: [{name: x}, {name: x}]
transformations: [{id: x}, {id: x}]
users: [{name: "{{ a }}"}, {name: "{{ a }}"}]
"""
    assert_marked(check_references, text, "app.yaml")
