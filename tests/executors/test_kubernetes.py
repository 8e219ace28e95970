"""Does a task become the Job that Kubernetes takes, and what the cluster does with it what the run is told?"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
from executors import steps
from executors.cluster import MISSING_IMAGE, Cluster, cluster
from msgspec import structs

from plait import each, pipeline, step
from plait.engine.task import StepSecret, TaskSpec
from plait.errors import PlaitError
from plait.executors.kubernetes import KubernetesSettings, job_manifest, secret_manifest
from plait.graph.options import make_options


@pytest.fixture(scope="module")
def there() -> Iterator[Cluster]:
    with cluster() as one:
        yield one


@pytest.fixture
def executor(there: Cluster) -> dict[str, Any]:
    return make(there)


def make(there: Cluster, **options: Any) -> dict[str, Any]:
    given = {"image": "plait:test", "kubeconfig": str(there.kubeconfig), "look_every": "0.2s"}
    return {"type": "kubernetes", **given, **options}


def run(function: Any, executor: dict[str, Any], **params: Any) -> Any:
    return pipeline(function).run(executor=executor, raise_on_failure=False, progress=False, **params)


@step(retries=1)
def dies_once(x: int) -> int:
    from plait import current

    if current.attempt == 1:
        os.kill(os.getppid(), 9)  # the container's first process
        time.sleep(30)
    return x


@pytest.mark.parametrize("version", ["1.27", "1.32", "1.37"])
def test_manifests_are_what_the_schemas_of_kubernetes_allow(version: str) -> None:
    settings = KubernetesSettings(
        image="registry.example/plait:1",
        service_account="runner",
        pull_secrets=("pull",),
        labels={"team": "a"},
        annotations={"note": "b"},
        node_selector={"disk": "ssd"},
        tolerations=({"key": "gpu", "operator": "Exists", "effect": "NoSchedule"},),
        volumes=({"name": "scratch", "emptyDir": {}},),
        mounts=({"name": "scratch", "mountPath": "/scratch"},),
        env={"LANG": "C.UTF-8"},
    )
    given = {"cpus": 1.5, "memory": "2GiB", "gpus": 2, "timeout": "20m"}
    spec = TaskSpec(3, (1, 2), 1, 0, "fit", (), (("fit", 0),), make_options(given, where="here"))
    job = job_manifest(settings, "plait-fit-1", "plait-run", "run", spec)
    kubernetes_validate.validate(job, version, strict=True)
    kubernetes_validate.validate(secret_manifest("plait-run", "run", {"job": b"job"}), version, strict=True)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["resources"] == {
        "requests": {"cpu": "1500m", "memory": str(2 << 30), "nvidia.com/gpu": "2"},
        "limits": {"memory": str(2 << 30), "nvidia.com/gpu": "2"},
    }
    assert job["spec"]["activeDeadlineSeconds"] == 1320
    assert job["spec"]["backoffLimit"] == 0
    told = structs.replace(spec, secrets=(StepSecret("TOKEN=db.token", "opensesame"),))
    kubernetes_validate.validate(job_manifest(settings, "a", "plait-run", "run", told), version, strict=True)


def test_tasks_run_as_jobs_and_nothing_of_theirs_is_left(
    there: Cluster, executor: dict[str, Any], home: Any
) -> None:
    def p(n: int) -> Any:
        return steps.total(steps.triple(each(steps.count_up(n))))

    done = run(p, executor, n=3)
    assert (done.status, done.result) == ("done", 9)
    assert len([name for name in there.jobs if done.id in name]) == 5
    assert there.secrets == {}
    ((digest, files, size),) = done.code
    assert (len(digest), files > 0, size > 0) == (32, True, True)


def test_what_only_pods_may_read_of_a_task_is_a_secret_that_ends_with_it(
    there: Cluster, executor: dict[str, Any], home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAIT_TEST_TOKEN", "opensesame")

    @pipeline(dynamic=True)
    def flow(n: int) -> Any:
        return with_token(n).result()

    there.jobs.clear()
    assert flow.run(executor=executor, progress=False, n=2).result == 12
    (job,) = there.jobs.values()
    (container,) = job["spec"]["template"]["spec"]["containers"]
    (task,) = [one for one in container["env"] if one["name"] == "PLAIT_TASK"]
    assert "value" not in task
    assert there.secrets == {}


@step(secrets=["TOKEN=env:PLAIT_TEST_TOKEN"])
def with_token(x: int) -> int:
    return x + len(os.environ["TOKEN"])


def test_a_pod_that_dies_costs_a_retry(there: Cluster, executor: dict[str, Any], home: Any) -> None:
    def p(x: int) -> Any:
        return dies_once(x)

    done = run(p, executor, x=4)
    assert (done.status, done.result) == ("done", 4)
    assert [one.state for one in done.task("dies_once").attempts] == ["retried", "done"]


def test_an_image_that_is_not_there_is_said_at_once(there: Cluster, home: Any) -> None:
    def p(x: int) -> Any:
        return steps.echo(x)

    failed = run(p, make(there, image=MISSING_IMAGE), x=1)
    assert failed.status == "failed"
    assert "ErrImagePull: failed to pull nowhere/missing:1" in failed.task("echo").error.message


def test_a_pod_that_no_node_takes_is_warned_of_and_given_up_in_time(there: Cluster, home: Any) -> None:
    def p(x: int) -> Any:
        return steps.echo(x)

    failed = run(p, make(there, node_selector={"disk": "ssd"}, pending="1s"), x=1)
    task = failed.task("echo")
    assert "no node took its pod within 1s: 0/1 nodes are available" in task.error.message
    assert any("waits for a node" in line.text for line in task.logs())


def test_a_namespace_that_is_not_there_is_an_error_of_the_cluster(there: Cluster, home: Any) -> None:
    def p(x: int) -> Any:
        return steps.echo(x)

    with pytest.raises(PlaitError, match='Kubernetes refused: namespaces "nowhere" not found') as raised:
        run(p, make(there, namespace="nowhere"), x=1)
    assert "kubectl get namespaces" in str(raised.value.hint)
    assert not (home / "records.db").exists()


def test_a_cluster_that_is_away_for_a_while_loses_nothing(
    there: Cluster, executor: dict[str, Any], home: Any
) -> None:
    def p(x: float) -> Any:
        return steps.echo(steps.sleep(x))

    def away() -> None:
        while not there.pods:
            time.sleep(0.02)
        time.sleep(1.0)
        there.down = True
        time.sleep(3.0)
        there.down = False

    there.pods.clear()
    threading.Thread(target=away).start()
    done = run(p, executor, x=1.5)
    assert done.status == "done"
