#!/usr/bin/env bash
# Installs what the one-machine deployment needs and is missing: a locked virtual environment and Prometheus; with --test
# also Chromium, Redis, PostgreSQL, checkov, MLflow and the analyser of SQL, for the tests of the pages, of the cache, of a database, of the deployment, of
# registries and of statements; with --mlflow also MLflow. Safe to run again, and to interrupt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
FOLDER=$(pwd -P)

die() { echo "install: $*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

apt_install() { # PACKAGE...: true when the system's packages could be installed
  have apt-get || return 1
  local run=()
  if [ "$(id -u)" != 0 ]; then have sudo && run=(sudo) || return 1; fi
  echo "install: apt-get install $*"
  "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
    "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

python=""
for name in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
  if have "$name" && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then python=$name; break; fi
done
[ -n "$python" ] || die "Python 3.11 or newer is needed; set PYTHON to its path"

# --- the locked virtual environment
[ ! -L .venv ] || die ".venv is a link to $(readlink .venv), which would be cleared; remove the link"
install_uv() { # into a new environment: by pip where Python has it (Debian packs it apart), else the wheel of uv.lock
  local version
  version=$(sed -n '/^name = "uv"$/{n;s/^version = "\(.*\)"$/\1/p;}' uv.lock)
  { "$python" -m venv --clear .venv >/dev/null 2>&1 &&
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$version"; } ||
    { "$python" -m venv --clear --without-pip .venv && "$python" infra/local/fetch.py uv .venv/bin; }
}
usable() { # false as well when the folder was moved: the programs in .venv/bin name the old one
  [ -x .venv/bin/uv ] && .venv/bin/python -c '' 2>/dev/null && [ "$(cat .venv/folder 2>/dev/null || pwd -P)" = "$FOLDER" ]
}
usable || install_uv || die "no virtual environment could be made with $python; see above"
UV_PROJECT_ENVIRONMENT=.venv .venv/bin/uv sync --quiet --locked --all-extras --compile-bytecode
echo "$FOLDER" >.venv/folder

# --- Prometheus
brew_install() { have brew && brew install --quiet "$1"; }
if { ! have prometheus || ! have promtool; } && [ ! -x .venv/bin/promtool ]; then
  apt_install prometheus || brew_install prometheus || "$python" infra/local/fetch.py prometheus .venv/bin ||
    die "Prometheus is missing; install it (https://prometheus.io/download) so that 'prometheus' and 'promtool' are on PATH"
fi

# --- Chromium, for the tests of the pages; Ubuntu has it only as a snap, so there it is the one Playwright brings
fetch_chromium() {
  local path='from playwright.sync_api import sync_playwright as p
with p() as playwright: print(playwright.chromium.executable_path)'
  .venv/bin/playwright install --with-deps chromium || .venv/bin/playwright install chromium || return 1
  ln -sf "$(.venv/bin/python -c "$path")" .venv/bin/chromium
}
if [ "${1:-}" = --test ] && ! have chromium-headless-shell && ! have chromium && ! have chromium-browser && ! have google-chrome &&
  [ ! -x .venv/bin/chromium ]; then
  apt_install chromium-headless-shell || apt_install chromium || fetch_chromium || die "Chromium is missing; install it so that 'chromium' is on PATH"
fi

# --- Redis, for the tests of what flushes a cache; Debian's package starts a service of its own on port 6379, they do not use it
if [ "${1:-}" = --test ] && ! have redis-server; then
  apt_install redis-server || brew_install redis || die "Redis is missing; install it so that 'redis-server' is on PATH"
fi

# --- PostgreSQL, for the tests of its probe; Debian's package starts a service of its own on port 5432, they do not use it
if [ "${1:-}" = --test ] && ! have pg_basebackup && ! ls /usr/lib/postgresql/*/bin/pg_basebackup >/dev/null 2>&1; then
  apt_install postgresql || brew_install postgresql || die "PostgreSQL is missing; install its server so that 'initdb' and 'pg_basebackup' are on PATH"
fi

# --- checkov, for the test of the deployment; apart, because it pins what the functions need in other versions
if [ "${1:-}" = --test ]; then
  [ -x .venv/checkov/bin/python ] || .venv/bin/uv venv --quiet .venv/checkov
  .venv/bin/uv pip sync --quiet --python .venv/checkov/bin/python infra/local/checkov.txt
fi

# --- MLflow, for the local registry of versions and its tests; apart for the same reason
if [ "${1:-}" = --test ] || [ "${1:-}" = --mlflow ]; then
  [ -x .venv/mlflow/bin/python ] || .venv/bin/uv venv --quiet .venv/mlflow
  .venv/bin/uv pip sync --quiet --compile-bytecode --python .venv/mlflow/bin/python infra/local/mlflow/requirements.txt
fi

# --- Google's analyser of SQL, which is compiled once
if [ "${1:-}" = --test ]; then .venv/bin/python -m tests.support.checks.googlesql; fi
