"""The CustomResourceDefinitions of what a cluster may have or lack beside Lepton."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from lepton.backends.kubernetes.client import Client
from lepton.backends.kubernetes.kinds import Kind, Object
from tests.programs.programs import module

CRD = Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions")
_PATIENCE_S = 180.0


def kuberay() -> list[Object]:
    """Those of KubeRay."""
    root = module("kuberay")
    return _briefly(definitions(root / "config" / "crd" / "bases"))


def kserve() -> list[Object]:
    """InferenceServices."""
    root = module("kserve")
    return _briefly(definitions(root / "config" / "crd" / "full", "*_inferenceservices.yaml"))


def gateway_api() -> list[Object]:
    """HTTPRoutes and GRPCRoutes."""
    root = module("gateway-api")
    return _briefly(definitions(root / "config" / "crd" / "standard", "*_*routes.yaml"))


def _briefly(node: Any) -> Any:
    """Without the descriptions of fields, with which an API server takes half as long again over them."""
    if isinstance(node, list):
        return [_briefly(one) for one in node]
    if isinstance(node, dict):
        return {name: _briefly(one) for name, one in node.items() if name != "description" or isinstance(one, dict)}
    return node


async def define(client: Client, wanted: Sequence[Object]) -> None:
    """Apply definitions and wait until the API server serves them."""
    for definition in wanted:
        await client.apply(CRD, definition)
    async with asyncio.timeout(_PATIENCE_S):
        for definition in wanted:
            while not _is_established(await client.get(CRD, "", definition["metadata"]["name"])):
                await asyncio.sleep(0.05)


def _is_established(definition: Object) -> bool:
    conditions = definition.get("status", {}).get("conditions") or ()
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)


def definitions(folder: Path, pattern: str = "*.yaml") -> list[Object]:
    """The objects in the YAML files of a folder, such as CustomResourceDefinitions."""
    texts = (path.read_bytes() for path in sorted(folder.glob(pattern)))
    return [one for text in texts for one in yaml.load_all(text, yaml.CSafeLoader) if one]
