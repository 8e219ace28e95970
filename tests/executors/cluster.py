"""What stands in for a Kubernetes cluster, which cannot run here? Its API over HTTP, of which plait uses ten calls.

Everything that is sent is checked against the schemas of Kubernetes, strictly: an unknown or wrong field is refused, as
by a real server. The command of a pod's container is really run, as a process of this machine, with its variables and
its secret; nothing of images, nodes and networks is there.
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kubernetes_validate

__all__ = ["Cluster", "cluster"]

CORES = 2
GPUS = ("4", "7")
MISSING_IMAGE = "nowhere/missing:1"
_PATH = re.compile(r"/(?:api/v1|apis/batch/v1)/namespaces/([^/]+)/(secrets|jobs|pods)(?:/([^/]+))?(/log)?$")


class _Pod:
    def __init__(self, job: dict[str, Any], namespace: str, secrets: dict[str, Any], log: Path) -> None:
        self.labels = job["spec"]["template"]["metadata"]["labels"]
        self.name = f"{job['metadata']['name']}-abcde"
        self.namespace, self.job, self.log = namespace, job, log
        self.pod = job["spec"]["template"]["spec"]
        self.process: subprocess.Popen[bytes] | None = None
        (self.container,) = self.pod["containers"]
        self.gpus = int(self.container["resources"].get("limits", {}).get("nvidia.com/gpu", 0))
        self.cpus = int(self.container["resources"]["requests"]["cpu"].removesuffix("m")) / 1000
        self.has: list[str] = []

    @property
    def is_schedulable(self) -> bool:
        return self.container["image"] != MISSING_IMAGE and not self.pod.get("nodeSelector")

    def start(self, secrets: dict[str, Any]) -> None:
        mounts = {one["name"]: one["mountPath"] for one in self.container["volumeMounts"]}
        folders: dict[str, str] = {}
        for volume in self.pod["volumes"]:
            folder = tempfile.mkdtemp(dir=self.log.parent)
            for key, value in secrets[volume["secret"]["secretName"]]["data"].items():
                Path(folder, key).write_bytes(base64.b64decode(value))
            folders[mounts[volume["name"]]] = folder
        command = [sys.executable, *self.container["command"][1:]]
        for place, folder in folders.items():
            command = [part.replace(f"{place}/", f"{folder}/") for part in command]
        variables = {one["name"]: _value(one, secrets) for one in self.container["env"]}
        self.log.touch()
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **variables, "PLAIT_GPUS": ",".join(self.has)},  # as a device plugin does
            stdout=self.log.open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def phase(self) -> str:
        code = self.process.poll() if self.process is not None else None
        if self.process is None:
            return "Pending"
        return "Running" if code is None else "Failed" if code else "Succeeded"

    def shown(self) -> dict[str, Any]:
        status: dict[str, Any] = {"phase": self.phase}
        name = {
            "name": "task",
            "image": self.container["image"],
            "imageID": "",
            "ready": False,
            "restartCount": 0,
        }
        if self.phase == "Pending" and self.container["image"] != MISSING_IMAGE:
            status["conditions"] = [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "reason": "Unschedulable",
                    "message": "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
                    if self.pod.get("nodeSelector")
                    else "0/1 nodes are available: 1 Insufficient cpu or GPU.",
                }
            ]
        elif self.phase == "Pending":
            waiting = {"reason": "ErrImagePull", "message": f"failed to pull {MISSING_IMAGE}"}
            status["containerStatuses"] = [{**name, "state": {"waiting": waiting}}]
        elif self.phase != "Running":
            assert self.process is not None
            code = self.process.returncode
            ended = {"exitCode": 128 - code if code < 0 else code, "reason": "Error" if code else "Completed"}
            status["containerStatuses"] = [{**name, "state": {"terminated": ended}}]
        metadata = {"name": self.name, "namespace": self.namespace, "labels": self.labels}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": self.pod, "status": status}

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, 9)
            self.process.wait()


def _value(variable: dict[str, Any], secrets: dict[str, Any]) -> str:
    if "value" in variable:
        return str(variable["value"])
    there = variable["valueFrom"]["secretKeyRef"]
    return base64.b64decode(secrets[there["name"]]["data"][there["key"]]).decode()


class Cluster:
    """A running one.

    Attributes:
        kubeconfig: how the client finds it.
        jobs: the manifests that were sent, by name; those of jobs that were deleted, too.
        down: whether it breaks every connection off.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets: dict[str, Any] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.pods: dict[str, _Pod] = {}
        self.down = False
        self._lock = threading.Lock()
        cluster = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                if cluster.down:
                    self.close_connection = True
                    self.connection.shutdown(2)
                    return
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"null") if length else None
                cluster._answer(self, body)

            do_GET = do_POST = do_DELETE = _answer

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.kubeconfig = folder / "kubeconfig"
        named = {"cluster": {"server": f"http://127.0.0.1:{self._server.server_address[1]}"}, "name": "test"}
        context = {"context": {"cluster": "test", "user": "test", "namespace": "work"}, "name": "test"}
        self.kubeconfig.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [named],
                    "contexts": [context],
                    "users": [{"name": "test", "user": {"token": "t"}}],
                    "current-context": "test",
                }
            )
        )

    def _answer(self, request: Any, body: Any) -> None:
        parts = urlsplit(request.path)
        if parts.path == "/api/v1/nodes":
            has = {"cpu": str(CORES), "memory": "8Gi", "nvidia.com/gpu": str(len(GPUS))}
            node = {"metadata": {"name": "one"}, "status": {"allocatable": has, "capacity": has}}
            self._say(request, 200, {"apiVersion": "v1", "kind": "NodeList", "metadata": {}, "items": [node]})
            return
        found = _PATH.match(parts.path)
        if found is None:
            self._fail(request, 404, f"no such path: {parts.path}")
            return
        namespace, kind, name, log = found.groups()
        if namespace != "work":
            self._fail(request, 404, f'namespaces "{namespace}" not found')
        elif request.command == "POST":
            self._create(request, namespace, kind, body)
        elif request.command == "DELETE":
            known = self.secrets if kind == "secrets" else self.jobs
            if name not in known:
                self._fail(request, 404, f'{kind} "{name}" not found')
                return
            if kind == "secrets":
                del self.secrets[name]
            else:
                for pod in [one for one in self.pods.values() if one.job["metadata"]["name"] == name]:
                    pod.end()
                    self.pods.pop(pod.name, None)
            self._say(request, 200, {"apiVersion": "v1", "kind": "Status", "status": "Success"})
        elif log:
            self._log(request, name, follow="follow=true" in parts.query.lower())
        elif name:
            if name not in self.pods:
                self._fail(request, 404, f'pods "{name}" not found')
                return
            self._say(request, 200, self.pods[name].shown())
        else:
            self._schedule()
            label, _, value = parse_qs(parts.query)["labelSelector"][0].partition("=")
            chosen = [pod.shown() for pod in list(self.pods.values()) if pod.labels.get(label) == value]
            self._say(request, 200, {"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": chosen})

    def _create(self, request: Any, namespace: str, kind: str, body: Any) -> None:
        try:
            kubernetes_validate.validate(body, "1.32", strict=True)
        except kubernetes_validate.ValidationError as error:
            self._fail(request, 422, f"invalid: {error}")
            return
        name = body["metadata"]["name"]
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name):
            self._fail(request, 422, f"metadata.name: Invalid value: {name}")
            return
        for value in body["metadata"].get("labels", {}).values():
            if not re.fullmatch(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", value):
                self._fail(request, 422, f"metadata.labels: Invalid value: {value}")
                return
        if kind == "secrets":
            self.secrets[name] = body
        elif name in self.jobs:
            self._fail(request, 409, f'jobs.batch "{name}" already exists')
            return
        else:
            self.jobs[name] = body
            pod = _Pod(body, namespace, self.secrets, self.folder / f"{name}.log")
            self.pods[pod.name] = pod
            self._schedule()
        self._say(request, 201, body)

    def _schedule(self) -> None:
        """Start the pods that wait, as far as there are GPUs for them."""
        with self._lock:
            taken = {one for pod in self.pods.values() if pod.phase == "Running" for one in pod.has}
            free = [one for one in GPUS if one not in taken]
            cores = CORES - sum(pod.cpus for pod in self.pods.values() if pod.phase == "Running")
            for pod in list(self.pods.values()):
                if (
                    pod.phase == "Pending"
                    and pod.is_schedulable
                    and pod.gpus <= len(free)
                    and pod.cpus <= cores
                ):
                    cores -= pod.cpus
                    pod.has, free = free[: pod.gpus], free[pod.gpus :]
                    pod.start(self.secrets)

    def _log(self, request: Any, name: str, *, follow: bool) -> None:
        pod = self.pods.get(name)
        if pod is None or pod.process is None:
            self._fail(request, 400, f'container "task" in pod "{name}" is waiting to start')
            return
        request.send_response(200)
        request.send_header("Content-Type", "text/plain")
        request.send_header("Connection", "close")
        request.end_headers()
        request.close_connection = True
        with pod.log.open("rb") as log, contextlib.suppress(OSError):
            while True:
                ended = pod.process.poll() is not None
                request.wfile.write(log.read())
                request.wfile.flush()
                if ended or not follow:
                    request.wfile.write(log.read())
                    return
                time.sleep(0.05)

    def _say(self, request: Any, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def _fail(self, request: Any, status: int, message: str) -> None:
        said = {"apiVersion": "v1", "kind": "Status", "status": "Failure", "message": message, "code": status}
        self._say(request, status, said)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        for pod in list(self.pods.values()):
            pod.end()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    one = Cluster(Path(tempfile.mkdtemp(prefix="plait-cluster-")))
    try:
        yield one
    finally:
        one.close()
