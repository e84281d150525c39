"""Whatever the operator counts is told in its page."""

from pathlib import Path

from operators.lepton_operator.metrics import Metrics

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "operator.md"


def test_every_metric_of_the_operator_is_documented() -> None:
    text = PAGE.read_text()
    families = list(Metrics().registry.collect())
    assert families
    for family in families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert f"| `{name}` | {family.type} |" in text
