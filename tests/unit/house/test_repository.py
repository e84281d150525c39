"""The repository as a whole: nothing of one machine in it, its commands documented, its licence whole."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
OURS = (
    *("lepton", "operators", "services", "charts", "tools", "bench"),
    *("tests", "docs", "manifests", "requirements", ".ci"),
)
TOP = ("Makefile", "README.md", "CHANGELOG.md", "pyproject.toml", ".importlinter", ".gitignore")
REGISTRIES = re.compile("|".join(["py" + r"pi\.org", "python" + r"hosted\.org", "download" + r"\.pytorch"]))
ELSEWHERE = re.compile("|".join(r"(?<![\w.~$}])/" + place + "/" for place in ("work", "ro" + "ot", "home", "Users")))


def texts() -> dict[str, str]:
    """Every text file of ours by its path."""
    files = [file for folder in OURS for file in (ROOT / folder).rglob("*") if file.is_file()]
    files += [ROOT / name for name in TOP if (ROOT / name).exists()]
    kinds = {".py", ".md", ".yaml", ".json", ".toml", ".lock", ".html", ".css", ".js", ".sh", ".txt", ".tpl", ""}
    return {
        str(file.relative_to(ROOT)): file.read_text()
        for file in files
        if file.suffix in kinds and "__pycache__" not in file.parts
    }


def test_no_file_names_a_package_registry() -> None:
    assert [path for path, text in texts().items() if REGISTRIES.search(text)] == []


def test_no_file_holds_a_path_of_one_machine() -> None:
    assert [path for path, text in texts().items() if ELSEWHERE.search(text)] == []


def test_make_help_lists_every_command() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert re.findall(r"^make (\S+) ", listed, re.MULTILINE) == phony[1].split()


def test_without_arguments_make_explains_itself() -> None:
    listed = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert listed.startswith("make help")


def test_without_python_311_set_up_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text().replace(".venv/", f"{tmp_path}/"))
    command = ["make", "--file", str(tmp_path / "Makefile"), "setup", "PYTHON=python-that-is-not-there"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Python 3.11 is needed: install it (sudo apt-get install python3.11")


def test_the_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text and "Version 2.0, January 2004" in text and "END OF TERMS AND CONDITIONS" in text
