"""The CustomResourceDefinitions of what a cluster may have or lack beside Lepton."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import yaml

from lepton.backends.kubernetes.client import Client
from lepton.backends.kubernetes.kinds import Kind, Object
from tests.programs.programs import module

CRD = Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions")
_PATIENCE_S = 180.0


def kuberay() -> list[Object]:
    """Those of KubeRay."""
    root = module("kuberay")
    return definitions(root / "config" / "crd" / "bases")


def kserve() -> list[Object]:
    """InferenceServices."""
    root = module("kserve")
    return definitions(root / "config" / "crd" / "full", "*_inferenceservices.yaml")


def gateway_api() -> list[Object]:
    """HTTPRoutes and GRPCRoutes."""
    root = module("gateway-api")
    return definitions(root / "config" / "crd" / "standard", "*_*routes.yaml")


async def define(client: Client, wanted: Sequence[Object]) -> None:
    """Apply definitions and wait until the API server serves them."""
    for definition in wanted:
        await client.apply(CRD, definition)
    async with asyncio.timeout(_PATIENCE_S):
        while not all(_is_established(one) for one in (await client.list(CRD, None))[0]):
            await asyncio.sleep(0.05)


def _is_established(definition: Object) -> bool:
    conditions = definition.get("status", {}).get("conditions") or ()
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)


def definitions(folder: Path, pattern: str = "*.yaml") -> list[Object]:
    """The objects in the YAML files of a folder, such as CustomResourceDefinitions."""
    texts = (path.read_bytes() for path in sorted(folder.glob(pattern)))
    return [one for text in texts for one in yaml.load_all(text, yaml.CSafeLoader) if one]
