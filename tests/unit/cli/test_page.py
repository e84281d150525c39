"""The report page: self-contained, escaped, and complete."""

import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton.cli.page.charts import Line, confusion_matrix, line_chart, nice_ticks
from lepton.cli.page.html import html_page
from lepton.cli.page.markup import Markup, element, join
from lepton.cli.results import Result

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Reader(HTMLParser):
    """Notes what a browser would see."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.headings: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)
        self.words.append(data)


def test_every_tag_is_closed_and_every_section_is_there(result: Result) -> None:
    reader = Reader(html_page(result))
    assert reader.open == []
    assert reader.headings == [
        "Gate",
        "Before and after",
        "Compression, step by step",
        "Training",
        "How good it is",
        "Class by class",
        "Data",
        "Choice of precision",
        "Lineage",
        "Spec",
    ]


def test_the_page_needs_nothing_from_outside(result: Result) -> None:
    page = html_page(result)
    reader = Reader(page)
    assert not [entry for entry in reader.attributes if entry[1] in {"src", "href", "srcset", "action", "data"}]
    assert not re.search(r"<script|@import|url\(|https?://", page)


def test_a_page_of_a_revision_without_a_proof_says_so(result: Result) -> None:
    reader = Reader(html_page(replace(result, gate=None)))
    assert "not measured at its endpoint yet" in reader.words
    assert reader.headings == [
        "Compression, step by step",
        "Training",
        "Data",
        "Choice of precision",
        "Lineage",
        "Spec",
    ]


def test_the_page_tells_which_step_was_dropped_and_why(result: Result) -> None:
    reader = Reader(html_page(result))
    assert "dropped" in reader.words
    assert "dropped: neither faster (1.0x) nor smaller than 2-quantize" in reader.words


def test_what_comes_from_a_user_is_text_and_never_markup(result: Result) -> None:
    evil = "<script>alert('x')</script>"
    report = result.report.model_copy(
        update={"classes": (evil, *result.report.classes[1:]), "spec": {"task": evil}, "model": evil}
    )
    assert result.gate is not None
    evaluation = result.gate.candidate.evaluation
    renamed = {
        field: {(evil if name == "0" else name): value for name, value in getattr(evaluation, field).items()}
        for field in ("precision", "recall", "f1")
    }
    endpoint = result.gate.candidate.model_copy(update={"evaluation": evaluation.model_copy(update=renamed)})
    page = html_page(replace(result, report=report, gate=result.gate.model_copy(update={"candidate": endpoint})))
    assert "<script" not in page
    assert evil in Reader(page).words


def test_text_is_escaped_and_markup_is_not() -> None:
    assert element("p", "a < b & c", element("b", "x"), class_="n", stroke_width=1.50) == (
        '<p class="n" stroke-width="1.5">a &lt; b &amp; c<b>x</b></p>'
    )
    assert element("meta", charset='"') == '<meta charset="&quot;">'
    assert element("line", x1=1 / 3) == '<line x1="0.33"/>'
    assert join("<", Markup("<br>")) == "&lt;<br>"


@given(
    low=st.floats(min_value=-1e6, max_value=1e6),
    span=st.floats(min_value=0, max_value=1e6),
)
def test_ticks_are_few_and_hold_all_values_between_them(low: float, span: float) -> None:
    ticks = nice_ticks(low, low + span)
    assert 2 <= len(ticks) <= 9
    assert ticks == sorted(set(ticks))
    slack = 1e-6 * max(1.0, abs(low), span)
    assert ticks[0] <= low + slack
    assert ticks[-1] >= low + span - slack


@given(st.floats(min_value=-1e30, max_value=1e30))
def test_a_value_of_any_size_alone_has_ticks_around_it(value: float) -> None:
    ticks = nice_ticks(value, value)
    assert 2 <= len(ticks) <= 9
    assert ticks[0] < value < ticks[-1]


@pytest.mark.parametrize(
    ("points", "shapes"),
    [
        (((1.0, 2.0), (2.0, 1.0)), {"path": 1, "circle": 0}),
        (((1.0, 2.0),), {"path": 0, "circle": 1}),
        (((1.0, math.nan), (2.0, 1.0), (3.0, 0.5)), {"path": 1, "circle": 0}),
    ],
)
def test_a_curve_is_a_line_and_a_single_epoch_a_point(
    points: tuple[tuple[float, float], ...], shapes: dict[str, int]
) -> None:
    chart = ElementTree.fromstring(line_chart([Line("train", points)]))  # noqa: S314 - our own
    assert {shape: len(chart.findall(shape)) for shape in shapes} == shapes


def test_a_build_without_epochs_says_so_instead_of_drawing() -> None:
    assert line_chart([]) == '<p class="muted">No epochs were recorded.</p>'


@pytest.mark.parametrize(("classes", "numbers"), [(3, 3), (100, 0)])
def test_a_confusion_matrix_has_a_cell_for_each_pair_and_numbers_where_they_fit(classes: int, numbers: int) -> None:
    counts = [[5 if row == column else 0 for column in range(classes)] for row in range(classes)]
    drawing = ElementTree.fromstring(  # noqa: S314 - our own
        confusion_matrix([f"class {i}" for i in range(classes)], counts)
    )
    assert len(list(drawing.iter("rect"))) == classes**2
    assert len([text for text in drawing.iter("text") if text.get("class")]) == numbers
