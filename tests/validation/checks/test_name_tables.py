"""Names in the formats of the table: what is marked must be found, and a sound file must give nothing."""

from __future__ import annotations

import pytest

from automation_scripts.validation.references.check import check_references
from automation_scripts.validation.references.name_tables import formats

from .marked import assert_marked, parsed

COLLECTOR = """\
receivers: {otlp: {protocols: {grpc: {}}}, "prometheus/own": {}}
processors: {batch: {}, idle: {}}                            # expect: unused
exporters: {debug: {}, otlp: {endpoint: "x:4317"}}
connectors: {spanmetrics: {}}
extensions: {health_check: {}}
service:
  extensions: [health_check, pprof]                          # expect: dangling-ref
  pipelines:
    traces:
      receivers: [otlp, jaeger]                              # expect: dangling-ref
      processors: [batch]
      exporters: [debug, spanmetrics, otpl]                  # expect: dangling-ref
    metrics: {receivers: ["prometheus/own", spanmetrics], exporters: [otlp]}
"""

STATES = """\
StartAt: Begin
States:
  Begin: {Type: Task, Resource: x, Next: Chose, Catch: [{ErrorEquals: [All], Next: Failed}]}   # expect: dangling-ref
  Choose:
    Type: Choice
    Choices: [{Variable: $.a, StringEquals: b, Next: Both}]
    Default: Failed
  Both:
    Type: Parallel
    Branches:
      - {StartAt: Inner, States: {Inner: {Type: Pass, Next: Begin}}}       # expect: dangling-ref
    End: true
  Failed: {Type: Fail}
"""

LOGGING = """\
version: 1
formatters: {plain: {format: x}, json: {class: y}}           # expect: unused
handlers:
  console: {class: logging.StreamHandler, formatter: plian}  # expect: dangling-ref
  file: {class: logging.FileHandler, formatter: plain}
loggers:
  app: {handlers: [console, fiel]}                           # expect: dangling-ref
root: {handlers: [file]}
"""

KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: prod                                        # expect: dangling-ref
clusters: [{name: one, cluster: {}}]
users: [{name: me, user: {}}]
contexts:
  - {name: dev, context: {cluster: one, user: me}}
  - {name: prd, context: {cluster: two, user: me}}           # expect: dangling-ref
"""

ARGO = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: x-}
spec:
  entrypoint: mian                                           # expect: dangling-ref
  templates:
    - name: main
      dag:
        tasks:
          - {name: a, template: work}
          - {name: b, template: work, dependencies: [a, c]}  # expect: dangling-ref
          - {name: d, template: wrk, dependencies: [e]}      # expect: dangling-ref
          - {name: e, template: work, dependencies: [d]}     # expect: cycle
    - name: work
      container: {image: "a:1"}
"""

TASKS = """\
version: "3"
tasks:
  build: {deps: [generate, lnt], cmds: [go build]}           # expect: dangling-ref
  generate: {cmds: [{task: clean}, {task: "docs:build"}]}
  lint: {cmds: [x], aliases: [l]}
  clean: {deps: [build]}                                     # expect: cycle
"""

AZURE = """\
trigger: [main]
stages:
  - stage: Build
    jobs:
      - job: one
        steps: [{script: x}]
      - job: two
        dependsOn: [one, tree]                               # expect: dangling-ref
        steps: [{script: x}]
  - stage: Deploy
    dependsOn: Biuld                                         # expect: dangling-ref
    jobs: [{deployment: prod, dependsOn: []}]
  - stage: Deploy                                            # expect: dup-name
    dependsOn: [Build]
    jobs: [{job: z}]
"""

ECS = """\
family: web
volumes: [{name: data}, {name: old}]                         # expect: unused
containerDefinitions:
  - name: app
    image: "a:1"
    mountPoints: [{sourceVolume: data, containerPath: /d}, {sourceVolume: dat, containerPath: /e}]   # expect: dangling-ref
    dependsOn: [{containerName: sidecar, condition: START}, {containerName: sidcar, condition: START}]   # expect: dangling-ref
  - {name: sidecar, image: "b:1"}
"""

TRAEFIK = """\
http:
  routers:
    web: {rule: "Host(`a`)", service: backend, middlewares: [auth, "compress@docker"]}
    api: {rule: "Host(`b`)", service: bakend, middlewares: [aut]}          # expect: dangling-ref, dangling-ref
    board: {rule: "Host(`c`)", service: "api@internal"}
  services: {backend: {loadBalancer: {servers: [{url: "http://x"}]}}}
  middlewares: {auth: {basicAuth: {}}}
"""

BUILD = """\
steps:
  - {id: a, name: gcr.io/x, waitFor: ["-"]}
  - {id: b, name: gcr.io/x, waitFor: [a, c]}                 # expect: dangling-ref
  - {id: b, name: gcr.io/y}                                  # expect: dup-name
"""

NETPLAN = """\
network:
  version: 2
  ethernets: {eth0: {}, eth1: {}}
  bonds: {bond0: {interfaces: [eth0, eht1]}}                 # expect: dangling-ref
  vlans: {v10: {id: 10, link: bond1}}                        # expect: dangling-ref
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("collector.yaml", COLLECTOR),
        ("machine.yaml", STATES),
        ("logging.yaml", LOGGING),
        ("kubeconfig.yaml", KUBECONFIG),
        ("workflow.yaml", ARGO),
        ("Taskfile.yml", TASKS),
        ("azure-pipelines.yml", AZURE),
        ("task.yaml", ECS),
        ("dynamic.yml", TRAEFIK),
        ("cloudbuild.yaml", BUILD),
        ("netplan.yaml", NETPLAN),
    ],
)
def test_names_of_a_format(name: str, text: str) -> None:
    assert_marked(check_references, text, name)


def test_a_mistyped_use_is_told_once() -> None:
    """The definition that it leaves without a use is no second finding."""
    text = COLLECTOR.replace("idle: {}", "idle2: {}").replace("processors: [batch]", "processors: [batch, idle]")
    found = [f.message for f in check_references([parsed(text, "c.yaml")]) if "processor" in f.message]
    assert found == ["There is no processor 'idle' here."]


def test_files_of_one_folder_are_one_configuration() -> None:
    extra = "exporters: {zipkin: {}}\nservice: {pipelines: {traces: {exporters: [debug, zipkin]}}}\n"
    sound = COLLECTOR.replace(", pprof", "").replace(", jaeger", "").replace(", otpl", "").replace(", idle: {}", "")
    assert check_references([parsed(sound, "a.yaml"), parsed(extra, "b.yaml")]) == []
    assert len(check_references([parsed(extra, "b.yaml")])) == 1


def test_a_pipeline_with_templates_may_have_more_jobs() -> None:
    text = AZURE.replace("trigger: [main]", "trigger: [main]\nextra: {template: x.yml}").replace("tree", "elsewhere")
    assert "elsewhere" not in str([f.message for f in check_references([parsed(text, "azure-pipelines.yml")])])


@pytest.mark.parametrize("form", formats(), ids=lambda form: form.name)
def test_every_format_says_how_it_is_known(form: object) -> None:
    known = (form.kind, form.path, form.has, form.value, form.scope_has, form.within != ((),))  # type: ignore[attr-defined]
    assert any(known)
    for table in form.tables:  # type: ignore[attr-defined]
        assert table.keys or table.values, "nothing defines the name"
