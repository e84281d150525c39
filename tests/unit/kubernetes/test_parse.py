"""What the operator can't read of a LeptonModel it tells as `lepton validate` does."""

import pytest

from lepton.backends.kubernetes.observe import parse
from lepton.errors import LeptonError
from lepton.spec.reasons import Reason
from tests.bad_specs import BAD_SPECS, BadSpec

STORED = {"name": "bad", "namespace": "zoo", "uid": "u", "resourceVersion": "7"}


@pytest.mark.parametrize("bad", [bad for bad in BAD_SPECS if bad.refused_by == "rule"], ids=lambda bad: bad.name)
def test_an_object_from_before_a_rule_is_told_by_its_field_and_sentence(bad: BadSpec) -> None:
    with pytest.raises(LeptonError) as raised:
        parse({**bad.document, "metadata": STORED})
    told = f"{bad.field}: {bad.sentence}: mend it and apply the file again"
    assert (raised.value.reason, raised.value.message) == (Reason.INVALID_SPEC, told)
