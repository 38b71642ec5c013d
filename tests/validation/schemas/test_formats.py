"""Known formats: what is wrong is found at its exact place, and what is right is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from automation_scripts.results import Severity
from automation_scripts.validation.parsing.files import parse_file
from automation_scripts.validation.schemas.check import check_schemas
from automation_scripts.validation.strictness import Strictness
from tests.validation.schemas.support import brief, check, mended, parse, write

CLEAN = {
    "k8s/web.yaml": """
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: web
          labels: {app.kubernetes.io/name: web}
          annotations: {checksum/config: abc}
          creationTimestamp: null
        spec:
          replicas: 2
          revisionHistoryLimit: 3
          selector: {matchLabels: {app.kubernetes.io/name: web}}
          strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}}
          template:
            metadata: {labels: {app.kubernetes.io/name: web}}
            spec:
              serviceAccountName: web
              securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
              containers:
                - name: web
                  image: ghcr.io/acme/web:1.4.2
                  imagePullPolicy: IfNotPresent
                  args: ["--port", "8080"]
                  ports: [{name: http, containerPort: 8080, protocol: TCP}]
                  env:
                    - {name: LEVEL, value: "info"}
                    - {name: PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}
                  resources:
                    requests: {cpu: 100m, memory: 128Mi}
                    limits: {cpu: 1, memory: 0.5Gi, ephemeral-storage: 1e9}
                  readinessProbe: {httpGet: {path: /ready, port: http}, periodSeconds: 5}
                  volumeMounts: [{name: tmp, mountPath: /tmp}]
              volumes: [{name: tmp, emptyDir: {}}]
        status: {}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web, namespace: shop}
        spec:
          type: ClusterIP
          selector: {app.kubernetes.io/name: web}
          ports: [{name: http, port: 80, targetPort: http}]
        ---
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata: {name: web}
        spec:
          ingressClassName: nginx
          rules:
            - host: shop.example.com
              http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
        ---
        apiVersion: autoscaling/v2
        kind: HorizontalPodAutoscaler
        metadata: {name: web}
        spec:
          scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
          minReplicas: 2
          maxReplicas: 5
          metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
        ---
        apiVersion: batch/v1
        kind: CronJob
        metadata: {name: clean}
        spec:
          schedule: "*/5 * * * *"
          concurrencyPolicy: Forbid
          jobTemplate:
            spec:
              template:
                spec: {restartPolicy: Never, containers: [{name: c, image: busybox:1.36, command: [sh, -c, "true"]}]}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: {name: "system:acme:reader"}
        rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]
        ---
        apiVersion: monitoring.coreos.com/v1
        kind: SomethingElse
        metadata: {name: Any_Thing}
        spec: {whatever: [1, two]}
        ---
        apiVersion: v1
        kind: List
        items:
          - {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {key: "1"}}
    """,
    "crd.yaml": """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: things.acme.io}
        spec:
          group: acme.io
          scope: Namespaced
          names: {plural: things, singular: thing, kind: Thing}
          versions:
            - name: v1
              served: true
              storage: true
              schema:
                openAPIV3Schema:
                  type: object
                  properties:
                    spec:
                      type: object
                      x-kubernetes-preserve-unknown-fields: true
                      properties:
                        list: {type: array, items: {type: string}, x-kubernetes-list-type: set}
                        port: {anyOf: [{type: integer}, {type: string}], x-kubernetes-int-or-string: true}
    """,
    "docker-compose.yml": """
        version: "3.9"
        x-common: &common
          restart: unless-stopped
          environment:
            TZ: ${TZ:-UTC}
        services:
          web:
            <<: *common
            build: {context: ., args: {VERSION: "1"}}
            ports: ["${PORT:-8080}:80", 9000, {target: 443, published: "443"}]
            depends_on: {db: {condition: service_healthy}}
            healthcheck: {test: [CMD, curl, -f, http://localhost], interval: 30s, retries: 3, disable: false}
            deploy: {replicas: "${REPLICAS}", resources: {limits: {cpus: "0.5", memory: 64M}}}
            env_file: .env
          db:
            image: postgres:16
            environment: [POSTGRES_USER=app, "POSTGRES_PASSWORD=${DB_PASSWORD:?}"]
            volumes: ["data:/var/lib/postgresql/data:ro", {type: tmpfs, target: /tmp}]
            restart: no
            cap_drop: [ALL]
            init: true
          job: {image: busybox, command: "true", profiles: [once]}
        volumes: {data: , other: {external: true}}
        networks: {default: {driver: bridge}}
        secrets: {token: {file: ./token}}
    """,
    ".github/workflows/ci.yml": """
        name: CI
        on:
          push: {branches: [main], tags: 'v*'}
          pull_request:
          schedule: [{cron: '0 3 * * 1'}]
          workflow_dispatch:
            inputs: {level: {type: choice, options: [a, b], required: true}}
        permissions: {contents: read}
        concurrency: {group: "${{ github.ref }}", cancel-in-progress: true}
        env: {FORCE: 1, OFF: no, EMPTY: }
        jobs:
          test:
            runs-on: ${{ matrix.os }}
            timeout-minutes: ${{ fromJSON(inputs.t) }}
            strategy: {fail-fast: false, matrix: {os: [ubuntu-latest, windows-latest], include: [{os: macos-14, x: 1}]}}
            container: {image: "python:3.12", env: {A: b}}
            services: {db: {image: postgres:16, ports: ['5432:5432']}}
            steps:
              - uses: actions/checkout@v4
                with: {fetch-depth: 0, token: }
              - name: Test
                if: always()
                run: make test
                shell: bash
                working-directory: ./x
                continue-on-error: ${{ matrix.x == 1 }}
                env: {TOKEN: "${{ secrets.T }}"}
          call:
            needs: [test]
            uses: ./.github/workflows/deploy.yml
            with: {environment: prod}
            secrets: inherit
    """,
    "action.yml": """
        name: Set up
        description: Sets up
        inputs: {version: {description: v, default: "1"}, quiet: }
        outputs: {path: {description: p, value: "${{ steps.a.outputs.p }}"}}
        runs:
          using: composite
          steps: [{id: a, run: echo p=1 >> $GITHUB_OUTPUT, shell: bash}, {uses: actions/cache@v4, with: {path: x}}]
    """,
    ".gitlab-ci.yml": """
        stages: [build, test]
        variables: {A: "1", B: {value: x, description: y}}
        workflow: {rules: [{if: '$CI_COMMIT_BRANCH == "main"', when: always}]}
        default: {image: "python:3.12", retry: 2}
        include: [{local: /ci/x.yml}, {project: g/p, file: y.yml, ref: main}]
        .base: &base
          before_script: [pip install x]
        build:
          <<: *base
          stage: build
          script: [make, !reference [.base, before_script]]
          artifacts: {paths: [dist/], expire_in: 1 week, when: always}
          parallel:
        test:
          extends: .base
          needs: [build, {job: other, artifacts: true, optional: true}]
          script: make test
          rules: !reference [.rules, main]
          allow_failure: {exit_codes: [1, 2]}
    """,
    "prefect.yaml": """
        prefect-version: 3.1.0
        name: shop
        pull:
          - prefect.deployments.steps.git_clone: {repository: https://example.com/r.git, branch: main}
        definitions: {pool: &pool {name: default, job_variables: {}}}
        deployments:
          - name: nightly
            entrypoint: flows/a.py:main
            schedules: [{cron: "0 0 * * *", timezone: UTC, active: true}]
            parameters: {days: 3}
            tags: [a]
            work_pool: *pool
            concurrency_limit: {limit: 1, collision_strategy: ENQUEUE}
          - name: "{{ prefect.variables.name }}"
            entrypoint: flows/b.py:main
            paused: "{{ prefect.variables.off }}"
            schedule:
    """,
    ".github/dependabot.yml": """
        version: 2
        updates:
          - package-ecosystem: pip
            directory: /
            schedule: {interval: weekly, day: monday}
            groups: {all: {patterns: ["*"]}}
            ignore: [{dependency-name: x, versions: ["1.x"]}]
    """,
    ".pre-commit-config.yaml": """
        default_stages: [pre-commit, pre-push]
        ci: {autofix_prs: false}
        repos:
          - repo: https://example.com/black
            rev: 24.1.0
            hooks: [{id: black, args: [--fast], types_or: [python, pyi]}]
          - repo: local
            hooks: [{id: t, name: t, entry: make, language: system, pass_filenames: false}]
          - repo: meta
            hooks: [{id: identity}]
    """,
    "chart/Chart.yaml": """
        apiVersion: v2
        name: shop
        version: 1.2.3-rc.1+build.5
        appVersion: 1.0
        type: application
        dependencies: [{name: redis, version: ~18.0.0, repository: "https://example.com", condition: redis.enabled}]
        maintainers: [{name: a, email: a@example.com}]
    """,
    "package.json": """
        {"name": "@acme/web", "version": "1.0.0", "type": "module", "private": true, "exports": {".": "./a.js"},
         "scripts": {"build": "x"}, "engines": {"node": ">=20"}, "style": "x.css", "jest": {"a": 1}, "files": ["dist"],
         "author": "A <a@example.com>", "browserslist": ["defaults"], "packageManager": "pnpm@9.1.0+sha256.abc",
         "workspaces": {"packages": ["a/*"]}, "bin": {"x": "y.js"}, "sideEffects": false}
    """,
    "tsconfig.json": """
        {
          // comments and trailing commas are fine here
          "extends": ["./base.json"],
          "compilerOptions": {"target": "ES2023", "module": "NodeNext", "lib": ["DOM", "es2025.iterator"], "strict": true,
            "paths": {"@/*": ["./src/*"]}, "jsx": "react-jsx", "futureOption": 1,},
          "include": ["src"], "ts-node": {"esm": true}
        }
    """,
    "openapi.yaml": """
        openapi: 3.0.3
        info: {title: Shop, version: "1"}
        paths:
          /orders/{id}:
            parameters: [{$ref: '#/components/parameters/Id'}]
            get:
              responses:
                "200":
                  description: ok
                  content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}
                default: {$ref: '#/components/responses/Error'}
              security: [{key: []}]
              x-internal: true
        components:
          parameters: {Id: {name: id, in: path, required: true, schema: {type: string, format: uuid}}}
          responses: {Error: {description: error}}
          schemas: {Order: {type: object, required: [id], properties: {id: {type: string}}, nullable: true}}
          securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}
    """,
    "openapi31.json": """
        {"openapi": "3.1.0", "info": {"title": "a", "version": "1", "summary": "s"}, "webhooks": {"new": {"post": {}}},
         "components": {"schemas": {"A": {"type": ["string", "null"], "const": "x", "examples": [1]}}}}
    """,
    ".circleci/config.yml": """
        version: 2.1
        orbs: {node: circleci/node@5.1}
        executors: {e: {docker: [{image: cimg/base:current}]}}
        jobs:
          build: {executor: e, steps: [checkout, {run: make}, {run: {name: t, command: make t}}, node/install]}
        workflows: {w: {jobs: [build, {hold: {type: approval}}]}}
    """,
    ".readthedocs.yaml": """
        version: 2
        build: {os: ubuntu-24.04, tools: {python: "3.12"}}
        sphinx: {configuration: docs/conf.py}
    """,
}


@pytest.mark.parametrize("name", CLEAN)
def test_what_is_right_is_left_alone(tmp_path: Path, name: str) -> None:
    assert [(f.line, f.message) for f in check(tmp_path, {name: CLEAN[name]}, strictness=Strictness.STRICT)] == []


BAD = {
    "k8s.yaml": (
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: Web_1}
        spec:
          replicas: "two"
          template:
            metadata: {labels: {app: "a b"}}
            spec:
              restartPolicy: always
              containers:
                - name: web
                  imagePullPolcy: Always
                  ports:
                    - containerPort: 99999
                      protocol: tcp
                  resources: {limits: {memory: 512 MB}}
                  env:
                    - name: DEBUG
                      value: yes
                  livenessProbe:
                    httpGet: {path: /}
        """,
        [
            (3, 18, "invalid-value"),
            (4, 1, "missing-required"),
            (5, 13, "wrong-type"),
            (7, 30, "invalid-value"),
            (9, 22, "invalid-enum"),
            (12, 11, "unknown-key"),
            (14, 30, "invalid-value"),
            (15, 25, "invalid-enum"),
            (16, 40, "invalid-value"),
            (19, 22, "wrong-type"),
            (21, 13, "missing-required"),
        ],
    ),
    "svc.json": (
        '{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"type": "LoadBalancr", "prots": []}}',
        [(1, 87, "invalid-enum"), (1, 102, "unknown-key")],
    ),
    "kinds.yaml": (
        "apiVersion: v1\nkind: Deployment\n---\napiVersion: apps/v1\nkind: Deploymnt\n---\napiVersion: v1\nkind: configmap\n",
        [(1, 13, "invalid-enum"), (5, 7, "invalid-enum"), (8, 7, "invalid-enum")],
    ),
    "docker-compose.yml": (
        """
        services:
          web:
            imgae: nginx
            ports: "80:80"
            restart: true
            depends_on:
              db:
                condition: service_helthy
            healthcheck:
              test: {cmd: curl}
          db:
            image: [postgres]
            environment:
              A: [1]
        volmes: {}
        """,
        [
            (3, 5, "unknown-key"),
            (4, 12, "wrong-type"),
            (5, 14, "wrong-type"),
            (8, 20, "invalid-enum"),
            (10, 7, "wrong-type"),
            (12, 5, "wrong-type"),
            (14, 7, "wrong-type"),
            (15, 1, "unknown-key"),
        ],
    ),
    ".github/workflows/ci.yml": (
        """
        on:
          pusch:
            branches: [main]
        jobs:
          build:
            runs_on: ubuntu-latest
            timeout-minutes: ten
            permissions: write-al
            steps:
              - uses: actions/checkout@v4
                wiht: {fetch-depth: 0}
              - name: nothing
              - run: make
                uses: x/y@v1
              - uses: a/b@v1
                shell: bash
          deploy:
            uses: ./.github/workflows/x.yml
            steps: []
        """,
        [
            (2, 3, "unknown-key"),
            (6, 5, "unknown-key"),
            (7, 22, "wrong-type"),
            (8, 18, "invalid-enum"),
            (11, 9, "unknown-key"),
            (12, 9, "missing-required"),
            (14, 9, "conflict"),
            (15, 9, "missing-required"),
            (19, 5, "unknown-key"),
        ],
    ),
    "action.yaml": (
        "name: a\ndescription: b\nruns:\n  using: nodd20\n  main: x.js\ninput: {}\n",
        [(4, 10, "invalid-enum"), (6, 1, "unknown-key")],
    ),
    ".gitlab-ci.yml": (
        """
        stages: build
        build:
          stage: build
          scirpt: make
          when: on_sucess
          retry: 5
          artifacts: {path: [dist/]}
        """,
        [
            (1, 9, "wrong-type"),
            (4, 3, "unknown-key"),
            (5, 9, "invalid-enum"),
            (6, 10, "invalid-value"),
            (7, 15, "unknown-key"),
        ],
    ),
    "prefect.yaml": (
        """
        name: x
        deployments:
          - name: a
            entrypiont: flows/a.py:main
            schedules:
              - cron: "0 0 * * *"
                interval: 10
            work_pool: default
          - name: b
        """,
        [(4, 5, "unknown-key"), (7, 9, "conflict"), (8, 16, "wrong-type"), (9, 5, "missing-required")],
    ),
    ".github/dependabot.yml": (
        "version: 2\nupdates:\n  - package-ecosystem: pipp\n    directory: /\n    schedule: {interval: dayly}\n    ingore: []\n",
        [(3, 24, "invalid-enum"), (5, 26, "invalid-enum"), (6, 5, "unknown-key")],
    ),
    ".pre-commit-config.yaml": (
        """
        repos:
          - repo: https://example.com/black
            hooks:
              - id: black
                langauge: python
          - repo: local
            hooks: [{id: x, entry: make, language: pyhton}]
        """,
        [(2, 5, "missing-required"), (5, 9, "unknown-key"), (7, 13, "missing-required"), (7, 44, "invalid-enum")],
    ),
    "Chart.yaml": (
        "apiVersion: v2\nname: x\nversion: one\nappversion: 1.0\ntype: lib\n",
        [(3, 10, "invalid-value"), (4, 1, "unknown-key"), (5, 7, "invalid-enum")],
    ),
    "package.json": (
        '{"name": "My App", "scripts": {"a": ["b"]}, "dependancies": {}, "type": "esm", "private": "true"}',
        [
            (1, 10, "invalid-value"),
            (1, 32, "wrong-type"),
            (1, 45, "unknown-key"),
            (1, 73, "invalid-enum"),
            (1, 91, "wrong-type"),
        ],
    ),
    "tsconfig.json": (
        '{"compilerOptions": {"module": "NodeNxt", "strct": true, "outDir": 3}, "include": "src"}',
        [(1, 32, "invalid-enum"), (1, 43, "unknown-key"), (1, 68, "wrong-type"), (1, 83, "wrong-type")],
    ),
    "openapi.yaml": (
        """
        openapi: 3.0.3
        info: {title: Shop}
        paths:
          /a:
            get:
              respones: {}
              parameters:
                - {name: id, in: boddy, schema: {type: string}}
        """,
        [(2, 1, "missing-required"), (6, 7, "unknown-key"), (8, 26, "invalid-enum")],
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_found_at_its_place(tmp_path: Path, name: str) -> None:
    text, expected = BAD[name]
    assert brief(check(tmp_path, {name: text})) == expected


def test_messages_name_key_found_and_allowed(tmp_path: Path) -> None:
    found = {f.line: f for f in check(tmp_path, {"k8s.yaml": BAD["k8s.yaml"][0]})}
    assert found[5].message == '`spec.replicas` must be a whole number, but it is the text "two".'
    assert found[9].message == (
        '`spec.template.spec.restartPolicy` is the text "always", which is not allowed. '
        "Allowed: Always, OnFailure, Never."
    )
    assert found[16].message == (
        '`spec.template.spec.containers[0].resources.limits.memory` is the text "512 MB", which is not a quantity, '
        "such as 500m, 2, 512Mi or 1Gi."
    )
    assert "`yes`, which YAML reads as true" in found[19].message
    assert found[4].suggestion == "Add `selector` (a map)."
    assert found[12].suggestion == "Did you mean `imagePullPolicy`?"
    assert found[12].resource == "Deployment/Web_1 spec.template.spec.containers[0].imagePullPolcy"
    assert all(f.references for f in found.values())


def test_fixes_leave_nothing_of_the_problem_and_keep_the_rest(tmp_path: Path) -> None:
    text = """
        services:  # all of them
          web:
            'imgae': nginx  # the server
            restart: true
            depends_on: {db: {condition: "service_helthy"}}
          db: {image: postgres, mem_limit: 1}
    """
    name = "compose.yml"
    while found := [f for f in check(tmp_path, {name: text}) if f.fix]:
        text = mended(tmp_path, found[0])
    assert text == (
        "services:  # all of them\n  web:\n    'image': nginx  # the server\n    restart: \"true\"\n"
        '    depends_on: {db: {condition: "service_healthy"}}\n  db: {image: postgres, mem_limit: 1}\n'
    )


def test_strictness_decides_how_bad_an_unknown_key_is(tmp_path: Path) -> None:
    text = "services:\n  web: {imgae: nginx}\n"
    for strictness, severity in zip(Strictness, (Severity.HIGH, Severity.MEDIUM, Severity.INFO), strict=True):
        assert [f.severity for f in check(tmp_path, {"compose.yml": text}, strictness=strictness)] == [severity]


@pytest.mark.parametrize(
    "value",
    ["${REPLICAS}", "{{ replicas }}", '"{{ .Values.replicas }}"', "$REPLICAS", "!Ref Replicas", "{{ .Values.replicas }}",
     "<replicas>", "__REPLICAS__", "'${{ inputs.replicas }}'"],
)  # fmt: skip
def test_what_is_filled_in_later_has_no_type_yet(tmp_path: Path, value: str) -> None:
    text = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n"
        f"spec: {{selector: {{}}, template: {{}}, replicas: {value}}}\n"
    )
    write(tmp_path, "a.yaml", text)
    assert check_schemas(parse(tmp_path, "a.yaml"), root=tmp_path) == []


def test_a_template_among_keys_may_bring_what_is_missing(tmp_path: Path) -> None:
    text = 'on: push\njobs:\n  a:\n    "${{ insert }}": ${{ parameters.more }}\n    steps: []\n'
    assert check(tmp_path, {".github/workflows/a.yml": text}) == []


def test_the_norway_problem_is_one_of_yaml_1_1_readers_only(tmp_path: Path) -> None:
    assert check(tmp_path, {"compose.yml": "services: {a: {image: x, restart: no, user: on}}\n"}) == []
    found = check(tmp_path, {"cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {flag: no}\n"})
    assert brief(found) == [(4, 14, "wrong-type")]
    assert mended(tmp_path, found[0]).endswith('data: {flag: "no"}\n')


def test_patches_lack_what_they_do_not_change(tmp_path: Path) -> None:
    patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 5\n  replcas: 6\n"
    files = {
        "overlays/prod/kustomization.yaml": "kind: Kustomization\npatches:\n  - path: scale.yaml\n",
        "overlays/prod/scale.yaml": patch,
        "base/scale.yaml": patch,
        "base/web-patch.yaml": patch,
    }
    found = check(tmp_path, files)
    assert [(f.file, f.line) for f in found] == [
        ("overlays/prod/scale.yaml", 6),
        ("base/scale.yaml", 4),  # no selector
        ("base/scale.yaml", 4),  # no template
        ("base/scale.yaml", 6),
        ("base/web-patch.yaml", 6),
    ]


def test_directives_of_patches_are_no_keys(tmp_path: Path) -> None:
    text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n$patch: delete\n"
    assert check(tmp_path, {"base/gone.yaml": text}) == []


def test_what_an_anchor_holds_is_reported_once(tmp_path: Path) -> None:
    text = """
        x-check: &check {retries: 2, test: {a: b}}
        services:
          a: {image: a, healthcheck: *check}
          b: {image: b, healthcheck: *check}
    """
    assert brief(check(tmp_path, {"compose.yml": text})) == [(1, 30, "wrong-type")]


def test_a_typing_error_is_not_also_a_missing_key(tmp_path: Path) -> None:
    text = "apiVersion: v2\nnmae: shop\nversion: 1.0.0\n"
    assert brief(check(tmp_path, {"Chart.yaml": text})) == [(2, 1, "unknown-key")]


def test_a_key_at_the_wrong_depth_is_told_where_it_belongs(tmp_path: Path) -> None:
    text = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nselector: {}\nspec: {selector: {}, template: {}}\n"
    )
    (found,) = check(tmp_path, {"a.yaml": text})
    assert found.suggestion == "It belongs under `spec`."


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  pin: 73519846\n"
    compose = "services:\n  a:\n    image: x\n    links: [DB_PASSWORD=hunter2hunter2, DB_PASSWORD=hunter2hunter2]\n"
    found = check(tmp_path, {"secret.yaml": secret, "compose.yml": compose})
    assert len(found) == 2
    for finding in found:
        assert "73519846" not in finding.message + (finding.suggestion or "")
        assert "hunter2hunter2" not in finding.message + (finding.suggestion or "")


def test_a_flood_of_findings_is_cut_and_counted(tmp_path: Path) -> None:
    keys = "\n".join(f"  key{i}: 1" for i in range(300))
    text = f"apiVersion: v1\nkind: Service\nmetadata: {{name: a}}\nspec:\n{keys}\n"
    write(tmp_path, "a.yaml", text)
    found = check_schemas(parse(tmp_path, "a.yaml"), root=tmp_path)
    assert len(found) == 101
    assert [f.message for f in found if f.rule_id == "schema/more"] == [
        "200 more differences from Kubernetes 1.37 Service are not shown."
    ]


def test_broken_files_are_no_trouble(tmp_path: Path) -> None:
    write(tmp_path, "compose.yml", "services: [\n")
    write(tmp_path, "empty.yaml", "")
    assert (
        check_schemas([parse_file(tmp_path / n, n) for n in ("compose.yml", "empty.yaml", "gone.yaml")], root=tmp_path)
        == []
    )
