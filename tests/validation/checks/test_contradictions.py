"""Settings that contradict each other, orders that are the wrong way round, defaults that are not allowed."""

from __future__ import annotations

import pytest

from automation_scripts.validation.references.check import check_references

from .marked import assert_marked, parsed

KUBERNETES = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  minReadySeconds: 60
  progressDeadlineSeconds: 30                                # expect: conflict
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 10
      containers:
        - name: web
          image: "web:1"
          env:
            - {name: A, value: "$(B) $(LATER) $$(KEPT) $(date) $(OTHER_SERVICE_HOST)"}   # expect: dangling-ref, dangling-ref
            - {name: LATER, value: x}
            - {name: C, value: "$(A)"}
            - name: D
              value: x
              valueFrom: {fieldRef: {fieldPath: spec.nodeName}}   # expect: conflict
          args: ["--a=$(A)", "--b=$(NOT_SET)"]               # expect: dangling-ref
          ports: [{name: http, containerPort: 8080}]
          livenessProbe:
            timeoutSeconds: 20                               # expect: conflict
            periodSeconds: 10
            httpGet: {port: htpp}                            # expect: dangling-ref
          readinessProbe: {httpGet: {port: 8081}}            # expect: dangling-ref
          startupProbe: {httpGet: {port: http}}
          lifecycle: {preStop: {exec: {command: [sh, -c, sleep 20]}}}   # expect: conflict
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
            - {name: tmp, mountPath: /tmp/}                  # expect: dup-name
        - name: side
          image: "side:1"
          ports: [{name: http, containerPort: 8080}]         # expect: dup-name
      volumes: [{name: tmp, emptyDir: {}}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  minAvailable: 2                                            # expect: conflict
  selector: {matchLabels: {app: web}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: a}
spec: {scaleTargetRef: {kind: Deployment, name: web}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: b}
spec: {scaleTargetRef: {kind: Deployment, name: web}}        # expect: conflict
---
apiVersion: v1
kind: Service
metadata: {name: one}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: two}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: a}
spec:
  rules:
    - host: a.example.com
      http:
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: one, port: {number: 80}}}}
          - {path: /x, pathType: Prefix, backend: {service: {name: one, port: {number: 80}}}}
          - {path: /, pathType: Prefix, backend: {service: {name: two, port: {number: 80}}}}    # expect: conflict
          - {path: /x, pathType: Prefix, backend: {service: {name: one, port: {number: 80}}}}   # expect: dup-name
"""

COMPOSE = """\
services:
  web:
    image: "example.com/web:1"
    network_mode: host                                       # expect: conflict
    networks: [own]
    ports: ["80:80"]                                         # expect: conflict
    container_name: web                                      # expect: conflict
    deploy: {replicas: 3}
    depends_on:
      db: {condition: service_healthy}                       # expect: dangling-ref
      off: {condition: service_healthy}                      # expect: conflict
      own: {condition: service_healthy}
      job: {condition: service_completed_successfully}       # expect: conflict
    environment:
      URL: "redis://user:pa-ss@rediss:6379/1"                # expect: dangling-ref
      OTHER: "postgres://rediss:x@db/x?host=rediss"
      REDIS_HOST: rediss                                     # expect: dangling-ref
      MAIL: "smtp://mail.example.com"
      USER_URL: "http://rediss:${PASSWORD}@redis:6379"
  db: {image: "postgres:16", networks: [own]}
  redis: {image: "redis:7"}
  dba: {image: "a/b:1"}
  off: {image: "postgres:16", healthcheck: {disable: true}}
  own: {image: "example.com/own:1"}
  job: {image: "a/b:1", restart: always}
networks: {own: {}}
"""

ORDERS = """\
campaign: {start_date: 2024-05-01, end_date: 2024-04-01}     # expect: conflict
night: {start: "22:00", end: "06:00"}
limits: {nofile: {soft: 4096, hard: 1024}}                   # expect: conflict
retry: {initialDelay: 10s, maxDelay: 5s}                     # expect: conflict
range: {from_port: 443, to_port: 80}                         # expect: conflict
open: {initial_size: 5, max_size: 0}
pool: {initial_size: 5, max_size: 50, default_ttl: 3600, max_ttl: 60}   # expect: conflict
cert: {created_at: "2024-01-01T00:00:00Z", expires_at: "2025-01-01T00:00:00Z"}
health: {interval: 5s, timeout: 10s}
mixed: {initial_wait: 10, max_wait: 5s}
levels: {daysLow: 30, daysHigh: 1}
disk: {low_watermark: 90, high_watermark: 80}                # expect: conflict
"""

SCRAPES = """\
global: {scrape_interval: 15s, scrape_timeout: 10s}
scrape_configs:
  - {job_name: a, scrape_interval: 5s, scrape_timeout: 10s}  # expect: conflict
  - {job_name: b, scrape_interval: 1m, scrape_timeout: 10s}
"""

DEFAULTS = """\
on:
  workflow_dispatch:
    inputs:
      level: {type: choice, options: [debug, info], default: inof}       # expect: invalid-enum
      other: {type: choice, options: [debug, info], default: debug}
jobs: {a: {runs-on: x, steps: [{run: "echo ${{ inputs.level }}"}]}}
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("web.yaml", KUBERNETES),
        ("compose.yaml", COMPOSE),
        ("app.yaml", ORDERS),
        ("prometheus.yml", SCRAPES),
        (".github/workflows/x.yml", DEFAULTS),
    ],
)
def test_contradictions(name: str, text: str) -> None:
    assert_marked(check_references, text, name)


def test_records_are_no_settings() -> None:
    record = "  - {begin_time: 2024-05-01, end_time: 2020-01-01}\n"
    assert check_references([parsed("rows:\n" + record * 5, "mock.yaml")]) == []


@pytest.mark.parametrize(
    "text",
    [
        "a: {enum: [x, y], default: X}",
        "a: {enum: [x, y], default: '${VALUE}'}",
        "a: {enum: [x, y], default: null}",
        "a: {enum: [x, {y: z}], default: q}",
        "a: {options: [x, y], default: q}",
        "example: {enum: [x], default: q}",
    ],
)
def test_defaults_that_cannot_be_judged(text: str) -> None:
    assert check_references([parsed(text, "x.yaml")]) == []
