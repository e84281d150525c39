"""The report of a revision as one self-contained HTML page: no script, no external resource, light and dark."""

from importlib.resources import files

from lepton.cli.page import sections
from lepton.cli.page.markup import Markup, element, join
from lepton.cli.results import Result
from lepton.cli.show.comparison import comparison_rows
from lepton.report import GateReport
from lepton.spec.document import dump

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_CARDS = ("accuracy", "size", "HTTP p50", "CPU / 1,000", "energy / 1,000")


def html_page(result: Result) -> str:
    """The whole page as text."""
    report, gate = result.report, result.gate
    body = [_header(result)]
    if gate is not None:
        body += [_cards(gate), sections.checks(gate.checks), sections.endpoints(gate)]
    body.append(sections.variants(report.variants, report.served))
    body.append(sections.curves(report.epochs))
    if gate is not None:
        evaluation = gate.candidate.evaluation
        body += [sections.quality(report.classes, evaluation), sections.per_class(report.classes, evaluation)]
    body.append(sections.data(report.data))
    if report.precision:
        body.append(sections.precisions(report.precision))
    body.append(sections.lineage(report, result.record.digest))
    body.append(_spec(result))
    body.append(element("footer", f"Written by lepton {report.lineage.lepton_version}."))
    return f"<!doctype html>\n{_document(f'{report.model}, revision {report.lineage.revision}', join(*body))}\n"


def _document(title: str, body: Markup) -> Markup:
    style = files("lepton.cli.page").joinpath("style.css").read_text(encoding="utf-8")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", Markup(style)),
    )
    return element("html", head, element("body", element("main", body)), lang="en")


def _header(result: Result) -> Markup:
    report = result.report
    title = element("h1", report.model, element("small", f"revision {report.lineage.revision}"))
    task = str(report.spec.get("task", "")).replace("-", " ")
    left = element("div", element("p", f"Lepton report, {task}", class_="eyebrow"), title)
    return element("header", left, element("div", _pill(result)))


def _pill(result: Result) -> Markup:
    if result.gate is None:
        return element("span", "not measured at its endpoint yet", class_="pill open")
    failed = [check.name for check in result.gate.checks if not check.passed]
    if failed:
        return element("span", f"gate failed: {', '.join(failed)}", class_="pill bad")
    return element("span", f"gate passed, {len(result.gate.checks)} checks", class_="pill good")


def _cards(gate: GateReport) -> Markup:
    cards = [
        element(
            "div",
            element("div", row.name, class_="name"),
            element("div", row.after, class_="figure"),
            element("div", "before ", element("b", row.before), f", {row.change}", class_="before"),
            class_="card",
        )
        for row in comparison_rows(gate)
        if row.name in _CARDS
    ]
    return element("div", *cards, class_="cards")


def _spec(result: Result) -> Markup:
    folded = element("details", element("summary", "Show the spec"), element("pre", dump(result.report.spec)))
    return sections.section("Spec", "As it was applied, with every default filled in.", folded)
