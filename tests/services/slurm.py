"""A Slurm cluster of one's own: two nodes on this machine, with accounting, on its own ports and in its own folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from tests.services import free_port, listening, started, wait_until

__all__ = ["Slurm", "slurm_cluster"]

_PROGRAMS = ("munged", "slurmctld", "slurmd", "slurmdbd", "mariadbd", "mariadb-install-db")
_CGROUPS = Path("/sys/fs/cgroup")
_PACKAGES = "slurm-wlm munge slurmdbd mariadb-server"

_CONF = """
ClusterName=plait
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ctld}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin={task}
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
DefMemPerCPU=1000
ReturnToService=2
SlurmdTimeout=10
SlurmctldTimeout=10
KillWait=2
JobRequeue=0
MinJobAge=300
OverTimeLimit=0
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=100000,batch_sched_delay=0
GresTypes=gpu
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={dbd}
AccountingStoragePass={folder}/munge.socket
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={n1} CPUs=2 RealMemory=4000 Gres=gpu:1 Feature=small State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={n2} CPUs=2 RealMemory=4000 Gres=gpu:1 Feature=large State=UNKNOWN
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=60 State=UP
PartitionName=short Nodes=n1 MaxTime=1 State=UP
"""

_DBD = """
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={dbd}
SlurmUser=root
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={sql}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct
"""


class Slurm:
    """A running cluster.

    Attributes:
        environ: what Slurm's commands need to find it.
        controller: the process of ``slurmctld``.
        minds_memory: whether it ends jobs that hold more than they may, which it does by cgroups.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ: Mapping[str, str] = {"SLURM_CONF": str(folder / "slurm.conf")}
        self.minds_memory = os.access(_CGROUPS / "memory" / "tasks", os.W_OK)
        self.executor = ""  # as a stack says it
        self._stack = contextlib.ExitStack()
        self._nodes: dict[str, contextlib.ExitStack] = {}

    def __call__(self, *command: str) -> str:
        """What one of Slurm's commands says."""
        done = subprocess.run(
            command, env={**os.environ, **self.environ}, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"{command}: {done.stderr or done.stdout}"
        return done.stdout

    def start(self) -> None:
        folder = self.folder
        ports = {name: free_port() for name in ("ctld", "dbd", "sql", "n1", "n2")}
        task = "task/cgroup" if self.minds_memory else "task/none"
        said = {"folder": folder, "host": platform.node(), "task": task, **ports}
        (folder / "slurm.conf").write_text(_CONF.format(**said))
        (folder / "gres.conf").write_text("NodeName=n[1-2] Name=gpu File=/dev/zero\n")
        (folder / "cgroup.conf").write_text(
            "CgroupPlugin=cgroup/v1\nConstrainRAMSpace=yes\nCgroupMountpoint=/sys/fs/cgroup\n"
        )
        (folder / "slurmdbd.conf").write_text(_DBD.format(**said))
        (folder / "slurmdbd.conf").chmod(0o600)
        (folder / "state").mkdir()
        self._start_munge()
        self._start_database(ports["sql"])
        self._run("slurmdbd", "-D")
        wait_until(lambda: listening(ports["dbd"]), what="slurmdbd")
        self("sacctmgr", "-i", "add", "cluster", "plait")
        self("sacctmgr", "-i", "add", "account", "science", "cluster=plait")
        self("sacctmgr", "-i", "add", "user", "root", "account=science")
        self.start_controller()
        for name in ("n1", "n2"):
            self.start_node(name)

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        log = self.folder / f"{program}.out"
        return self._stack.enter_context(
            started(program, *arguments, log=log, env={**os.environ, **self.environ})
        )

    def start_controller(self) -> None:
        self.controller = self._run("slurmctld", "-D", "-f", str(self.folder / "slurm.conf"))

    def stop_controller(self) -> None:
        """As for an update: it is gone until it is started anew, and jobs go on meanwhile."""
        self.controller.terminate()
        self.controller.wait(60)

    def _start_munge(self) -> None:
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        socket = self.folder / "munge.socket"
        files = {"socket": socket, "key-file": key}
        files |= {f"{name}-file": self.folder / f"munged.{name}" for name in ("pid", "log", "seed")}
        self._run("munged", "--foreground", "--force", *(f"--{name}={file}" for name, file in files.items()))
        wait_until(socket.exists, what="munged")

    def _start_database(self, port: int) -> None:
        data = self.folder / "sql"
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--user=root", "--auth-root-authentication-method=normal", "--skip-test-db"],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        socket = self.folder / "sql.socket"
        self._run(
            "mariadbd", "--no-defaults", "--user=root", f"--datadir={data}", f"--socket={socket}",
            "--bind-address=127.0.0.1", f"--port={port}", "--innodb-flush-log-at-trx-commit=0",
            "--innodb-lock-wait-timeout=900", f"--pid-file={self.folder}/sql.pid",
        )  # fmt: skip
        wait_until(lambda: listening(port), what="MariaDB")
        allow = (
            "CREATE DATABASE slurm_acct; CREATE USER slurm@'127.0.0.1' IDENTIFIED BY 'slurm';"
            " CREATE USER slurm@localhost IDENTIFIED BY 'slurm';"
            " GRANT ALL ON slurm_acct.* TO slurm@'127.0.0.1'; GRANT ALL ON slurm_acct.* TO slurm@localhost;"
        )
        subprocess.run(
            ["mariadb", "--no-defaults", f"--socket={socket}", "--user=root", "-e", allow],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip

    def start_node(self, name: str) -> None:
        """Start a node, and wait until it takes jobs."""
        stack = self._nodes[name] = contextlib.ExitStack()
        stack.enter_context(
            started(
                "slurmd", "-D", "-N", name, "-f", str(self.folder / "slurm.conf"),
                log=self.folder / f"{name}.out", env={**os.environ, **self.environ},
            )
        )  # fmt: skip
        wait_until(
            lambda: self("sinfo", "-h", "-n", name, "-p", "main", "-o", "%t").strip() in ("idle", "mix"),
            what=f"the node {name}",
        )

    def kill_node(self, name: str) -> None:
        """As if the machine had lost its power, with all that runs on it."""
        daemons, keepers, tasks = [], [], []
        conf = self.environ["SLURM_CONF"]  # other clusters have nodes of the same name
        for process in psutil.process_iter(["pid"]):
            with contextlib.suppress(psutil.Error):
                words, environ = process.cmdline(), process.environ()
                if words and "slurmd" in words[0] and words[2:4] == ["-N", name] and conf in words:
                    daemons.append(process)
                elif environ.get("SLURMD_NODENAME") == name and environ.get("SLURM_CONF") == conf:
                    tasks.append(process)
                    keepers += [one for one in process.parents() if one.name() == "slurmstepd"]
        for process in (*daemons, *keepers, *tasks):  # first who would report the end of the others
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _end_keepers(self) -> None:
        """Those of jobs whose node is gone would wait for it for ever."""
        for process in psutil.process_iter(["pid"]):
            with contextlib.suppress(psutil.Error):
                is_keeper = process.name() == "slurmstepd"
                if is_keeper and process.environ().get("SLURM_CONF") == self.environ["SLURM_CONF"]:
                    process.kill()

    def kill(self, number: int) -> None:
        self.kill_node(f"n{number}")

    def close(self) -> None:
        for stack in self._nodes.values():
            stack.close()
        self._stack.close()
        self._end_keepers()
        for name in self._nodes:
            for made in _CGROUPS.glob(f"*/slurm_{name}"):
                for folder in sorted(made.rglob("*"), reverse=True):
                    with contextlib.suppress(OSError):
                        folder.rmdir()
                with contextlib.suppress(OSError):
                    made.rmdir()


@contextlib.contextmanager
def slurm_cluster() -> Iterator[Slurm]:
    """A cluster for as long as it is needed; skips where Slurm is not installed, or cannot run.

    One at a time on a machine: what Slurm keeps of a job in the system's control groups is named by node and job alone.
    """
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [name for name in _PROGRAMS if shutil.which(name, path=path) is None]
    if missing:
        pytest.skip(
            f"there is no {', '.join(missing)}, and it could not be installed: apt-get install {_PACKAGES}"
        )
    if os.getuid() != 0:
        pytest.skip("a Slurm cluster of one's own is started by root")
    os.environ["PATH"] = path
    with Path(tempfile.gettempdir(), "plait-slurm.lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        folder = Path(tempfile.mkdtemp(prefix="plait-slurm-"))
        folder.chmod(0o755)
        cluster = Slurm(folder)
        try:
            try:
                cluster.start()
            except (TimeoutError, AssertionError, subprocess.SubprocessError) as error:
                words = "\n".join(
                    f"{log.name}: {log.read_text(errors='replace')[-600:]}"
                    for log in sorted(folder.glob("*.log"))
                )
                pytest.skip(f"no Slurm cluster runs here: {error}\n{words}")
            yield cluster
        finally:
            cluster.close()
            shutil.rmtree(folder, ignore_errors=True)
