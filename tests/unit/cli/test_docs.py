"""The documents speak of what exists: commands that can be typed, reasons, links, samples."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml

from lepton.cli.app import app
from lepton.spec.load import load
from lepton.spec.reasons import Reason

ROOT = Path(__file__).parents[3]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
SOURCES = sorted([*(ROOT / "lepton").rglob("*.py"), *(ROOT / "services").rglob("*.py")])


def commands_of_page(text: str) -> Iterator[str]:
    """Command lines of the examples, and those in running text."""
    for line in text.splitlines():
        shown = re.match(r"\$ (.*)", line.strip())
        if shown:
            yield from (part for part in re.split(r"&&|\||;", shown[1]))
    yield from re.findall(r"(?<!`)`(lepton [^`]+)`", text)


def arguments(line: str) -> list[str] | None:
    """What follows `lepton` in a command line; None where it is another command."""
    words = shlex.split(line, comments=True)
    while words and re.fullmatch(r"\w+=.*", words[0]):
        words.pop(0)
    if not words or words[0].split("/")[-1] != "lepton":
        return None
    # running text may name an option without its value
    return [*words[1:], "1"] if words[-1].endswith(("-port", "--artifacts")) else words[1:]


def parse(words: list[str]) -> None:
    """Let the command's own parser read the words, without running anything."""
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    with group.make_context("lepton", list(words), resilient_parsing=words == ["--help"]) as context:
        if words == ["--help"]:
            return
        name, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])
        if not rest:
            return  # running text speaks of the command by its name
        assert command is not None
        command.make_context(name, rest, parent=context)


def known_commands() -> list[tuple[str, str]]:
    found = [(page.relative_to(ROOT).as_posix(), line) for page in PAGES for line in commands_of_page(page.read_text())]
    for source in SOURCES:
        text = source.read_text().replace("{option} PORT", "--http-port 9000")
        text = re.sub(r"\{[^{}]*\}", "x", text)
        found += [(source.relative_to(ROOT).as_posix(), line) for line in re.findall(r"(?<!`)`(lepton [^`\n]+)`", text)]
    return found


def test_every_command_in_documents_and_messages_can_be_typed() -> None:
    wrong = []
    checked = 0
    for where, line in known_commands():
        words = arguments(line)
        if words is None:
            continue
        checked += 1
        try:
            parse(words)
        except typer.TyperException as error:
            wrong.append(f"{where}: {line}: {error.format_message()}")
    assert wrong == []
    assert checked > 40


@pytest.mark.parametrize(
    "words", [["nosuch"], ["get", "--nosuch"], ["predict", "digits"], ["report", "x", "-o", "pdf"]]
)
def test_the_check_of_commands_finds_a_wrong_one(words: list[str]) -> None:
    with pytest.raises(typer.TyperException):
        parse(words)


def test_every_reason_is_documented_with_what_to_do() -> None:
    page = (ROOT / "docs/how-to/when-something-fails.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE)
    assert [name for name, _, _ in rows] == [reason.value for reason in Reason]


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", re.sub(r"`[^`\n]*`", "", page.read_text()))
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_every_page_is_reached_from_the_index() -> None:
    index = (ROOT / "docs/index.md").read_text()
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")]
    assert [page for page in pages if page != "index.md" and f"({page})" not in index] == []


def test_every_yaml_in_the_documents_is_valid() -> None:
    wrong = []
    for page in PAGES:
        for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL):
            content = yaml.safe_load(re.sub(r"^ {3}", "", block, flags=re.MULTILINE) if block[0] == " " else block)
            if "spec" not in content:
                continue
            whole = {
                "apiVersion": "leptonml.dev/v1alpha1",
                "kind": "LeptonModel",
                "metadata": {"name": "example"},
                **content,
                "spec": {"task": "image-classification", "data": {"uri": "sklearn://digits"}, **content["spec"]},
            }
            wrong += [f"{page.relative_to(ROOT)}: {problem}" for problem in load(yaml.safe_dump(whole)).problems]
    assert wrong == []


def test_the_readme_shows_the_sample_that_the_demo_runs() -> None:
    sample = (ROOT / "manifests/samples/digits.yaml").read_text()
    without_comments = "".join(line for line in sample.splitlines(keepends=True) if not line.startswith("#"))
    assert f"```yaml\n{without_comments}```" in (ROOT / "README.md").read_text()


def test_no_line_of_a_document_is_too_long_to_read_in_an_editor() -> None:
    long = [
        f"{page.relative_to(ROOT)}:{number}"
        for page in PAGES
        if "reference" not in page.parts
        for number, line in enumerate(page.read_text().splitlines(), start=1)
        if len(line) > 200 and not line.startswith("|")
    ]
    assert long == []
