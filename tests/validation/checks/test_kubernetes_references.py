"""References between Kubernetes objects, and links by label and port."""

from __future__ import annotations

import pytest

from automation_scripts.results import Severity
from automation_scripts.validation.references.check import check_references

from .marked import assert_marked, parsed

APP = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front}}
    spec:
      serviceAccountName: web
      containers:
        - name: web
          image: web:1
          ports: [{name: http, containerPort: 8080}]
          envFrom: [{configMapRef: {name: settings}}]
          env:
            - name: LEVEL
              valueFrom: {configMapKeyRef: {name: settings, key: level}}
            - name: TOKEN
              valueFrom: {secretKeyRef: {name: web, key: token}}
          volumeMounts: [{name: data, mountPath: /data}, {name: conf, mountPath: /conf}]
      volumes:
        - {name: data, persistentVolumeClaim: {claimName: data}}
        - {name: conf, configMap: {name: settings, items: [{key: level, path: level}]}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {level: info}
---
apiVersion: v1
kind: Secret
metadata: {name: web}
stringData: {token: "{{ token }}"}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: http}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}]}}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 3}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {selector: {matchLabels: {app: web}}, minAvailable: 1}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: web}]
"""


def test_a_whole_application_holds_together() -> None:
    assert check_references([parsed(APP, "app.yaml")]) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "near"),
    [
        ("serviceAccountName: web", "serviceAccountName: webb", 9, "web"),
        ("configMapRef: {name: settings}", "configMapRef: {name: setings}", 14, "settings"),
        ("key: level}}\n", "key: levle}}\n", 17, "level"),
        ("name: web, key: token", "name: web, key: tokn", 19, "token"),
        ("{name: data, mountPath", "{name: dat, mountPath", 20, "data"),
        ("claimName: data", "claimName: daat", 22, "data"),
        ("name: settings, items: [{key: level", "name: settings, items: [{key: lvel", 23, "level"),
        ("spec:\n  selector: {app: web}", "spec:\n  selector: {app: wbe}", 47, "web"),
        ("targetPort: http", "targetPort: htpt", 48, "http"),
        ("service: {name: web,", "service: {name: wbe,", 54, "web"),
        ("port: {name: http}", "port: {name: htpt}", 54, "http"),
        ("kind: Deployment, name: web}", "kind: Deployment, name: weeb}", 59, "web"),
        ("selector: {matchLabels: {app: web}}, minAvailable", "selector: {matchLabels: {app: wob}}, minAvailable", 64, None),
        ("kind: Role, name: reader", "kind: Role, name: raeder", 74, "reader"),
        ("kind: ServiceAccount, name: web", "kind: ServiceAccount, name: wbe", 75, "web"),
        ("matchLabels: {app: web}}\n  template", "matchLabels: {app: wbe}}\n  template", 5, None),
    ],
)  # fmt: skip
def test_each_broken_reference_is_found_where_it_stands(old: str, new: str, line: int, near: str | None) -> None:
    assert APP.count(old) == 1
    broken = APP.replace(old, new)
    found = [f for f in check_references([parsed(broken, "app.yaml")]) if f.tags == ("dangling-ref",)]
    assert [f.line for f in found] == [line], [(f.line, f.message) for f in found]
    assert found[0].severity.at_least(Severity.MEDIUM)
    if near:
        assert f"Did you mean '{near}'?" == found[0].suggestion or f"{near}?" in str(found[0].suggestion)
        column, end = found[0].column, found[0].end_column
        assert column is not None and broken.splitlines()[line - 1][column - 1 : end - 1 if end else None] in new


def test_what_the_tree_does_not_have_at_all_cannot_be_told() -> None:
    text = APP.partition("---\napiVersion: v1\nkind: ConfigMap")[0]
    found = check_references([parsed(text, "app.yaml")])
    assert {f.severity for f in found} == {Severity.INFO}
    assert {f.message.split("uses the ")[1].split(";")[0] for f in found} == {
        "ServiceAccount 'web'", "ConfigMap 'settings'", "Secret 'web'", "PersistentVolumeClaim 'data'",
    }  # fmt: skip


def test_objects_may_stand_in_other_files_and_namespaces_divide_them() -> None:
    parts = APP.split("---\n")
    files = [parsed(part, f"k8s/{i}.yaml") for i, part in enumerate(parts)]
    assert check_references(files) == []
    moved = [
        parsed(part.replace("{name: settings}\ndata", "{name: settings, namespace: b}\ndata"), f"k8s/{i}.yaml")
        for i, part in enumerate(parts)
    ]
    assert check_references(moved) == []
    in_a = [parsed(p.replace("kind: Deployment\nmetadata: {name: web}", "kind: Deployment\nmetadata: {name: web, namespace: a}")
                   .replace("{name: settings}\ndata", "{name: settings, namespace: b}\ndata"), f"k8s/{i}.yaml")
            for i, p in enumerate(parts)]  # fmt: skip
    told = [f.message for f in check_references(in_a)]
    assert told and all("ConfigMap 'settings'" in message and "namespace 'a'" in message for message in told)


def test_optional_and_generated_and_built_in_objects_are_not_missed() -> None:
    text = """\
apiVersion: v1
kind: Pod
metadata: {name: a, labels: {app: a}}
spec:
  serviceAccountName: default
  containers:
    - name: a
      image: a:1
      env:
        - name: X
          valueFrom: {configMapKeyRef: {name: nowhere, key: x, optional: true}}
        - name: Y
          valueFrom: {secretKeyRef: {name: sealed, key: y}}
      envFrom: [{configMapRef: {name: generated}}]
      volumeMounts: [{name: ca, mountPath: /ca}]
  volumes: [{name: ca, configMap: {name: kube-root-ca.crt}}]
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: sealed}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other}
data: {a: b}
"""
    kustomization = "configMapGenerator: [{name: generated, literals: [a=b]}]\n"
    assert check_references([parsed(text, "pod.yaml"), parsed(kustomization, "kustomization.yaml")]) == []


REPEATED = """\
apiVersion: v1
kind: Pod
metadata: {name: a, labels: {app: a}}
spec:
  containers:
    - name: a
      image: a:1
      ports:
        - {containerPort: 80}
        - {containerPort: 80}          # expect: port-collision
        - {containerPort: 80, protocol: UDP}
      env:
        - {name: X, value: "1"}
        - {name: Y, value: "1"}
        - {name: X, value: "2"}        # expect: dup-env
    - name: a                          # expect: dup-name
      image: a:1
      ports: [{containerPort: 80}]
  volumes:
    - {name: unused, emptyDir: {}}
    - {name: unused, emptyDir: {}}     # expect: dup-name
---
apiVersion: v1
kind: Service
metadata: {name: a}
spec:
  selector: {app: a}
  ports:
    - {name: http, port: 80, nodePort: 30080}
    - {name: http, port: 81}           # expect: dup-name
    - {name: more, port: 80}           # expect: port-collision
---
apiVersion: v1
kind: Service
metadata: {name: b}
spec:
  selector: {app: a}
  ports: [{port: 80, nodePort: 30080}] # expect: port-collision
---
apiVersion: v1
kind: Service
metadata: {name: a}                    # expect: dup-name
spec: {selector: {app: a}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: other}
spec: {ports: [{port: 80}]}
"""


def test_what_may_stand_only_once() -> None:
    assert_marked(check_references, REPEATED, "pod.yaml", ignore=["unused"])


def test_a_volume_that_nothing_mounts_is_said() -> None:
    found = [f for f in check_references([parsed(REPEATED, "pod.yaml")]) if f.tags == ("unused",)]
    assert [f.severity for f in found] == [Severity.LOW]


def test_pods_that_an_operator_makes_are_not_missed() -> None:
    text = """\
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {name: k8s, labels: {app: prometheus, part: monitoring}}
spec: {replicas: 2}
---
apiVersion: v1
kind: Service
metadata: {name: prometheus}
spec: {selector: {app: prometheus}, ports: [{port: 9090}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: exporter}
spec:
  selector: {matchLabels: {app: exporter, part: monitoring}}
  template:
    metadata: {labels: {app: exporter, part: monitoring}}
    spec: {containers: [{name: e, image: "e:1"}]}
"""
    assert check_references([parsed(text, "a.yaml")]) == []


def test_custom_resources_may_add_volumes_of_their_own() -> None:
    text = """\
apiVersion: example.org/v1
kind: Database
metadata: {name: a}
spec:
  podTemplate:
    spec: {containers: [{name: db, image: "db:1", volumeMounts: [{name: operator-data, mountPath: /d}]}]}
"""
    assert check_references([parsed(text, "a.yaml")]) == []
