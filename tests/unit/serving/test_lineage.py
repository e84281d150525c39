"""What an artifact tells of its origin."""

import pytest

from services.worker.lineage import without_credentials


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ann:secret@example.com/pets.zip?signature=abc", "https://example.com/pets.zip"),
        ("s3://bucket/pets/", "s3://bucket/pets/"),
        ("sklearn://digits", "sklearn://digits"),
        ("/data/what?/pets@home", "/data/what?/pets@home"),
        ("zip://a.npz::https://ann:secret@example.com/b.zip?signature=abc", "zip://a.npz::https://example.com/b.zip"),
        ("simplecache::https://ann:secret@example.com/b.zip", "simplecache::https://example.com/b.zip"),
    ],
)
def test_neither_password_nor_signature_of_an_address_reaches_the_artifact(url: str, shown: str) -> None:
    assert without_credentials(url) == shown
