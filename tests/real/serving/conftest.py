from collections.abc import Iterator

import pytest

from tests.real.serving.private_triton import PrivateTriton


@pytest.fixture(scope="session")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateTriton]:
    with PrivateTriton(tmp_path_factory.mktemp("triton") / "server") as server:
        yield server
