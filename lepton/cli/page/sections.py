"""The sections of the report page, each from what a revision's report or its gate report says. Pure."""

from collections.abc import Sequence

from lepton.cli.page.charts import Line, confusion_matrix, interval_bar, legend, line_chart
from lepton.cli.page.markup import Markup, element, join, table
from lepton.cli.show import words
from lepton.cli.show.comparison import comparison_rows
from lepton.report import CheckResult, DataReport, Epoch, Evaluation, GateReport, Interval, Precision, Report, Variant


def section(title: str, lead: str, *content: str) -> Markup:
    """A box with a heading and a sentence on what is to be seen."""
    return element("section", element("h2", title), element("p", lead, class_="muted"), *content)


def checks(results: Sequence[CheckResult]) -> Markup:
    """Every budget and whether it holds."""
    rows = [
        (
            element("code", check.name),
            _verdict(check.passed),
            check.message,
            _figure(check.measured),
            _figure(check.allowed),
        )
        for check in results
    ]
    lead = "Each budget was measured at the live endpoint, on held-out data, before any user request reached the model."
    headings = ("budget", "verdict", "in words", "measured", "allowed")
    return section("Gate", lead, table(headings, rows, numbers_from=3, class_="checks"))


def endpoints(gate: GateReport) -> Markup:
    """The uncompressed and the compressed model at their endpoints."""
    rows = [(row.name, row.before, element("strong", row.after), row.change) for row in comparison_rows(gate)]
    lead = (
        f"Both models answered the same {gate.candidate.evaluation.examples:,} held-out examples from raw input, "
        "over HTTP and gRPC, one client at a time. "
        f"They gave the same label to {words.percent(gate.agreement)} of them."
    )
    return section("Before and after", lead, table(("at the endpoint", "uncompressed", "compressed", "change"), rows))


def variants(found: Sequence[Variant], served: str) -> Markup:
    """Every model of the build, the dropped ones too, with the reason."""
    largest = max((variant.size_bytes for variant in found), default=1)
    rows = [
        (
            join(element("strong", variant.name), element("span", variant.decision, class_="reason")),
            _fate(variant, served),
            words.percent(variant.validation_accuracy),
            join(words.size(variant.size_bytes), _bar(variant.size_bytes / largest)),
            words.count(variant.macs),
            words.count(variant.parameters),
            words.milliseconds(variant.runtime.p50_ms),
            words.duration(variant.seconds),
        )
        for variant in found
    ]
    headings = ("step", "", "accuracy", "size", "MACs", "parameters", "p50 in process", "time taken")
    lead = (
        "Each step of the recipe was measured; one that is neither faster nor smaller is dropped. "
        "Accuracy is on validation data."
    )
    return section("Compression, step by step", lead, table(headings, rows, numbers_from=2))


def curves(epochs: Sequence[Epoch]) -> Markup:
    """Validation accuracy and loss over the epochs, one curve for each stage that trained."""
    stages = list(dict.fromkeys(epoch.stage for epoch in epochs))
    of_stage = [[epoch for epoch in epochs if epoch.stage == stage] for stage in stages]
    accuracy = [Line(stage, _numbered(rows, "accuracy")) for stage, rows in zip(stages, of_stage, strict=True)]
    loss = [Line(stage, _numbered(rows, "loss")) for stage, rows in zip(stages, of_stage, strict=True)]
    charts = element(
        "div",
        element("div", element("h3", "Validation accuracy, percent"), line_chart(accuracy)),
        element("div", element("h3", "Training loss"), line_chart(loss)),
        class_="columns",
    )
    seconds = sum(epoch.seconds for epoch in epochs)
    lead = f"{len(epochs)} epochs in {words.duration(seconds)}. The horizontal axis counts the epochs of each stage."
    return section("Training", lead, charts, legend(stages))


def quality(classes: Sequence[str], evaluation: Evaluation) -> Markup:
    """The headline figures of the served model, each with its interval."""
    figures: list[tuple[str, Interval, bool]] = [
        ("accuracy", evaluation.accuracy, True),
        ("macro F1", evaluation.macro_f1, True),
        ("calibration error", evaluation.calibration_error, False),
    ]
    if evaluation.roc_auc is not None:
        figures.insert(2, ("ROC-AUC", evaluation.roc_auc, False))
    rows = [
        (name, _number(i.value, percent=share), f"{_number(i.low, percent=share)} to {_number(i.high, percent=share)}")
        for name, i, share in figures
    ]
    lead = f"At the endpoint, on {evaluation.examples:,} held-out examples, with 95 % bootstrap intervals."
    both = element(
        "div",
        element("div", element("h3", "Figures"), table(("", "value", "95 % interval"), rows)),
        element(
            "div",
            element("h3", "Confusion: true class down, answer across"),
            confusion_matrix(classes, evaluation.confusion),
        ),
        class_="columns",
    )
    return section("How good it is", lead, both)


def per_class(classes: Sequence[str], evaluation: Evaluation) -> Markup:
    """Precision, recall and F1 of every class, with intervals."""
    lows = [interval.low for measure in (evaluation.recall, evaluation.precision) for interval in measure.values()]
    low = max(0.0, 10 * (min(lows, default=0.0) // 10))
    rows = [
        (
            element("strong", name),
            f"{sum(evaluation.confusion[index]):,}",
            f"{evaluation.precision[name].value:.2f}",
            interval_bar(evaluation.precision[name], low),
            f"{evaluation.recall[name].value:.2f}",
            interval_bar(evaluation.recall[name], low),
            f"{evaluation.f1[name].value:.2f}",
        )
        for index, name in enumerate(classes)
    ]
    headings = ("class", "examples", "precision", f"{low:g} to 100 %", "recall", f"{low:g} to 100 %", "F1")
    return section("Class by class", "In percent; the bars show 95 % bootstrap intervals.", table(headings, rows))


def data(report: DataReport) -> Markup:
    """What was found in the data."""
    height, width, channels = report.image_shape
    facts = [
        ("examples", f"{report.train:,} to train, {report.validation:,} to validate, {report.test:,} held out"),
        ("images", f"{width} x {height} pixels, {channels} channel{'s' if channels > 1 else ''}"),
        ("classes", ", ".join(f"{name} ({number:,})" for name, number in report.per_class.items())),
        ("duplicates", f"{report.duplicates:,}, kept on one side of the split"),
        ("unreadable", f"{report.corrupt:,} left out" + _examples(report.corrupt_examples)),
    ]
    return section("Data", "What was found where the spec points to.", _facts(facts))


def precisions(measured: Sequence[Precision]) -> Markup:
    """What the short measurement before training found."""
    rows = [
        (
            p.precision,
            "channels last" if p.channels_last else "channels first",
            "compiled" if p.compiled else "as written",
            element("span", "taken", class_="verdict good") if p.chosen else "",
            f"{p.images_per_second:,.0f}",
        )
        for p in measured
    ]
    lead = (
        "A few training steps of each were measured on this machine. The fastest trained the model; "
        "where it leads by 5 % at most, that counts as equal, and float32 is taken."
    )
    return section("Choice of precision", lead, table(("", "memory", "graph", "", "images/s"), rows, numbers_from=4))


def lineage(report: Report, digest: str | None) -> Markup:
    """Where the revision comes from, to the last library."""
    origin = report.lineage
    facts = [
        ("created", origin.created),
        ("artifact", digest or words.NOTHING),
        ("data", f"{origin.data_uri} ({origin.data_digest})"),
        ("code", f"lepton {origin.lepton_version} ({origin.code_version})"),
        ("seed", str(origin.seed)),
        ("libraries", ", ".join(f"{name} {version}" for name, version in origin.libraries.items())),
        ("hardware", ", ".join(f"{name} {value}" for name, value in origin.hardware.items())),
        ("time taken", ", ".join(f"{stage} {words.duration(s)}" for stage, s in report.stage_seconds.items())),
    ]
    return section("Lineage", "What this revision was made from.", _facts(facts))


def _facts(facts: Sequence[tuple[str, str]]) -> Markup:
    return element("dl", *(part for name, value in facts for part in (element("dt", name), element("dd", value))))


def _examples(names: Sequence[str]) -> str:
    return f": {', '.join(names)}" if names else ""


def _numbered(rows: Sequence[Epoch], field: str) -> tuple[tuple[float, float], ...]:
    return tuple((float(number), float(getattr(epoch, field))) for number, epoch in enumerate(rows, start=1))


def _number(value: float, *, percent: bool) -> str:
    return words.percent(value) if percent else f"{value:.4f}"


def _figure(value: float | str) -> str:
    if isinstance(value, str):
        return words.in_short(value) if value.startswith("sha256:") else value
    return f"{value:,.3f}".rstrip("0").rstrip(".")


def _verdict(passed: bool) -> Markup:
    return element("span", "passed" if passed else "failed", class_=f"verdict {'good' if passed else 'bad'}")


def _fate(variant: Variant, served: str) -> Markup:
    if variant.name == served:
        return element("span", "served", class_="verdict good")
    if variant.kept:
        return element("span", "kept", class_="verdict open")
    return element("span", "dropped", class_="verdict bad")


def _bar(share: float) -> Markup:
    return element("span", class_="bar", style=f"width:{max(1.0, 100 * share):.1f}%")
