"""How long does each question take that a page asks, on the largest store? `pages.py N sqlite|postgresql [TIMES]`

The store is made first (`big_store.py`), in a file or in a PostgreSQL of its own; with a file there is a browser too.
"""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import endpoints

OPTIONS = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "shared_buffers": "128MB"}


@contextlib.contextmanager
def private_postgres():
    """A PostgreSQL server with the settings that it comes with: its URL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: -float(one.parts[-3]))
    there = found[0] if found else shutil.which("initdb")
    if there is None:
        raise SystemExit("PostgreSQL is not installed: apt-get install postgresql")
    programs = Path(there).parent
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    user = {}
    if os.getuid() == 0:  # it refuses to run as root
        name = pwd.getpwnam("postgres").pw_name
        folder.parent.chmod(0o711)
        shutil.chown(folder, name, name)
        user = {"user": name, "group": name, "extra_groups": []}
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    make = [programs / "initdb", "-D", folder / "data", "-A", "trust", "-U", "postgres"]
    subprocess.run(make, check=True, capture_output=True, cwd=folder, **user)
    options = [part for name, value in OPTIONS.items() for part in ("-c", f"{name}={value}")]
    server = subprocess.Popen(
        [programs / "postgres", "-D", folder / "data", "-p", str(port), *options],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **user,
    )
    try:
        import psycopg

        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        for _ in range(600):
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(url).close()
                break
            time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    n, store, times = sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "20"
    with contextlib.ExitStack() as stack:
        if store == "postgresql":
            os.environ["PLAIT_RECORDS"] = stack.enter_context(private_postgres())
        subprocess.run([sys.executable, "big_store.py", n], check=True)
        endpoints.measure(int(times))
        if store == "sqlite":
            # A browser that is not there leaves the questions' figures as they are.
            done = subprocess.run(
                [sys.executable, "browser.py", n], capture_output=True, text=True, check=False
            )
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
                raise SystemExit(f"BrowserError: {last}")


if __name__ == "__main__":
    main()
