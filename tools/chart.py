"""What `helm install charts/lepton` can be told: each value, its default and its meaning. Called by tools.generate.

From it come the chart's values.yaml and values.schema.json, and docs/reference/chart.md. What the operator is told of
the cluster is its own Settings, so that the chart can neither lack one of them nor have one of its own.
"""

import json
import textwrap
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field, JsonValue, create_model
from pydantic.fields import FieldInfo

from lepton.backends.kubernetes.settings import Settings
from lepton.spec.document import dump
from lepton.spec.fields import Quantity, Section

Selection = list[dict[str, JsonValue]]
"""A list of objects of Kubernetes's own, which its API server checks."""
_NAMESPACE = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_GIVEN_BY_IMAGES = {"worker_image", "server_image", "pull_secrets"}
_MARK = "Made from tools/chart.py by `make generate`: do not edit."


def _settings() -> type[Section]:
    """The operator's Settings but for the images; the artifacts lie on the claim unless a bucket is named."""
    fields: dict[str, Any] = {
        name: (field.annotation, field) for name, field in Settings.model_fields.items() if name not in _GIVEN_BY_IMAGES
    }
    meaning = Settings.model_fields["artifacts"].description
    fields["artifacts"] = (str, Field(default="file:///lepton/artifacts", description=meaning))
    return create_model(
        "OperatorSettings", __base__=Section, __doc__="What the operator knows of the cluster.", **fields
    )


OperatorSettings = _settings()


class Image(Section):
    """Where an image is."""

    repository: str = Field(min_length=1)
    """Its name, with the registry where that is not the node's default."""
    tag: str = ""
    """Which one; the chart's appVersion where empty."""
    digest: str = Field(default="", pattern=r"^(sha256:[0-9a-f]{64})?$")
    """sha256 of exactly one image; goes before the tag."""


class Images(Section):
    """The three images of Lepton."""

    operator: Image = Image(repository="leptonml/operator")
    """The control loop; without torch and Ray."""
    worker: Image = Image(repository="leptonml/worker")
    """Runs builds and gates."""
    server: Image = Image(repository="leptonml/server")
    """Runs Triton, and what fetches a model for it."""
    pull_secrets: list[str] = []
    """Names of Secrets with which they are pulled: in the release's namespace for the operator, and in each namespace
    of models for the pods of jobs and servers."""


class Operator(Section):
    """The operator's Deployment."""

    replicas: int = Field(default=1, ge=1, le=5)
    """How many pods; one works and the others wait for its lease. From two on there is a PodDisruptionBudget."""
    resources: dict[Literal["requests", "limits"], dict[str, str | float]] = {
        "requests": {"cpu": "100m", "memory": "128Mi"},
        "limits": {"memory": "512Mi"},
    }
    """Of its container."""
    priority_class_name: str = ""
    """Its PriorityClass; the cluster's default where empty."""
    node_selector: dict[str, str] = {}
    """Labels of the nodes that it may run on."""
    tolerations: Selection = []
    """Taints that it bears."""


class Watch(Section):
    """Whose models the operator looks after."""

    namespace: str = Field(default="", pattern=f"^({_NAMESPACE})?$")
    """One namespace, and then the operator gets no right outside of it; where empty, all namespaces."""


class Models(Section):
    """Where models live."""

    namespaces: list[Annotated[str, Field(pattern=f"^{_NAMESPACE}$")]] = Field(
        default=["default"], json_schema_extra={"uniqueItems": True}
    )
    """Namespaces in which the chart makes the claim and the NetworkPolicies of models; they must exist. With
    watch.namespace it is that one instead."""


class Storage(Section):
    """The PersistentVolumeClaim of each namespace of models, named by settings.claim."""

    create: bool = True
    """Make it; false where you made one yourself. The chart never deletes it: artifacts and checkpoints lie on it."""
    size: Quantity = "20Gi"
    """How much it holds."""
    storage_class_name: str = ""
    """Its StorageClass; the cluster's default where empty."""
    access_mode: Literal["ReadWriteOnce", "ReadWriteMany"] = "ReadWriteOnce"
    """ReadWriteOnce keeps all jobs of a namespace on one node at a time; ReadWriteMany needs a class that offers it."""


class Definition(Section):
    """The CustomResourceDefinition of LeptonModel."""

    install: bool = True
    """Make and upgrade it; false for every release but one, and where you may not. It is never deleted with a release,
    for all models would go with it."""


class PrometheusOperator(Section):
    """PodMonitors of the operator, of servers and of Ray's pods, and a PrometheusRule with the alerts."""

    create: bool = False
    """Make them, where monitoring.coreos.com/v1 is installed."""
    labels: dict[str, str] = {}
    """Labels by which your Prometheus selects them, such as {release: kube-prometheus-stack}."""
    interval: str = Field(default="", pattern=r"^([1-9][0-9]*(ms|s|m|h))?$")
    """How often all of it is scraped, such as 1m; where empty, each 30 s the operator and each 15 s servers and Ray."""


class Dashboards(Section):
    """A ConfigMap for each Grafana dashboard."""

    create: bool = False
    """Make them, where Grafana's sidecar looks for dashboards, as in kube-prometheus-stack."""
    labels: dict[str, str] = {"grafana_dashboard": "1"}
    """Labels by which the sidecar selects them."""


class Metrics(Section):
    """Who reads the metrics."""

    prometheus_operator: PrometheusOperator = PrometheusOperator()
    """PodMonitors of the operator, of servers and of Ray's pods, and a PrometheusRule with the alerts."""
    dashboards: Dashboards = Dashboards()
    """A ConfigMap for each Grafana dashboard."""


class NetworkPolicies(Section):
    """Who may talk to whom. Lists of peers and rules are those of networking.k8s.io/v1."""

    create: bool = True
    """Make them; a cluster whose network enforces none ignores them."""
    callers: Selection = []
    """Peers that may ask models (HTTP and gRPC), such as your gateway; anyone where empty."""
    monitoring: Selection = []
    """Peers that may scrape metrics; anyone where empty."""
    kuberay: Selection = [
        {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app.kubernetes.io/name": "kuberay-operator"}}}
    ]
    """Peers that may give work to Ray: jobs, and models to serve."""
    stores: Selection = [{"ports": [{"port": 443, "protocol": "TCP"}]}]
    """Egress rules by which jobs and servers reach data and artifacts; a MinIO in the cluster needs one more."""
    api_server: Selection = [{"ports": [{"port": 443, "protocol": "TCP"}, {"port": 6443, "protocol": "TCP"}]}]
    """Egress rules by which the operator and jobs reach the API server."""


class Values(Section):
    """Every value of the chart."""

    images: Images = Images()
    """The three images of Lepton."""
    operator: Operator = Operator()
    """The operator's Deployment."""
    watch: Watch = Watch()
    """Whose models the operator looks after."""
    models: Models = Models()
    """Where models live."""
    settings: OperatorSettings = OperatorSettings()  # type: ignore[valid-type]  # made from Settings above
    """What the operator knows of the cluster."""
    storage: Storage = Storage()
    """The PersistentVolumeClaim of each namespace of models, named by settings.claim."""
    crd: Definition = Definition()
    """The CustomResourceDefinition of LeptonModel."""
    metrics: Metrics = Metrics()
    """Who reads the metrics."""
    network_policies: NetworkPolicies = NetworkPolicies()
    """Who may talk to whom. Lists of peers and rules are those of networking.k8s.io/v1."""


def values() -> str:
    """The chart's values.yaml: each value's meaning above its default."""
    return "\n".join([f"# {_MARK}", *_lines(Values(), "")]) + "\n"


def _lines(section: BaseModel, indent: str) -> Iterator[str]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if not indent:
            yield ""
        yield from _comment(field, f"{indent}# ")
        if isinstance(value, BaseModel):
            yield f"{indent}{field.alias}:"
            yield from _lines(value, f"{indent}  ")
            continue
        for below in _left_out(field):
            yield from _comment(below, f"{indent}#   {below.alias}: ")
        yield from textwrap.indent(dump({str(field.alias): value}).rstrip(), indent).splitlines()


def _comment(field: FieldInfo, begin: str) -> list[str]:
    rest = begin[: begin.index("#")] + "#".ljust(len(begin) - begin.index("#"))
    return textwrap.wrap(field.description or "", 118, initial_indent=begin, subsequent_indent=rest)


def _left_out(field: FieldInfo) -> list[FieldInfo]:
    """What a section holds that is left out by default, such as the Gateway."""
    sections = [one for one in get_args(field.annotation) if isinstance(one, type) and issubclass(one, BaseModel)]
    return [below for section in sections for below in section.model_fields.values()]


def schema() -> str:
    """The chart's values.schema.json. Helm adds `global` where the chart is part of another."""
    made = Values.model_json_schema(by_alias=True)
    shared = {"type": "object", "description": "Of the chart that this one is part of; not read."}
    made["properties"]["global"] = shared
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **made}, indent=2) + "\n"


def page() -> str:
    """The reference of the values."""
    rows = [f"| `{path}` | {default} | {meaning} |" for path, default, meaning in _rows(Values(), "")]
    head = "# The chart's values\n\n" + _MARK + "\n\nUnknown values are refused.\n"
    return "\n".join([head, "| value | default | meaning |", "| --- | --- | --- |", *rows]) + "\n"


def _rows(section: BaseModel, prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, field in type(section).model_fields.items():
        value, path = getattr(section, name), f"{prefix}{field.alias}"
        if isinstance(value, BaseModel):
            yield from _rows(value, f"{path}.")
            continue
        yield path, f"`{json.dumps(value)}`", _told(field)
        for below in _left_out(field):
            default = "required" if below.is_required() else f"`{json.dumps(below.default)}`"
            yield f"{path}.{below.alias}", default, _told(below)


def _told(field: FieldInfo) -> str:
    return (field.description or "").replace("\n", " ")
