#!/bin/sh
# Makes .venv with everything that a target needs, from nothing but Python 3.11 or newer. Repeating it is cheap.
#   tools/bootstrap.sh demo | dev | engines
set -eu
cd "$(dirname "$0")/.."
what=${1:-dev}
venv=${VENV:-.venv}

say() { printf '%s\n' "$*" >&2; }

# The newest state that this was made for; a changed project file makes it anew.
want=$(cat pyproject.toml examples/*/pyproject.toml tools/bootstrap.sh | cksum | tr -d ' ')
stamp="$venv/.made-$what-$want"
[ -f "$stamp" ] && exit 0

new_enough() {
    command -v "$1" >/dev/null 2>&1 &&
        "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

python=
for candidate in "${PYTHON:-python3}" python3 python3.14 python3.13 python3.12 python3.11; do
    if new_enough "$candidate"; then python=$candidate; break; fi
done
if [ -z "$python" ]; then
    say "plait needs Python 3.11 or newer, and none is on the PATH."
    say "  → on Debian or Ubuntu: apt-get install python3 python3-venv, or name one: make PYTHON=/path/to/python $what"
    exit 1
fi

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then sudo -n "$@"
    else return 1
    fi
}

make_venv() {
    "$python" -m venv "$venv" >/dev/null 2>&1 && "$venv/bin/python" -m pip --version >/dev/null 2>&1
}

if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    rm -rf "$venv"
    if ! make_venv; then
        # Debian keeps the venv module in a package of its own.
        rm -rf "$venv"
        if command -v apt-get >/dev/null 2>&1; then
            say "Installing python3-venv …"
            as_root sh -c 'apt-get update -qq && apt-get install -y -qq python3-venv' >/dev/null 2>&1 || true
        fi
        make_venv || { rm -rf "$venv"; "$python" -m virtualenv -q "$venv" 2>/dev/null; } || {
            rm -rf "$venv"
            say "$python cannot make a virtual environment, and installing what it lacks needs an administrator."
            say "  → as root: apt-get install python3-venv; or without: $python -m pip install --user virtualenv"
            exit 1
        }
    fi
fi

say "Setting up $venv …"
install() {
    if "$venv/bin/python" -m uv --version >/dev/null 2>&1 ||
        "$venv/bin/python" -m pip install -q --disable-pip-version-check uv; then
        "$venv/bin/python" -m uv pip install -q --python "$venv/bin/python" "$@" && return 0
    fi
    "$venv/bin/python" -m pip install -q --disable-pip-version-check "$@"
}
case $what in
    demo) install -e . -e examples/flights ;;
    dev) install -e '.[dev]' -e examples/flights ;;
    engines) install -e '.[engines]' -e examples/flights ;;
    *) say "bootstrap: demo, dev or engines, not $what"; exit 2 ;;
esac

# Programs that tests start, from the system's packages: install what is missing, where that may be done.
#   system FILE PACKAGES WHAT-FOR WITHOUT-IT
system() {
    for found in $1; do
        if [ -e "$found" ] || command -v "$found" >/dev/null 2>&1; then return 0; fi
    done
    if command -v apt-get >/dev/null 2>&1; then
        say "Installing $2 for $3 …"
        [ -n "${updated:-}" ] || { as_root apt-get update -qq >/dev/null 2>&1 || true; updated=yes; }
        # No service is started: the tests run their own, on ports of their own.
        as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $2 \
            >/dev/null 2>&1 && return 0
    fi
    say "There is no $1 here, and it could not be installed: $4."
    say "  → as root: apt-get install $2"
}
if [ "$what" != demo ]; then
    [ -n "${PLAIT_CHROMIUM:-}" ] || system chromium chromium "the tests of the web interface" \
        "its browser tests will fail (or name one: export PLAIT_CHROMIUM=/path/to/chromium)"
    system '/usr/lib/postgresql/*/bin/initdb initdb' postgresql "the tests of the record store" \
        "what is tested on PostgreSQL is skipped"
    system '/usr/sbin/sshd' openssh-server "the tests of stores on other machines" "what is tested over SSH is skipped"
fi
if [ "$what" = engines ]; then
    system dockerd docker.io "the tests in containers" "what is tested in them is skipped"
    system docker-registry docker-registry "the tests of images" "pushing one is not tested"
    system mmdebstrap mmdebstrap "the image of those tests" "what is tested in containers is skipped"
    system slurmctld "slurm-wlm munge" "the tests on a Slurm cluster" "what is tested on it is skipped"
    system slurmdbd "slurmdbd mariadb-server" "Slurm's accounting" "what is tested on a Slurm cluster is skipped"
    system java default-jre-headless "the tests of Spark" "what is tested on it is skipped"
fi
if [ "$what" = engines ] && [ ! -e "$venv/node/node_modules/.bin/azurite-blob" ]; then
    system npm npm "the tests on Azure Blob Storage" "what is tested on it is skipped"
    npm install --silent --no-audit --no-fund --prefix "$venv/node" azurite >/dev/null 2>&1 ||
        say "azurite could not be installed: what is tested on Azure Blob Storage is skipped."
fi
rm -f "$venv"/.made-"$what"-*
touch "$stamp"
