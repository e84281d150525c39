"""The gate's proof through real endpoints."""

from contextlib import contextmanager
from pathlib import Path

import pytest

from lepton.errors import LeptonError
from lepton.gate.cost import clock_of_process
from lepton.gate.run import Ends, prove
from lepton.report import Progress
from lepton.spec.gate import Gate
from lepton.spec.reasons import Reason
from lepton.spec.status import EndpointAddress
from tests.real.serving.artifacts import quadrants_artifact
from tests.real.serving.private_triton import PrivateTriton


@contextmanager
def loaded(server: PrivateTriton, artifact: Path, digest: str):
    """Candidate and baseline, both on this server."""
    addresses = []
    for name, folder in (("proof-candidate", "repository"), ("proof-baseline", "baseline")):
        assert server.load(name, artifact / folder / "model", digest) is None
        addresses.append(EndpointAddress(http=server.http, grpc=server.grpc, model=name))
    clock = clock_of_process(server.pid)
    yield Ends(*addresses, clock, clock)
    for address in addresses:
        server.unload(address.model)


def test_a_sound_candidate_passes_and_every_figure_is_measured(triton, tmp_path):
    digest = quadrants_artifact(tmp_path / "a", holdout=70)
    said: list[Progress] = []
    with loaded(triton, tmp_path / "a", digest) as ends:
        report = prove(ends, tmp_path / "a", Gate(), 7, said.append)
    assert {check.name: check.passed for check in report.checks} == {
        "digest": True,
        "protocols": True,
        "largestClass": True,
        "maxAccuracyDrop": True,
    }
    assert (report.revision, report.digest, report.agreement) == (7, digest, 100.0)
    for endpoint in (report.candidate, report.uncompressed):
        assert endpoint.evaluation.examples == 70
        assert endpoint.evaluation.accuracy.value == 100.0
        assert 0 < endpoint.http.p50_ms <= endpoint.http.p99_ms
        assert 0 < endpoint.grpc.p50_ms <= endpoint.grpc.p99_ms
        assert 0.01 < endpoint.cpu_seconds_per_1000 < 10
    size = (tmp_path / "a/repository/model/1/model.onnx").stat().st_size
    assert report.candidate.size_bytes == size
    assert [progress.stage for progress in said] == ["gate"] * len(said)


def test_a_candidate_with_wrong_answers_or_other_files_fails_and_the_report_says_by_how_much(triton, tmp_path):
    digest = quadrants_artifact(tmp_path / "a", holdout=40, served=(1, 0, 2, 3))
    other = quadrants_artifact(tmp_path / "b", holdout=40)
    with loaded(triton, tmp_path / "a", digest) as ends:
        report = prove(ends, tmp_path / "b", Gate(), 8, lambda progress: None)
    failed = {check.name: check.measured for check in report.checks if not check.passed}
    assert failed == {"digest": digest, "maxAccuracyDrop": 50.0}
    assert (report.agreement, report.digest) == (50.0, other)


def test_an_endpoint_that_does_not_answer_is_a_failure_that_is_tried_again(triton, tmp_path):
    quadrants_artifact(tmp_path / "a")
    nobody = EndpointAddress(http=triton.http, grpc=triton.grpc, model="nobody")
    clock = clock_of_process(triton.pid)
    with pytest.raises(LeptonError, match=r"nobody at http://.* did not answer") as failure:
        prove(Ends(nobody, nobody, clock, clock), tmp_path / "a", Gate(), 1, lambda progress: None)
    assert failure.value.reason is Reason.SERVER_UNAVAILABLE
