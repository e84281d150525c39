import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Tiny networks on several threads are at the mercy of whatever else runs on the machine."""
    torch.set_num_threads(1)
