"""`lepton report`: a revision's report as tables, JSON or a page. Reads the artifact; measures nothing itself."""

from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from lepton.cli import console
from lepton.cli.errors import CommandError
from lepton.cli.page.html import html_page
from lepton.cli.place import Place, require
from lepton.cli.results import Result, find_result
from lepton.cli.show.report import report_tables
from lepton.files import write_atomically

Output = Literal["table", "json", "html"]


def report(place: Place, name: str, revision: int | None, output: Output, file: Path | None) -> None:
    """Write the report to stdout, or to the file. Raises LeptonError when there is none."""
    result = find_result(place, require(place, name), revision)
    if output == "table":
        if file is not None:
            raise CommandError("--to is for -o json and -o html: a table goes to the terminal", 2)
        console.stdout().print(report_tables(result))
        return
    text = html_page(result) if output == "html" else console.as_json(_document(result))
    if file is None:
        console.write(text)
        return
    if file.exists() and not file.is_file():  # such as /dev/stdout, which no file may take the place of
        file.write_text(text)
    else:
        write_atomically(file.resolve(), text.encode())
    console.note(f"written to {file}")


def _document(result: Result) -> dict[str, JsonValue]:
    document: dict[str, JsonValue] = {
        "revision": result.record.model_dump(mode="json", by_alias=True, exclude_none=True),
        "report": result.report.model_dump(mode="json", by_alias=True),
    }
    if result.gate is not None:
        document["gate"] = result.gate.model_dump(mode="json", by_alias=True)
    return document
