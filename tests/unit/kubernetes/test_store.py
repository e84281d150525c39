"""What the command reads of a LeptonModel beside what it says: who applied which field."""

from lepton.backends.kubernetes.store import applied_by


def test_what_a_manager_applied_is_read_from_the_managed_fields() -> None:
    fields = {
        "f:metadata": {"f:labels": {"f:team": {}}},
        "f:spec": {"f:compress": {"f:steps": {}}, "f:train": {".": {}, "f:epochs": {}}, "f:gone": {}},
    }
    mine = {"manager": "me", "operation": "Apply", "fieldsV1": fields}
    others = {"manager": "me", "operation": "Update", "fieldsV1": {"f:spec": {"f:suspend": {}}}}
    spec = {"compress": {"steps": [1, 2]}, "train": {"epochs": 3, "workers": 2}, "suspend": True}
    metadata = {"name": "digits", "labels": {"team": "a", "other": "b"}, "managedFields": [others, mine]}
    object_ = {"metadata": metadata, "spec": spec}
    assert applied_by("me", object_) == {
        "metadata": {"labels": {"team": "a"}},
        "spec": {"compress": {"steps": [1, 2]}, "train": {"epochs": 3}},
    }
    assert applied_by("nobody", object_) == {}
