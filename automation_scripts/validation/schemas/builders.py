"""How the archives of schemas are made from what their authors publish. Used by the update command alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from automation_scripts.errors import ConfigurationError
from automation_scripts.validation.schemas.cloudformation_data import resource_types, serverless_types
from automation_scripts.validation.schemas.sources import Files
from automation_scripts.validation.schemas.transform import defaults_filled, kubernetes, portable, without_prose

Builder = Callable[[Sequence[Files]], Mapping[str, Any]]

_DEFINITIONS = re.compile(r".*/v(1\.[0-9]+)\.[0-9]+-local-strict/_definitions\.json")
_CUSTOM_GROUPS = frozenset(
    [
        "argoproj.io",
        "cert-manager.io",
        "acme.cert-manager.io",
        "monitoring.coreos.com",
        "external-secrets.io",
        "generators.external-secrets.io",
        "gateway.networking.k8s.io",
        "keda.sh",
        "eventing.keda.sh",
        "bitnami.com",
        "velero.io",
        "kyverno.io",
        "cilium.io",
        "metallb.io",
        "autoscaling.k8s.io",
        "snapshot.storage.k8s.io",
        "groupsnapshot.storage.k8s.io",
        "postgresql.cnpg.io",
        "kafka.strimzi.io",
        "serving.knative.dev",
        "eventing.knative.dev",
        "messaging.knative.dev",
        "sources.knative.dev",
        "flows.knative.dev",
        "karpenter.sh",
        "karpenter.k8s.aws",
        "secrets-store.csi.x-k8s.io",
        "networking.istio.io",
        "security.istio.io",
        "telemetry.istio.io",
        "extensions.istio.io",
        "traefik.io",
        "traefik.containo.us",
        "source.toolkit.fluxcd.io",
        "kustomize.toolkit.fluxcd.io",
        "helm.toolkit.fluxcd.io",
        "notification.toolkit.fluxcd.io",
        "image.toolkit.fluxcd.io",
        "fluxcd.controlplane.io",
        "cluster.x-k8s.io",
        "kueue.x-k8s.io",
        "longhorn.io",
        "ceph.rook.io",
        "grafana.integreatly.org",
        "opentelemetry.io",
        "projectcontour.io",
        "linkerd.io",
        "policy.linkerd.io",
        "externaldns.k8s.io",
        "elbv2.k8s.aws",
        "vpcresources.k8s.aws",
        "templates.gatekeeper.sh",
        "config.gatekeeper.sh",
        "mutations.gatekeeper.sh",
        "trust.cert-manager.io",
        "volsync.backube",
        "kubevirt.io",
        "cdi.kubevirt.io",
        "operators.coreos.com",
        "flagger.app",
        "gateway.envoyproxy.io",
        "operator.victoriametrics.com",
        "k8s.cni.cncf.io",
        "nfd.k8s-sigs.io",
        "core.openfeature.dev",
        "dapr.io",
        "tuppr.home-operations.com",
    ]
)
"""API groups whose resources many clusters hold, of projects under permissive licences."""

_NOTES_KEPT = frozenset({"x-kubernetes-preserve-unknown-fields"})
_LARGEST = 1_000_000
"""Resources that embed whole pods several times over are left out: they would be half of all the data."""


def build(bundle: str, archives: Sequence[Files]) -> Mapping[str, Any]:
    """The members of a bundle, by name.

    Raises:
        ConfigurationError: when there is no builder of that name, or the sources have another form than it expects.
    """
    if bundle not in _BUILDERS:
        raise ConfigurationError(f"catalog.yaml names the bundle {bundle!r}. Known: {', '.join(_BUILDERS)}.")
    members = _BUILDERS[bundle](archives)
    if not members:
        raise ConfigurationError(f"{bundle}: the source has another form than the one that is expected.")
    return members


def kubernetes_versions(archives: Sequence[Files]) -> Mapping[str, Any]:
    """For each version but the newest, what differs from the next newer one: definitions changed, and gone (null)."""
    (archive,) = archives
    names = {match[1]: name for name in archive.names() if (match := _DEFINITIONS.fullmatch(name))}
    members: dict[str, Any] = {}
    newer: dict[str, Any] | None = None
    for version in sorted(names, key=lambda text: int(text.partition(".")[2]), reverse=True):
        raw = json.loads(archive.read(names[version]))
        raw = {"$defs": raw.get("$defs", raw.get("definitions"))}
        text = json.dumps(kubernetes(without_prose(raw))["$defs"]).replace("#/definitions/", "#/$defs/")
        current: dict[str, Any] = json.loads(text)
        if newer is not None:
            changed = {name: schema for name, schema in current.items() if newer.get(name) != schema}
            members[f"{version}.json"] = {**changed, **{name: None for name in newer if name not in current}}
        newer = current
    return members


def custom_resources(archives: Sequence[Files]) -> Mapping[str, Any]:
    """`group/kind_version.json` of well-known custom resources, without prose."""
    (archive,) = archives
    chosen = [
        name
        for name in archive.names()
        if name.partition("/")[0] in _CUSTOM_GROUPS
        and name.endswith(".json")
        and (archive.size(name) < _LARGEST or name.startswith("argoproj.io/applicationset"))
    ]
    return {
        name: _structural(without_prose(portable(defaults_filled(json.loads(archive.read(name)))))) for name in chosen
    }


def _structural(schema: Any, *, names: bool = False) -> Any:
    """Without `format`, whose words mean other things there, and without notes; `names` is true in maps of names."""
    if isinstance(schema, dict):
        return {
            key: _structural(value, names=key == "properties" and not names)
            for key, value in schema.items()
            if names or not (key == "format" or (key.startswith("x-kubernetes-") and key not in _NOTES_KEPT))
        }
    if isinstance(schema, list):
        return [_structural(part) for part in schema]
    return schema


def cloudformation(archives: Sequence[Files]) -> Mapping[str, Any]:
    """`AWS::Service::Type.json` of all resource types of all regions, and of the serverless transform's."""
    providers, serverless = archives
    types = resource_types(providers)
    return {f"{name}.json": schema for name, schema in {**types, **serverless_types(serverless, types)}.items()}


_BUILDERS: dict[str, Builder] = {
    "kubernetes-versions": kubernetes_versions,
    "custom-resources": custom_resources,
    "cloudformation": cloudformation,
}
