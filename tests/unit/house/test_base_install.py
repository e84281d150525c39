"""The extras are real: what decides imports with the base install alone, the control plane without torch."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HEAVY = ("torch", "torchmetrics", "torch_pruning", "sklearn", "scipy", "onnx", "onnxruntime", "safetensors")
EXTRAS = (*HEAVY, "ray", "numpy", "PIL", "tritonclient", "psutil", "pytriton", "pyarrow", "tensorboard")
PURE = ("lepton.spec", "lepton.plan", "lepton.deploy", "lepton.gate.checks", "lepton.backends.memory")
IMPORT_WITHOUT = """
import importlib.abc, sys
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if any(name == absent or name.startswith(absent + ".") for absent in {absent!r}):
            raise ModuleNotFoundError(f"{{name}} is not installed", name=name)
sys.meta_path.insert(0, Absent())
for name in {names!r}:
    importlib.import_module(name)
"""


def modules(package: str) -> list[str]:
    """The package and every module below it."""
    path = ROOT / package.replace(".", "/")
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    return [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files]


def complaint(absent: tuple[str, ...], names: list[str]) -> str:
    """What a Python in which some packages are absent says when it imports these modules."""
    code = IMPORT_WITHOUT.format(absent=absent, names=names)
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False).stderr


def test_what_decides_needs_none_of_the_extras() -> None:
    steps = [f"lepton.{stage}.step" for stage in ("train", "compress", "gate", "deploy")]
    names = [name for package in PURE for name in modules(package)]
    assert complaint(EXTRAS, [*names, *steps, "lepton.reconcile", "lepton.report", "lepton.artifact"]) == ""


def test_the_command_starts_with_the_base_install() -> None:
    assert complaint(EXTRAS, ["lepton.cli.app"]) == ""


def test_the_operator_needs_neither_torch_nor_ray() -> None:
    names = [*modules("operators"), *modules("lepton.backends.kubernetes")]
    assert complaint((*EXTRAS, "typer", "rich"), names) == ""


def test_the_control_plane_needs_no_torch() -> None:
    names = [*modules("lepton.cli"), *modules("lepton.backends")]
    names.remove("lepton.backends.local.ray_head")  # a process of its own that is Ray, seconds to import
    assert complaint(HEAVY, names) == ""


def test_a_build_loads_no_ray_before_it_needs_workers() -> None:
    assert complaint(("ray",), ["services.worker.build"]) == ""


def test_of_the_client_of_kubernetes_the_operator_and_the_command_load_the_asynchronous_half_alone() -> None:
    names = ["operators.lepton_operator.__main__", "lepton.cli.cluster.place"]
    assert complaint(("kubernetes.client", "google", "requests_oauthlib"), names) == ""
