"""Privileges, namespaces, mounts and capabilities: bad beside good, in every format."""

from __future__ import annotations

import pytest

from automation_scripts.results import Severity
from automation_scripts.validation.security.check import check_security

from .marked import assert_marked, parsed

COMPOSE = """\
services:
  bad:
    image: app:1
    privileged: true                                   # expect: privileged
    user: "0:0"                                        # expect: privileged
    network_mode: host                                 # expect: host-namespace
    pid: "host"                                        # expect: host-namespace
    ipc: host                                          # expect: host-namespace
    read_only: false                                   # expect: writable-rootfs
    cap_add:
      - SYS_ADMIN                                      # expect: dangerous-cap
      - cap_net_admin                                  # expect: dangerous-cap
      - CHOWN
    security_opt:
      - seccomp:unconfined                             # expect: priv-escalation
      - no-new-privileges:false                        # expect: priv-escalation
      - label=type:svirt_apache_t
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock:ro   # expect: docker-sock
      - /:/host                                        # expect: host-mount
      - /proc:/host/proc:ro                            # expect: host-mount
      - type: bind
        source: /etc                                   # expect: host-mount
        target: /host/etc
  good:
    image: app:1
    privileged: false
    user: "1000:1000"
    network_mode: bridge
    pid: service:bad
    read_only: true
    cap_drop: [ALL]
    cap_add: [NET_BIND_SERVICE, CHOWN]
    security_opt: ["no-new-privileges:true", "seccomp:./profile.json"]
    volumes:
      - ./data:/data
      - named:/var/lib/postgresql/data
      - /srv/app:/app
      - /opt/media:/media:ro
      - /etc/localtime:/etc/localtime:ro
      - /etc/ssl/certs:/etc/ssl/certs:ro
      - ${CONFIG:-/etc/app}:/config
      - /home/me/project:/src
volumes: {named: {}}
"""

POD = """\
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  template:
    spec:
      hostNetwork: true                          # expect: host-namespace
      hostPID: true                              # expect: host-namespace
      hostIPC: false
      securityContext:
        runAsUser: 0                             # expect: privileged
      initContainers:
        - name: bare                             # expect: priv-escalation, writable-rootfs
          image: busybox:1.36
      containers:
        - name: bad
          image: agent:1
          securityContext:
            privileged: true                     # expect: privileged
            readOnlyRootFilesystem: false        # expect: writable-rootfs
            procMount: Unmasked                  # expect: priv-escalation
            capabilities:
              drop: [NET_RAW]
              add: [NET_ADMIN, SYS_PTRACE, KILL] # expect: dangerous-cap, dangerous-cap
        - name: escalates
          image: agent:1
          securityContext:
            allowPrivilegeEscalation: true       # expect: priv-escalation
            readOnlyRootFilesystem: true
        - name: good
          image: agent:1
          securityContext:
            privileged: false
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            runAsNonRoot: true
            capabilities: {drop: [ALL]}
      volumes:
        - name: sock
          hostPath: {path: /run/containerd/containerd.sock}   # expect: docker-sock
        - name: logs
          hostPath:
            path: /var/log                       # expect: host-mount
        - name: data
          hostPath: {path: /mnt/disk}            # expect: host-mount
        - name: scratch
          emptyDir: {}
"""

CUSTOM_RESOURCE = """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: web
          image: web:1
          securityContext: {privileged: true, allowPrivilegeEscalation: true, readOnlyRootFilesystem: true} # expect: privileged, priv-escalation
"""

POLICY = """\
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: restricted}
spec:
  privileged: true    # expect: privileged
  hostNetwork: true   # expect: host-namespace
  hostPID: false
"""

LIST = """\
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Pod
    metadata: {name: a}
    spec:
      hostNetwork: true   # expect: host-namespace
      containers:
        - {name: c, image: "c:1", securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true}}
"""

WORKFLOW = """\
permissions: {}
on: push
jobs:
  build:
    runs-on: ubuntu-24.04
    container:
      image: node:22
      options: --cpus 1 --privileged                                      # expect: privileged
    steps:
      - run: docker run --rm -v /var/run/docker.sock:/var/run/docker.sock tool:1  # expect: docker-sock
      - run: docker run --network host --cap-add=SYS_ADMIN tool:1         # expect: host-namespace, dangerous-cap
      - run: docker run --rm -v $PWD:/work -v /tmp/x:/x tool:1
      - run: echo "--privileged is not run here"
"""

VALUES = """\
podSecurityContext: {fsGroup: 1000}
securityContext:
  privileged: true                   # expect: privileged
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
hostNetwork: true                    # expect: host-namespace
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("docker-compose.yml", COMPOSE),
        ("agent.yaml", POD),
        ("rollout.yaml", CUSTOM_RESOURCE),
        ("psp.yaml", POLICY),
        ("list.yaml", LIST),
        (".github/workflows/ci.yml", WORKFLOW),
    ],
)
def test_what_is_bad_is_found_on_its_line_and_what_is_good_is_not(name: str, text: str) -> None:
    assert_marked(check_security, text, name)


def test_chart_values_count_when_they_say_it_outright(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: x\nversion: 1.0.0\n")
    file = parsed(VALUES, "values.yaml", folder)
    found = sorted((f.line, f.tags[0]) for f in check_security([file]))
    assert found == [(3, "privileged"), (6, "host-namespace")]


def test_severities_follow_what_can_be_done_with_it() -> None:
    by_line = {f.line: f.severity for f in check_security([parsed(COMPOSE, "docker-compose.yml")])}
    assert by_line[4] is Severity.HIGH  # privileged
    assert by_line[9] is Severity.LOW  # a writable root filesystem
    assert by_line[11] is Severity.HIGH  # SYS_ADMIN takes the host
    assert by_line[12] is Severity.MEDIUM  # NET_ADMIN does not
    assert by_line[20] is Severity.HIGH and by_line[21] is Severity.MEDIUM  # writable against read-only


def test_a_plain_true_is_turned_by_a_fix_and_nothing_else_is_touched() -> None:
    (finding,) = [f for f in check_security([parsed(COMPOSE, "docker-compose.yml")]) if f.line == 4]
    (edit,) = finding.fix
    assert (edit.start_line, edit.start_column, edit.end_column, edit.text) == (4, 17, 21, "false")
    quoted = COMPOSE.replace("privileged: true ", 'privileged: "true" ')
    (finding,) = [f for f in check_security([parsed(quoted, "docker-compose.yml")]) if f.line == 4]
    assert finding.fix == ()


def test_what_many_services_share_by_an_anchor_is_said_once() -> None:
    text = """\
x-base: &base
  image: app:1
  privileged: true
services:
  a: {<<: *base}
  b: {<<: *base}
"""
    found = [f for f in check_security([parsed(text, "compose.yaml")]) if f.tags == ("privileged",)]
    assert [f.line for f in found] == [3]


def test_windows_pods_have_no_linux_security_context() -> None:
    text = """\
apiVersion: v1
kind: Pod
metadata: {name: win}
spec:
  nodeSelector: {kubernetes.io/os: windows}
  containers: [{name: iis, image: "iis:1"}]
"""
    assert check_security([parsed(text, "pod.yaml")]) == []


def test_a_patch_is_not_blamed_for_what_it_leaves_out() -> None:
    text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: a, env: []}]}}}\n"
    assert check_security([parsed(text, "patch.yaml")]) == []
