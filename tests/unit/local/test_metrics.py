"""What the control loop counts is documented."""

from pathlib import Path

import yaml

from lepton.backends.local.home import Settings
from lepton.backends.local.metrics import page

ROOT = Path(__file__).parents[3]


def test_the_page_about_metrics_is_made_from_the_metrics() -> None:
    assert (ROOT / "docs" / "reference" / "metrics.md").read_text() == page()


def test_the_sample_scrapes_the_ports_that_up_chooses() -> None:
    sample = yaml.safe_load((ROOT / "manifests" / "prometheus" / "lepton.yml").read_text())
    targets = {one["job_name"]: one["static_configs"][0]["targets"] for one in sample["scrape_configs"]}
    settings = Settings()
    assert targets == {
        "lepton": [f"127.0.0.1:{settings.metrics_port}"],
        "triton": [f"127.0.0.1:{settings.triton_metrics_port}"],
    }
