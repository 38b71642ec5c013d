"""Realistic files in which nothing is wrong: a check that speaks here speaks falsely."""

from __future__ import annotations

import pytest

from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.references.check import check_references
from automation_scripts.validation.security.check import check_security

from .marked import parsed

COMPOSE = """\
name: shop
services:
  proxy:
    image: traefik:v3.1
    command: ["--providers.file.filename=/etc/traefik/dynamic.yml", "--entrypoints.websecure.address=:443"]
    ports: ["80:80", "443:443"]
    volumes: ["./traefik:/etc/traefik:ro", "acme:/acme", "/etc/localtime:/etc/localtime:ro"]
    depends_on: {web: {condition: service_healthy}}
  web:
    build: .
    image: shop/web:${VERSION:-1.4.2}
    environment:
      DATABASE_URL: postgres://shop:${POSTGRES_PASSWORD}@db:5432/shop
      REDIS_URL: redis://cache:6379/0
      SECRET_KEY: ${SECRET_KEY:?set SECRET_KEY}
      SESSION_COOKIE_SECURE: "true"
      CORS_ALLOWED_ORIGINS: https://shop.example.com
      LOG_LEVEL: info
      TOKEN_EXPIRY_SECONDS: "3600"
      PASSWORD_RESET_URL: https://shop.example.com/reset
    healthcheck: {test: ["CMD", "curl", "-fsS", "http://localhost:8000/health"], interval: 10s}
    read_only: true
    tmpfs: [/tmp]
    security_opt: ["no-new-privileges:true"]
    cap_drop: [ALL]
    user: "10001"
    networks: [inner, default]
  db:
    image: postgres:16.4
    environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD_FILE: /run/secrets/db_password}
    secrets: [db_password]
    volumes: ["data:/var/lib/postgresql/data"]
    networks: [inner]
  cache:
    image: redis:7.4
    command: redis-server --appendonly yes --protected-mode yes
    ports: ["127.0.0.1:6379:6379"]
    networks: [inner]
volumes: {acme: {}, data: {}}
networks: {inner: {internal: true}}
secrets: {db_password: {environment: DB_PASSWORD}}
"""

KUBERNETES = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app.kubernetes.io/name: web}}
spec:
  replicas: 3
  selector: {matchLabels: {app.kubernetes.io/name: web}}
  template:
    metadata:
      labels: {app.kubernetes.io/name: web}
      annotations: {prometheus.io/scrape: "true", prometheus.io/port: "9090"}
    spec:
      automountServiceAccountName: web
      securityContext: {runAsNonRoot: true, runAsUser: 10001, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: web
          image: registry.example.com/shop/web:1.4.2
          args: ["--listen=0.0.0.0:8080", "--tls-min-version=VersionTLS12", "--token-file=/var/run/secrets/token"]
          ports: [{name: http, containerPort: 8080}]
          env:
            - {name: SECRET_NAME, value: web-secret}
            - name: API_TOKEN
              valueFrom: {secretKeyRef: {name: web, key: token}}
            - {name: HTTP_PROXY, value: "http://proxy.example.com:3128"}
          resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}
          readinessProbe: {httpGet: {path: /ready, port: http}}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
          volumeMounts: [{name: tmp, mountPath: /tmp}]
      volumes: [{name: tmp, emptyDir: {}}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app.kubernetes.io/name: web}
  ports: [{name: http, port: 80, targetPort: http}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app.kubernetes.io/name: web}}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 8080}]}]
  egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.169.254/32]}}]}]
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: web, namespace: shop}
spec:
  secretStoreRef: {kind: ClusterSecretStore, name: vault}
  target: {name: web}
  data: [{secretKey: token, remoteRef: {key: shop/web, property: token}}]
"""

WORKFLOW = """\
name: ci
on: {push: {branches: [main]}, pull_request: {}}
permissions: {contents: read}
concurrency: {group: "ci-${{ github.head_ref || github.ref }}", cancel-in-progress: true}
jobs:
  test:
    runs-on: ${{ matrix.os }}
    strategy: {matrix: {os: [ubuntu-24.04, macos-15], python: ["3.11", "3.12"]}}
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        id: python
        with: {python-version: "${{ matrix.python }}"}
      - run: echo "${{ steps.python.outputs.python-version }}"
      - run: make test
        env: {TITLE: "${{ github.event.pull_request.title }}", TOKEN: "${{ secrets.GITHUB_TOKEN }}"}
  release:
    needs: test
    if: github.ref == 'refs/heads/main'
    permissions: {contents: write, id-token: write}
    runs-on: ubuntu-24.04
    steps:
      - uses: docker/login-action@v3
        with: {registry: ghcr.io, username: "${{ github.actor }}", password: "${{ secrets.GITHUB_TOKEN }}"}
      - run: docker run --rm -v "$PWD":/src builder:1 make release
"""

TEMPLATE = """\
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Vpc: {Type: "AWS::EC2::VPC::Id"}
  DatabasePassword: {Type: String, NoEcho: true}
Resources:
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: web
      VpcId: !Ref Vpc
      SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0}]
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      MasterUsername: shop
      MasterUserPassword: !Ref DatabasePassword
      StorageEncrypted: true
      PubliclyAccessible: false
      VPCSecurityGroups: [!GetAtt Group.GroupId]
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: ecs-tasks.amazonaws.com}, Action: "sts:AssumeRole"}]
      Policies:
        - PolicyName: read
          PolicyDocument:
            Statement:
              - {Effect: Allow, Action: ["s3:GetObject"], Resource: !Sub "arn:aws:s3:::${Database}/*"}
              - {Effect: Allow, Action: ["ec2:DescribeInstances", "logs:PutLogEvents"], Resource: "*"}
Outputs: {Endpoint: {Value: !GetAtt Database.Endpoint.Address}}
"""

SETTINGS = """\
server: {host: 0.0.0.0, port: 8080, tls: {enabled: true, cert_file: /etc/tls/tls.crt, key_file: /etc/tls/tls.key}}
auth:
  provider: oidc
  client_id: 3f1c2b4a-shop
  client_secret: ${OIDC_CLIENT_SECRET}
  token_endpoint: https://login.example.com/oauth2/token
  token_ttl_seconds: 3600
  password_policy: {min_length: 12, require_digit: true}
  allow_anonymous: false
database: {url: "postgresql://shop@db.internal:5432/shop?sslmode=verify-full", pool_size: 10}
cache: {key_prefix: shop, sort_key: created_at}
http_client: {verify: true, timeout: 30s, proxy: null}
features: {use_token_bucket: true, secret_santa: false, key_rotation_days: 90}
tokenizer: {eos_token: "</s>", pad_token: "<pad>", max_tokens: 4096, vocab: [token, secret, key]}
mail: {from: "Shop <shop@example.com>", host: smtp.example.com, port: 587, use_tls: true, password_file: /run/secrets/mail}
cors: {allowed_origins: ["https://shop.example.com"], allow_credentials: true}
network: {allowed_cidrs: [10.0.0.0/8, 192.168.0.0/16], default_route: 0.0.0.0/0}
users: [{name: ann, role: admin}, {name: bob, role: viewer}]
"""

PLAYBOOK = """\
- name: web servers
  hosts: web
  become: true
  vars:
    db_password: "{{ vault_db_password }}"
    ansible_ssh_private_key_file: ~/.ssh/id_ed25519
  tasks:
    - name: config
      ansible.builtin.template: {src: app.conf.j2, dest: /etc/app.conf, mode: "0640"}
      notify: restart app
    - name: fetch
      ansible.builtin.get_url: {url: "https://example.com/a.tgz", dest: /tmp/a.tgz, validate_certs: true}
    - name: fetch
      ansible.builtin.user: {name: app, password: "{{ app_password | password_hash('sha512') }}"}
  handlers:
    - name: restart app
      ansible.builtin.service: {name: app, state: restarted}
"""

PACKAGE = """\
{"name": "shop", "private": true, "version": "1.4.2",
 "scripts": {"build": "vite build", "test": "vitest run", "ci": "npm run build && npm test"},
 "dependencies": {"jsonwebtoken": "^9.0.2", "csrf-token": "1.0.0", "password-validator": "5.3.0"},
 "publishConfig": {"registry": "https://npm.example.com/"}}
"""

PROMETHEUS = """\
global: {scrape_interval: 15s}
scrape_configs:
  - job_name: app
    authorization: {credentials_file: /etc/prometheus/token}
    tls_config: {ca_file: /etc/prometheus/ca.crt, insecure_skip_verify: false}
    static_configs: [{targets: ["app:9090"]}]
  - {job_name: node, static_configs: [{targets: ["node:9100"]}]}
"""

TRANSLATION = """\
en:
  login: {password: Password, secret: Secret question, token: Enter your token, forgot_password: "Forgot your password?"}
  errors: {password: is too short, confirm_password: does not match}
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("compose.yaml", COMPOSE),
        ("k8s/web.yaml", KUBERNETES),
        (".github/workflows/ci.yml", WORKFLOW),
        ("template.yaml", TEMPLATE),
        ("config/app.yaml", SETTINGS),
        ("site.yml", PLAYBOOK),
        ("package.json", PACKAGE),
        ("prometheus.yml", PROMETHEUS),
        ("config/strings.yml", TRANSLATION),
    ],
)
def test_nothing_is_said_of_a_clean_file(name: str, text: str) -> None:
    corpus = Corpus([parsed(text, name)])
    found = [*check_security(corpus), *check_references(corpus)]
    # A lone file cannot show the build folder or mounted files beside it: that is a remark, no finding.
    loud = [(f.line, f.tags, f.message) for f in found if f.severity != "info"]
    assert loud == []
