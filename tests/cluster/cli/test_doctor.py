"""What the cluster has and lacks."""

from tests.cluster.cli.harness import Cluster


def test_doctor_tells_what_the_cluster_has_and_lacks(cluster: Cluster) -> None:
    answer = cluster.lepton("doctor")
    assert answer.code == 0
    lines = [" ".join(line.split()) for line in answer.out.splitlines()]
    assert "ok CRD leptonml.dev/v1alpha1, the same as this command's" in lines
    assert "ok operator works, in namespace lepton-system" in lines
    assert "ok KubeRay ray.io/v1" in lines
    assert "warning KServe is not installed; it serves" in lines
    assert "warning claim lepton is not there; jobs keep checkpoints on it" in lines
