"""When nothing is written, because all that is wanted is there already."""

import pytest

from lepton.backends.kubernetes.covers import covers

LIVE = {
    "backendRefs": [{"name": "new", "weight": 1}, {"name": "old", "weight": 0}],
    "metadata": {"name": "pets", "labels": {"a": "1", "theirs": "2"}, "uid": "u"},
    "spec": {
        "replicas": 1,
        "containers": [
            {"name": "theirs", "image": "proxy"},
            {"name": "ours", "image": "server", "imagePullPolicy": "IfNotPresent"},
        ],
        "command": ["run", "it"],
    },
}


@pytest.mark.parametrize(
    ("what", "wanted", "covered"),
    [
        ("nothing", {}, True),
        ("the very same", LIVE, True),
        ("a field among those that others added", {"metadata": {"labels": {"a": "1"}}}, True),
        ("another value", {"metadata": {"labels": {"a": "2"}}}, False),
        ("a field that is not there", {"spec": {"paused": True}}, False),
        ("a container beside one that was injected", {"spec": {"containers": [{"name": "ours"}]}}, True),
        ("a container with another image", {"spec": {"containers": [{"name": "ours", "image": "old"}]}}, False),
        ("a container that is not there", {"spec": {"containers": [{"name": "gone"}]}}, False),
        ("fewer backends of a route", {"backendRefs": [{"name": "new"}]}, False),
        ("the same backends of a route", {"backendRefs": [{"name": "old"}, {"name": "new"}]}, True),
        ("a shorter list of words", {"spec": {"command": ["run"]}}, False),
        ("a list where there is none", {"spec": {"replicas": [1]}}, False),
        ("a map where there is none", {"spec": {"replicas": {"most": 1}}}, False),
    ],
)
def test_what_is_there_covers_what_is_wanted(what: str, wanted: dict[str, object], covered: bool) -> None:
    assert covers(LIVE, wanted) is covered
