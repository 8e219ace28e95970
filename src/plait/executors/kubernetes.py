"""How do tasks run on Kubernetes? Each is a Job of one pod, which answers by what it prints."""

from __future__ import annotations

import base64
import contextlib
import re
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec
from msgspec import Struct

from plait.engine.task import Job, Live, TaskSpec
from plait.errors import ConfError, ParameterError, PlaitError
from plait.executors.far import Hello, from_line, read_telling
from plait.executors.flavours import HONOURED
from plait.executors.images import ImageBuilder, builder_of, say
from plait.executors.remote import Place, RemoteExecutor, encode_spec, place_of
from plait.graph.units import read_seconds
from plait.record.facts import LogLine

if TYPE_CHECKING:
    from plait.project.project import Project

__all__ = ["KubernetesExecutor", "KubernetesSettings", "job_manifest", "secret_manifest"]

_RUN, _TASK = "plait.run", "plait.task"  # labels
_JOB_FILE = "/plait/job"
_MOST_SECRET_BYTES = 1_000_000
_MOST_TASK_BYTES = 200_000
_MARGIN_SECONDS = 120  # for a pod to start, beyond the timeout of its step
_KEEP_SECONDS = 3600
_HOPELESS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
    }
)
_CHUNK_BYTES = 1 << 16
_AGAIN_SECONDS = 0.5


class KubernetesSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """On a Kubernetes cluster, a Job for each task.

    Attributes:
        image: of the containers, with Python, plait, and the packages that steps import; what the stack's
            ``image_builder`` makes if left out.
        namespace: where Jobs are made; that of the context if left out.
        context: of the kubeconfig; its current one if left out. Inside a cluster, the pod's own account.
        kubeconfig: the file; what ``KUBECONFIG`` says if left out.
        python: the Python of the image.
        parallel: how many Jobs at once.
        service_account: of the pods.
        pull_secrets: names of the secrets that the image is pulled with.
        labels, annotations: of Jobs and pods.
        node_selector: labels of the nodes that may be taken.
        tolerations: taints of nodes that are no hindrance, as in a pod's ``tolerations``.
        volumes, mounts: further ``volumes`` and ``volumeMounts``, as in a pod and its container.
        env: environment variables of all pods.
        gpu: the resource that is asked for where a step says ``gpus``.
        pending: how long a pod may wait for a node before its task is given up.
        look_every: how often the cluster is asked how pods are.
    """

    integration: ClassVar[str] = "kubernetes"

    image: str | None = None
    namespace: str | None = None
    context: str | None = None
    kubeconfig: str | None = None
    python: str = "python3"
    parallel: Annotated[int, msgspec.Meta(ge=1)] = 100
    service_account: str | None = None
    pull_secrets: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    node_selector: dict[str, str] = {}
    tolerations: tuple[dict[str, Any], ...] = ()
    volumes: tuple[dict[str, Any], ...] = ()
    mounts: tuple[dict[str, Any], ...] = ()
    env: dict[str, str] = {}
    gpu: str = "nvidia.com/gpu"
    pending: str = "10m"
    look_every: str = "1s"

    def __post_init__(self) -> None:
        read_seconds(self.pending)
        read_seconds(self.look_every)

    def open(self, project: Project | None) -> KubernetesExecutor:
        return KubernetesExecutor(self, builder_of(project))


def secret_manifest(name: str, run: str, data: Mapping[str, bytes]) -> dict[str, Any]:
    """What may be read by pods alone: the job that all tasks of a run share, with its conf; a task with secrets."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": {_RUN: run}},
        "type": "Opaque",
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }


def job_manifest(
    settings: KubernetesSettings, name: str, secret: str, run: str, spec: TaskSpec
) -> dict[str, Any]:
    """The Job of one task: never restarted by the cluster, since the run retries, and records it."""
    options = spec.options
    cpus, memory, gpus = (options.cpus, options.memory, options.gpus) if options else (1.0, None, 0)
    limits: dict[str, str] = {}
    requests = {"cpu": f"{round(cpus * 1000)}m"}
    if memory:
        limits["memory"] = requests["memory"] = str(memory)
    if gpus:
        limits[settings.gpu] = requests[settings.gpu] = str(gpus)
    variables: list[dict[str, Any]] = [{"name": key, "value": value} for key, value in settings.env.items()]
    if spec.secrets:  # whoever may look at pods sees their variables
        there = {"secretKeyRef": {"name": name, "key": "task"}}
        variables.append({"name": "PLAIT_TASK", "valueFrom": there})
    else:
        variables.append({"name": "PLAIT_TASK", "value": _task_text(spec).decode()})
    labels = {**settings.labels, _RUN: run, _TASK: name}
    container: dict[str, Any] = {
        "name": "task",
        "image": settings.image,
        "command": [settings.python, "-m", "plait.executors.far", "pod", _JOB_FILE],
        "env": variables,
        "resources": {"requests": requests, **({"limits": limits} if limits else {})},
        "volumeMounts": [{"name": "plait", "mountPath": "/plait", "readOnly": True}, *settings.mounts],
    }
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "containers": [container],
        "volumes": [{"name": "plait", "secret": {"secretName": secret}}, *settings.volumes],
    }
    if settings.service_account:
        pod["serviceAccountName"] = settings.service_account
    if settings.pull_secrets:
        pod["imagePullSecrets"] = [{"name": one} for one in settings.pull_secrets]
    if settings.node_selector:
        pod["nodeSelector"] = dict(settings.node_selector)
    if settings.tolerations:
        pod["tolerations"] = [dict(one) for one in settings.tolerations]
    whole: dict[str, Any] = {
        "backoffLimit": 0,
        "ttlSecondsAfterFinished": _KEEP_SECONDS,
        "template": {"metadata": {"labels": labels, "annotations": dict(settings.annotations)}, "spec": pod},
    }
    if options is not None and options.timeout is not None:
        whole["activeDeadlineSeconds"] = int(options.timeout + _MARGIN_SECONDS)
    annotations = {**settings.annotations, "plait.step": spec.name}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": labels, "annotations": annotations},
        "spec": whole,
    }


class _Away(PlaitError):
    """The cluster did not answer, or could not just now, which may pass."""


class _Pod:
    """A task on the cluster, and what was seen of it."""

    def __init__(self, place: Place, job: str, *, has_secret: bool = False) -> None:
        self.place = place
        self.job = job
        self.has_secret = has_secret  # of its own, of the same name
        self.unsent: TaskSpec | None = None  # what the cluster did not take, as it was away
        self.sent_at = time.monotonic()
        self.following = False
        self.heard = 0  # lines of its log
        self.answered = False
        self.warned = False


class KubernetesExecutor(RemoteExecutor):
    """Runs each task as a Job of its own, with the resources, variables and limits that its step asks for."""

    name = "kubernetes"
    honours = HONOURED
    looks = True

    def __init__(
        self, settings: KubernetesSettings, builder: Callable[[], ImageBuilder] | None = None
    ) -> None:
        super().__init__(settings.parallel)
        self._settings = settings
        self._builder = builder
        self._pods: dict[str, _Pod] = {}
        self._lock = threading.Lock()
        self._asked = 0.0
        self._run = self._secret = ""
        self._secrets: set[str] = set()  # those of single tasks

    @cached_property
    def _client(self) -> tuple[Any, Any, str]:
        """The API of core things, that of Jobs, and the namespace.

        Raises:
            ConfError: the client is not installed, or there is no such context.
        """
        try:
            from kubernetes import client, config
        except ImportError:
            raise ConfError(
                "the executor kubernetes needs the package kubernetes",
                hint="plait integration install kubernetes",
            ) from None
        settings = self._settings
        namespace = settings.namespace
        try:
            try:
                loaded = config.new_client_from_config(settings.kubeconfig, settings.context)
                contexts, active = config.list_kube_config_contexts(settings.kubeconfig)
                chosen = next((one for one in contexts if one["name"] == settings.context), active)
                namespace = namespace or chosen.get("context", {}).get("namespace")
            except config.ConfigException:
                if settings.context or settings.kubeconfig:
                    raise
                config.load_incluster_config()
                loaded = client.ApiClient()
        except (config.ConfigException, OSError) as error:
            raise ConfError(
                f"there is no way to a Kubernetes cluster: {error}",
                hint="see that kubectl finds it; context: and kubeconfig: in stack.yml say which one",
            ) from None
        return client.CoreV1Api(loaded), client.BatchV1Api(loaded), namespace or "default"

    def largest(self) -> dict[str, float]:
        """What the largest node has; nothing is known where the account may not look at nodes."""
        from kubernetes.utils import parse_quantity

        core, _, _ = self._client
        try:
            nodes = self._ask(core.list_node).items
        except PlaitError:
            return {}
        found: dict[str, float] = {"gpus": 0.0} if nodes else {}
        for node in nodes:
            for option, name in (("cpus", "cpu"), ("memory", "memory"), ("gpus", self._settings.gpu)):
                amount = float(parse_quantity((node.status.allocatable or {}).get(name, 0)))
                found[option] = max(found.get(option, 0.0), amount)
        return found

    def check(self) -> None:
        core, _, namespace = self._client
        self._ask(core.list_namespaced_pod, namespace, label_selector=f"{_RUN}=none", limit=1)
        self._find_image()

    def _find_image(self) -> None:
        if self._settings.image is None:
            if self._builder is None:
                raise ConfError(
                    "the executor kubernetes has no image",
                    hint="executor: {type: kubernetes, image: …}, or image_builder: {type: docker, registry: …}",
                )
            image = self._builder().image(say)
            self._settings = msgspec.structs.replace(self._settings, image=image)

    def connect(self, job: Job) -> None:
        self._find_image()
        self._run = _label(job.run_id)
        self._secret = f"plait-{self._run}-{int(time.time()):x}"
        if len(self.sealed) > _MOST_SECRET_BYTES:
            raise ParameterError(
                f"the functions and the conf of this run are {len(self.sealed) >> 10} KiB, and Kubernetes takes"
                f" {_MOST_SECRET_BYTES >> 10} KiB of them",
                hint="move the steps into a module, and large values out of what they refer to",
            )
        core, _, namespace = self._client
        self._ask(
            core.create_namespaced_secret,
            namespace,
            secret_manifest(self._secret, self._run, {"job": self.sealed}),
        )

    def send(self, specs: Sequence[TaskSpec]) -> None:
        for spec in specs:
            place = place_of(spec)
            name = _job_name(self._secret, spec)
            if len(encode_spec(spec)) > _MOST_TASK_BYTES:
                self.lost(
                    place, f"what {spec.name} is given by value is too large for a pod: pass it from a step"
                )
                continue
            with self._lock:
                pod = self._pods[name] = _Pod(place, name, has_secret=bool(spec.secrets))
            self._create(pod, spec)

    def _create(self, pod: _Pod, spec: TaskSpec) -> None:
        """Have the cluster make a Job; one that is away is asked again, by ``look``."""
        core, batch, namespace = self._client
        manifest = job_manifest(self._settings, pod.job, self._secret, self._run, spec)
        try:
            if spec.secrets:
                own = secret_manifest(pod.job, self._run, {"task": _task_text(spec)})
                self._secrets.add(pod.job)
                self._ask_once(core.create_namespaced_secret, namespace, own)
            self._ask_once(batch.create_namespaced_job, namespace, manifest)
        except _Away as error:
            if pod.unsent is None:
                text = f"its Job is made as soon as the cluster answers: {error.what}"
                self._said.put(Live(*pod.place, (LogLine(time.time(), "WARNING", text),)))
            pod.unsent = spec
        except PlaitError as error:
            self._forget(pod)
            self.lost(pod.place, error.what)
        else:
            pod.unsent = None
            pod.sent_at = time.monotonic()

    def _ask_once(self, call: Any, namespace: str, manifest: dict[str, Any]) -> None:
        """Create what may be there already: what broke off may have been heard."""
        try:
            self._ask(call, namespace, manifest)
        except PlaitError as error:
            if "already exists" not in error.what:
                raise

    def look(self) -> None:
        now = time.monotonic()
        if now - self._asked < read_seconds(self._settings.look_every):
            return
        self._asked = now
        core, _, namespace = self._client
        try:
            listed = self._ask(core.list_namespaced_pod, namespace, label_selector=f"{_RUN}={self._run}")
        except PlaitError:  # it may come back; what runs goes on meanwhile
            return
        for unsent in [one for one in self._pods.values() if one.unsent is not None]:
            assert unsent.unsent is not None
            self._create(unsent, unsent.unsent)
        for one in listed.items:
            with self._lock:
                pod = self._pods.get((one.metadata.labels or {}).get(_TASK, ""))
            if pod is not None:
                self._judge(pod, one, now)

    def _judge(self, pod: _Pod, seen: Any, now: float) -> None:
        phase, status = seen.status.phase, seen.status
        if phase in ("Running", "Succeeded", "Failed") and not pod.following:
            pod.following = True
            self.began(pod.place)
            threading.Thread(target=self._follow, args=(pod, seen.metadata.name), daemon=True).start()
            return
        if phase != "Pending":
            return
        waiting = [
            one.state.waiting for one in status.container_statuses or () if one.state and one.state.waiting
        ]
        for one in waiting:
            if one.reason in _HOPELESS:
                self._give_up(
                    pod, f"its pod cannot start: {one.reason}: {one.message or self._settings.image}"
                )
                return
        for one in status.conditions or ():
            if one.type == "PodScheduled" and one.status == "False":
                if now - pod.sent_at > read_seconds(self._settings.pending):
                    self._give_up(pod, f"no node took its pod within {self._settings.pending}: {one.message}")
                elif not pod.warned:
                    pod.warned = True
                    text = f"its pod waits for a node: {one.message}"
                    self.told(Live(*pod.place, (LogLine(time.time(), "WARNING", text),)))

    def _follow(self, pod: _Pod, name: str) -> None:
        """In a thread of its own: hear what a pod says until it ends."""
        core, _, namespace = self._client
        ended = False
        while not (pod.answered or ended) and pod.job in self._pods:
            ended = self._has_ended(core, namespace, name)
            with contextlib.suppress(
                *_broken()
            ):  # a connection may break off: it is asked again, from there on
                self._hear_log(pod, core, namespace, name, follow=not ended)
            if not pod.answered and not ended:
                time.sleep(_AGAIN_SECONDS)
        if not pod.answered and pod.job in self._pods:
            self._give_up(pod, *self._why(core, namespace, name))
        self._forget(pod)

    def _hear_log(self, pod: _Pod, core: Any, namespace: str, name: str, *, follow: bool) -> None:
        """Take what it prints, as far as that has not been heard."""
        said = core.read_namespaced_pod_log(name, namespace, follow=follow, _preload_content=False)
        rest, count = b"", 0
        try:
            while chunk := said.read1(_CHUNK_BYTES):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    count += 1
                    if count > pod.heard:
                        pod.heard = count
                        self._take_line(pod, line)
        finally:
            said.release_conn()

    def _take_line(self, pod: _Pod, line: bytes) -> None:
        body = from_line(line)
        if body is None:
            text = line.decode(errors="replace")
            self.told(Live(*pod.place, (LogLine(time.time(), "err", text),)))
            return
        said = read_telling.decode(body)
        if isinstance(said, Live):
            self.told(said)
        elif not isinstance(said, Hello):
            pod.answered = True
            self.answered(pod.place, body)

    def _has_ended(self, core: Any, namespace: str, name: str) -> bool:
        try:
            seen = self._ask(core.read_namespaced_pod, name, namespace)
        except PlaitError as error:
            return "not found" in error.what
        return seen.status.phase in ("Succeeded", "Failed")

    def _why(self, core: Any, namespace: str, name: str) -> tuple[str, str]:
        """What to say of a pod that ended without an answer, and the cause."""
        try:
            status = self._ask_again(core.read_namespaced_pod, name, namespace).status
        except PlaitError as error:
            return f"its pod is gone: {error.what}", "lost"
        ended = [
            one.state.terminated
            for one in status.container_statuses or ()
            if one.state and one.state.terminated
        ]
        for one in ended:
            if one.reason == "OOMKilled":
                return "the cluster ended its container (OOMKilled)", "memory"
        if status.reason == "DeadlineExceeded":
            return "the cluster ended its Job (DeadlineExceeded)", "timeout"
        told = [part for part in (status.reason, status.message) if part]
        told += [f"{one.reason or 'ended'}, exit code {one.exit_code}" for one in ended]
        return f"its pod ended without an answer: {', '.join(told) or status.phase}", "lost"

    def _give_up(self, pod: _Pod, why: str, cause: str = "lost") -> None:
        self._forget(pod)
        self._delete(pod)
        self.lost(pod.place, why, cause)

    def _forget(self, pod: _Pod) -> None:
        with self._lock:
            self._pods.pop(pod.job, None)
        if pod.has_secret:
            self._delete_secret(pod.job)

    def _delete_secret(self, name: str) -> None:
        core, _, namespace = self._client
        with contextlib.suppress(PlaitError):
            self._ask(core.delete_namespaced_secret, name, namespace)
        self._secrets.discard(name)

    def _delete(self, pod: _Pod) -> None:
        _, batch, namespace = self._client
        with contextlib.suppress(PlaitError):
            self._ask(batch.delete_namespaced_job, pod.job, namespace, propagation_policy="Background")

    def take_back(self, places: Collection[Place], *, begun: bool) -> Collection[Place]:
        wanted = set(places)
        with self._lock:
            chosen = [
                pod for pod in self._pods.values() if pod.place in wanted and (begun or not pod.following)
            ]
        for pod in chosen:
            self._forget(pod)
            self._delete(pod)
        return {pod.place for pod in chosen}

    def release(self, *, now: bool) -> None:
        if not self._secret:
            return
        for name in (*self._secrets, self._secret):
            self._delete_secret(name)
        self._secret = ""

    def _ask_again(self, call: Any, *arguments: Any) -> Any:
        """The same as ``_ask``, in a thread that has the time to wait for a cluster that is away."""
        while True:
            try:
                return self._ask(call, *arguments)
            except _Away:
                if not self._secret:  # the run is over
                    raise
                time.sleep(_AGAIN_SECONDS)

    def _ask(self, call: Any, *arguments: Any, **named: Any) -> Any:
        """Call the cluster.

        Raises:
            PlaitError: it does not answer, or refuses; it says what.
        """
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        try:
            return call(*arguments, **named)
        except ApiException as error:
            kind = _Away if error.status in _PASSING else PlaitError
            raise kind(f"Kubernetes refused: {_message(error)}", hint=_ADVICE.get(error.status)) from None
        except (HTTPError, OSError) as error:
            raise _Away(
                f"the Kubernetes cluster does not answer: {error}", hint="see whether kubectl get pods does"
            ) from None


_PASSING = frozenset({429, 500, 502, 503, 504})
_ADVICE: Mapping[int, str] = {
    401: "log in to the cluster again",
    403: "the account needs to create and delete jobs and secrets, and to list pods and read their logs",
    404: "see that the namespace is there: kubectl get namespaces",
}


def _broken() -> tuple[type[Exception], ...]:
    from kubernetes.client import ApiException
    from urllib3.exceptions import HTTPError

    return ApiException, HTTPError, OSError


def _message(error: Any) -> str:
    with contextlib.suppress(Exception):
        return str(msgspec.json.decode(error.body)["message"])
    return f"{error.status} {error.reason}"


def _task_text(spec: TaskSpec) -> bytes:
    return base64.b64encode(encode_spec(spec))


def _job_name(run: str, spec: TaskSpec) -> str:
    """What names one attempt, in the 63 characters that there are."""
    which = blake2b(repr((spec.node, spec.path)).encode(), digest_size=5).hexdigest()
    return f"{run[:28]}-{_label(spec.name)[:16].strip('-')}-{which}-{spec.attempt}"


def _label(text: str) -> str:
    """A text as names of Kubernetes may be."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"
