"""Builds HTML and SVG without a template: every piece of text is escaped unless it was built here."""

from collections.abc import Sequence
from html import escape

_VOID = frozenset({"meta", "link", "br", "hr"})
_SHAPES = frozenset({"path", "line", "rect", "circle", "polyline"})


class Markup(str):
    """Text that is already HTML."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str | float) -> Markup:
    """`<tag name="value">children</tag>`; attribute `class_` is written class, `stroke_width` stroke-width."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_text(value))}"' for name, value in attributes.items()
    )
    inner = "".join(child if isinstance(child, Markup) else escape(child, quote=False) for child in children)
    if tag in _VOID:
        return Markup(f"<{tag}{written}>")
    if tag in _SHAPES and not inner:
        return Markup(f"<{tag}{written}/>")
    return Markup(f"<{tag}{written}>{inner}</{tag}>")


def join(*parts: str) -> Markup:
    """Several pieces after one another."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part, quote=False) for part in parts))


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, numbers_from: int = 1, class_: str = "") -> Markup:
    """A table whose columns from `numbers_from` on are aligned as numbers; wide ones scroll inside their own box."""
    head = [element("th", text, class_="number" if i >= numbers_from else "text") for i, text in enumerate(headings)]
    body = [
        element(
            "tr",
            *(element("td", cell, class_="number" if i >= numbers_from else "text") for i, cell in enumerate(row)),
        )
        for row in rows
    ]
    whole = element("table", element("thead", element("tr", *head)), element("tbody", *body), class_=class_)
    return element("div", whole, class_="scroll")


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
