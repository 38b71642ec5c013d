"""Names of keys and wrong values for each kind: the data of `tables`."""

from __future__ import annotations

from collections.abc import Mapping

_FREE = """data stringData annotations labels matchLabels nodeSelector environment variables env args with outputs inputs
    properties schemas example examples default dependencies devDependencies scripts paths extraEnv config metadata
    parameters_ responses_ binaryData defaults vars Metadata Mappings Parameters Outputs Conditions secrets"""
FREE = frozenset(_FREE.split())
"""Keys under which names are the user's own: no word of theirs can be a typing error that a reader can tell."""

GOVERNED: Mapping[str, str] = {
    "kubernetes": """containers imagePullPolicy containerPort replicas restartPolicy serviceAccountName volumeMounts
        mountPath selector template initContainers readinessProbe livenessProbe resources targetPort protocol
        periodSeconds initialDelaySeconds terminationGracePeriodSeconds volumes configMap securityContext runAsNonRoot
        roleRef subjects apiGroups verbs accessModes storageClassName completions backoffLimit schedule""",
    "compose": """image restart ports volumes environment depends_on networks command build healthcheck container_name
        env_file working_dir interval retries entrypoint driver expose""",
    "github-workflow": """runs-on steps uses timeout-minutes needs strategy matrix permissions branches
        workflow_dispatch schedule concurrency fail-fast continue-on-error defaults pull_request""",
    "gitlab-ci": """script before_script after_script image stage needs artifacts expire_in allow_failure rules
        extends variables retry dependencies interruptible coverage trigger""",
    "cloudformation": """CidrBlock VpcId SubnetIds SecurityGroupIngress GroupDescription BucketEncryption Handler
        Runtime MemorySize AssumeRolePolicyDocument ManagedPolicyArns ImageId InstanceType AvailabilityZone
        PolicyDocument Properties DependsOn TopicName KeySchema AttributeDefinitions BillingMode Listeners""",
    "ansible": "become hosts tasks notify register handlers vars_files delegate_to ignore_errors become_user when",
    "openapi": """responses operationId summary description parameters requestBody content schema required tags
        securitySchemes components additionalProperties""",
    "prometheus": """scrape_interval static_configs targets metrics_path relabel_configs source_labels target_label
        rule_files alerting scrape_configs evaluation_interval expr annotations group_wait group_interval
        repeat_interval receivers send_resolved kubernetes_sd_configs honor_labels""",
    "package-json": """compilerOptions moduleResolution target strict outDir esModuleInterop skipLibCheck include
        exclude declaration sourceMap dependencies devDependencies scripts repository license engines peerDependencies
        isolatedModules resolveJsonModule forceConsistentCasingInFileNames""",
}

ENUMS: Mapping[str, Mapping[str, str]] = {
    "kubernetes": {
        "imagePullPolicy": "IfNotPresnt",
        "restartPolicy": "Allways",
        "protocol": "TPC",
        "pathType": "Prefixed",
        "concurrencyPolicy": "Forbids",
        "persistentVolumeReclaimPolicy": "Retained",
    },
    "compose": {"restart": "unless-stoped", "condition": "service_helthy", "pull_policy": "alwayz"},
    "github-workflow": {"contents": "wirte", "packages": "raed", "pull-requests": "writes", "id-token": "wrote"},
    "gitlab-ci": {"when": "on_sucess"},
    "cloudformation": {
        "DeletionPolicy": "Retian",
        "BillingMode": "PAY_PER_REQUESTS",
        "Protocol": "HTTPSX",
        "Runtime": "pyton3.12",
        "AttributeType": "X",
        "LaunchType": "FARGATES",
    },
    "helm-values": {"pullPolicy": "IfNotPresnt", "imagePullPolicy": "Allways", "restartPolicy": "Allways"},
    "ansible": {"state": "presnt"},
    "openapi": {"in": "querry", "type": "strng", "style": "simples"},
    "prometheus": {"scheme": "htps", "role": "endpointz", "action": "kep"},
    "package-json": {
        "target": '"ES7000"',
        "moduleResolution": '"nodes"',
        "module": '"ESNexts"',
        "jsx": '"reacted"',
        "type": '"modul"',
    },
}

TYPES: Mapping[str, Mapping[str, str]] = {
    "kubernetes": {
        "replicas": "three",
        "containerPort": "http",
        "periodSeconds": "often",
        "initialDelaySeconds": "soon",
        "readOnly": "maybe",
        "terminationGracePeriodSeconds": "long",
        "backoffLimit": "few",
    },
    "compose": {"privileged": "[yes]", "ports": "8080", "image": "{name: app}", "container_name": "[app]"},
    "github-workflow": {"timeout-minutes": "[10]", "fail-fast": "[no]", "cancel-in-progress": "[no]"},
    "gitlab-ci": {"stage": "[build, test]", "allow_failure": "sometimes", "interruptible": "sometimes"},
    "cloudformation": {"Handler": "[a, b]", "GroupDescription": "{a: b}", "Enabled": "maybe", "Timeout": "soon"},
    "helm-values": {"replicaCount": "two", "replicas": "three", "containerPort": "http-port", "minReplicas": "one"},
    "ansible": {"retries": "many", "become": "[yes]", "delay": "a while"},
    "openapi": {"required": "mandatory", "summary": "[text]", "operationId": "12", "deprecated": "soon"},
    "prometheus": {"honor_labels": "maybe", "job_name": "[node]", "expr": "[up]", "send_resolved": "often"},
    "package-json": {"strict": '"true"', "private": '"yes"', "declaration": '"on"', "noEmit": '"false"'},
}

VALUES: Mapping[str, Mapping[str, str]] = {
    "kubernetes": {
        "containerPort": "70000",
        "port": "88080",
        "cpu": "500mm",
        "memory": "128Mx",
        "storage": "10 Gigs",
        "schedule": '"61 * * * *"',
    },
    "compose": {"interval": "5parsecs", "timeout": "tenseconds", "start_period": "30q"},
    "github-workflow": {"cron": "'0 25 * * *'"},
    "gitlab-ci": {"expire_in": "1 fortnit"},
    "cloudformation": {"CidrBlock": "10.0.0.0/33", "CidrIp": "10.0.0.0/64"},
    "helm-values": {
        "port": "88080",
        "containerPort": "70000",
        "cpu": "500mm",
        "memory": "128Mx",
        "size": "8 Gigs",
        "schedule": '"61 * * * *"',
    },
    "ansible": {"mode": '"0999"'},
    "openapi": {"$ref": '"#components/schemas/Thing"', "openapi": '"three"'},
    "prometheus": {
        "scrape_interval": "15x",
        "for": "5minutes",
        "group_wait": "ten",
        "evaluation_interval": "1x",
        "scrape_timeout": "10 s",
        "repeat_interval": "4hrs",
        "interval": "soon",
    },
    "package-json": {"version": '"1.x.y.z"', "node": '">>= 18"'},
}

REQUIRED: Mapping[str, str] = {
    "kubernetes": "selector mountPath roleRef template",
    "compose": "image",
    "github-workflow": "runs-on",
    "gitlab-ci": "script",
    "cloudformation": "GroupDescription AssumeRolePolicyDocument PolicyDocument KeySchema Handler Role_",
    "openapi": "responses version title description_",
    "prometheus": "expr targets_ job_name receiver",
    "ansible": "hosts",
}
