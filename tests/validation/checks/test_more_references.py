"""Names between Kubernetes objects, in CloudFormation functions, in OpenAPI documents, in GitLab and CircleCI pipelines."""

from __future__ import annotations

from pathlib import Path

import pytest

from automation_scripts.results import Severity
from automation_scripts.validation.parsing.files import parse_file
from automation_scripts.validation.references.check import check_references
from automation_scripts.validation.references.missing_names import meant_by, nearest_name

from .marked import assert_marked, parsed

SERVICES = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: c, image: "a:1", ports: [{name: http, containerPort: 80}]}]
      imagePullSecrets: [{name: registry}]
      priorityClassName: system-cluster-critical
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers: [{name: c, image: "a:1", ports: [{name: http, containerPort: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web-svc, labels: {app: web}}
spec: {selector: {app: something-else}, ports: [{name: http, port: 80}]}     # expect: dangling-ref
---
apiVersion: v1
kind: Service
metadata: {name: api, labels: {app: api}}
spec: {selector: {app: api}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: pod-0}
spec: {selector: {app: api, statefulset.kubernetes.io/pod-name: api-0}, ports: [{port: 80}]}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: api}
spec: {selector: {matchLabels: {app: api}}, endpoints: [{port: http}, {port: metrics}]}   # expect: dangling-ref
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: web}
spec: {selector: {matchLabels: {app: wep}}, endpoints: [{port: http}]}       # expect: dangling-ref
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec:
  parentRefs: [{name: gateway-of-others}]
  rules: [{backendRefs: [{name: api, port: 80}, {name: api2-missing, port: 80}]}]   # expect: dangling-ref
---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {name: r}
spec:
  routes:
    - {match: "Host(`a`)", kind: Rule, services: [{name: ap, kind: Service}, {name: "api@internal"}]}   # expect: dangling-ref
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: n}
spec:
  podSelector: {matchLabels: {app: api}}
  ingress:
    - from:
        - {podSelector: {matchLabels: {app: webb}}}                          # expect: dangling-ref
        - {podSelector: {matchLabels: {app: elsewhere}}}
"""

OTHER_NAMESPACE = """\
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: prod                                                            # expect: dangling-ref
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: production, labels: {app: web}}
spec: {containers: [{name: c, image: "a:1"}]}
"""

PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers: [{name: c, image: "a:1", volumeMounts: [{name: of-the-base, mountPath: /x}]}]
      volumes: [{name: for-the-base, emptyDir: {}}]
"""

CLOUDFORMATION = """\
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Size: {Type: String, AllowedValues: [small, large], Default: smal}         # expect: invalid-enum
Conditions:
  Big: !Equals [!Ref Size, large]
  Both: !And [Condition: Big, Condition: Bgi]                                # expect: dangling-ref
  Idle: !Equals [a, b]                                                       # expect: unused
Mappings: {Regions: {eu: {Ami: x, Zone: y}, us: {Ami: z, Zone: w}}, Old: {a: {b: c}}}   # expect: unused
Resources:
  Bucket: {Type: AWS::S3::Bucket, Condition: Both}
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Role: !GetAtt Role.Arn
      Code: {S3Bucket: !GetAtt Bucket.Anr}                                   # expect: dangling-ref
      Description: !Sub ["${Bucket.DomainName} ${Bucket.Domain} ${X}", {X: 1, Y: 2}]   # expect: dangling-ref, unused
      FunctionName: !FindInMap [Regions, !Ref "AWS::Region", Amii]           # expect: dangling-ref
      Handler: !FindInMap [Regions, ue, Ami]                                 # expect: dangling-ref
      Runtime: !FindInMap [Regions, eu, Zone]
  Role: {Type: AWS::IAM::Role}
  Nested: {Type: AWS::CloudFormation::Stack}
  Own: {Type: Custom::Thing}
Outputs:
  A: {Value: !GetAtt Nested.Outputs.Anything, Export: {Name: one}}
  B: {Value: !GetAtt Own.Anything, Export: {Name: one}}                      # expect: dup-name
  C: {Value: !GetAtt Function.Arn, Condition: Big, Export: {Name: two}}
  D: {Value: !GetAtt Function.Arn, Condition: Both, Export: {Name: two}}
"""

SAM = """\
Transform: AWS::Serverless-2016-10-31
AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Api: {Type: AWS::Serverless::Api, Properties: {StageName: x, DefinitionBody: {a: !GetAtt Fn.Arn}}}
  Fn:
    Type: AWS::Serverless::Function
    Properties: {Events: {A: {Type: Api, Properties: {RestApiId: !Ref Api}}}}
Outputs:
  A: {Value: !Ref Api.Stage}
  B: {Value: !GetAtt FnRole.Arn}
  C: {Value: !Ref Fn-missing}                                                # expect: dangling-ref
  D: {Value: !Ref "Fn.Version"}
"""

OPENAPI = """\
openapi: 3.0.0
info: {title: x, version: "1"}
tags: [{name: pets}]
paths:
  /pets/{petId}:
    parameters:
      - {name: petid, in: path, required: true, schema: {type: string}}      # expect: dangling-ref
      - {name: petId, in: path, required: true, schema: {type: string}}
      - {name: petId, in: path, required: true, schema: {type: string}}      # expect: dup-name
    get:
      operationId: getPet
      tags: [pest, others]                                                   # expect: dangling-ref
      responses:
        default: {$ref: "#/components/responses/Err"}                        # expect: dangling-ref
        "200":
          description: x
          content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}
          links: {next: {operationId: getPett}}                              # expect: dangling-ref
  /other: {$ref: "#/paths/~1pets~1{petId}"}
components:
  responses: {Error: {description: x}}
  schemas:
    Pet:
      type: object
      discriminator: {propertyName: kind, mapping: {dog: "#/components/schemas/Dog", cat: Cta, bird: other.yaml}}   # expect: dangling-ref
      properties: {kind: {type: string, enum: [dog, cat], default: dgo}}     # expect: invalid-enum
    Dog: {type: object}
    Cat: {type: object}
    Idle: {type: object}                                                     # expect: unused
"""

GITLAB = """\
stages: [build, test, deploy, build, idle]                                   # expect: dup-name, unused
.base: {stage: build, script: [x]}
compile: {stage: build, script: [x]}
check: {stage: test, script: [x], needs: [compile, release]}                 # expect: conflict
release: {stage: deploy, script: [x], dependencies: [check, .base]}          # expect: dangling-ref
lint:
  stage: test
  script: [x]
  rules: [{if: $A}]
  only: [main]                                                               # expect: conflict
"""

CIRCLE = """\
version: 2.1
parameters: {env: {type: string}}
orbs: {node: circleci/node@5}
commands:
  setup:
    parameters: {level: {type: string}}
    steps: [checkout, {run: "echo << parameters.level >> << parameters.levle >>"}]   # expect: dangling-ref
jobs:
  build:
    docker: [{image: "a:<< pipeline.parameters.evn >>"}]                     # expect: dangling-ref
    steps:
      - setup: {level: x}
      - setpu                                                                # expect: dangling-ref
      - node/install
      - noed/install                                                         # expect: dangling-ref
      - when: {condition: x, steps: [{run: x}, chekout]}                     # expect: dangling-ref
workflows: {main: {jobs: [build]}}
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("services.yaml", SERVICES),
        ("namespace.yaml", OTHER_NAMESPACE),
        ("patch.yaml", PATCH),
        ("template.yaml", CLOUDFORMATION),
        ("sam.yaml", SAM),
        ("openapi.yaml", OPENAPI),
        (".gitlab-ci.yml", GITLAB),
        (".circleci/config.yml", CIRCLE),
    ],
)
def test_names(name: str, text: str) -> None:
    assert_marked(check_references, text, name)


def _objects(*names: str, more: str = "") -> str:
    pods = "\n---\n".join(
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {n}}}\nspec: {{containers: [{{name: c, image: 'a:1', envFrom: [{{configMapRef: {{name: made}}}}]}}]}}"
        for n in names
    )
    return f"{pods}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: other}}\n{more}"


def test_what_several_objects_name_is_made_elsewhere() -> None:
    """One object that misses its config map is mistaken; where all agree, somebody else makes it."""
    alone = [f for f in check_references([parsed(_objects("a"))]) if f.severity is not Severity.INFO]
    together = [f for f in check_references([parsed(_objects("a", "b"))]) if f.severity is not Severity.INFO]
    assert [f.tags for f in alone] == [("dangling-ref",)] and together == []


def test_pipelines_take_in_local_files_of_any_name(tmp_path: Path) -> None:
    (tmp_path / "ci").mkdir()
    (tmp_path / ".gitlab-ci.yml").write_text(
        "include: [{local: /ci/templates.yml}]\njob: {extends: .base, stage: test, script: [x]}\nbad: {extends: .bsae, script: [x]}\n"
    )
    (tmp_path / "ci" / "templates.yml").write_text(".base: {script: [x]}\n")
    names = [".gitlab-ci.yml", "ci/templates.yml"]
    found = check_references([parse_file(tmp_path / name, name) for name in names])
    assert [(f.line, f.severity) for f in found] == [(3, Severity.HIGH)]
    # Without the file, the names may come from it.
    alone = check_references([parse_file(tmp_path / names[0], names[0])])
    assert [f.message for f in alone if "extends" in f.message] == []


def test_compose_files_that_include_each_other(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "compose.yaml").write_text(
        "include: [sub/compose.yaml]\nservices:\n  web:\n    image: a:1\n    ports: ['80:80']\n    depends_on: [db, dbx]\n"
    )
    (tmp_path / "sub" / "compose.yaml").write_text("services: {db: {image: 'a:1', ports: ['80:1']}}\n")
    names = ["compose.yaml", "sub/compose.yaml"]
    found = check_references([parse_file(tmp_path / name, name) for name in names])
    assert sorted((f.line, f.tags[0]) for f in found) == [(5, "port-collision"), (6, "dangling-ref")]


def test_many_names_cost_little() -> None:
    known = [f"name-{i:05}" for i in range(20_000)]
    assert nearest_name("name-00001x", known) is None
    assert nearest_name("something", [*known, "somethign"]) == "somethign"


def test_which_unused_name_was_meant() -> None:
    assert meant_by(["dta"], ["data", "logs"], []) == {"data"}
    assert meant_by(["elsewhere"], ["data"], []) == {"data"}
    assert meant_by(["dta"], ["logs"], ["data"]) == set()
    assert meant_by([], ["data"], []) == set()
