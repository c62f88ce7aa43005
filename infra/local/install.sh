#!/usr/bin/env bash
# Installs what the one-machine deployment needs and is missing: a locked virtual environment and Prometheus; with --test
# also Chromium, for the tests of the pages. Safe to run again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

UV_VERSION=$(sed -n '/^name = "uv"$/{n;s/^version = "\(.*\)"$/\1/p;}' uv.lock)
PROMETHEUS_VERSION=2.53.4
PROMETHEUS_SHA256_AMD64=b8b497c4610d1b93208252b60c8f20f6b2e78596ae8df43397a2e805aa53d475
PROMETHEUS_SHA256_ARM64=ec7236ecea7154d0bfe142921708b1ae7b5e921e100e0ee85ab92b7c444357e0

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
export UV_PROJECT_ENVIRONMENT=.venv
if [ ! -x .venv/bin/uv ]; then
  "$python" -m venv --clear .venv 2>/dev/null ||
    { apt_install python3-venv && "$python" -m venv --clear .venv; } ||
    die "'$python -m venv' does not work; install your system's package for it (Debian: python3-venv)"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION"
fi
.venv/bin/uv sync --quiet --locked --all-extras

# --- Prometheus
fetch_prometheus() {
  local system machine sha archive url
  system=$(uname -s | tr '[:upper:]' '[:lower:]')
  case "$(uname -m)" in
    x86_64) machine=amd64 sha=$PROMETHEUS_SHA256_AMD64 ;;
    aarch64) machine=arm64 sha=$PROMETHEUS_SHA256_ARM64 ;;
    *) return 1 ;;
  esac
  [ "$system" = linux ] || return 1
  archive=prometheus-$PROMETHEUS_VERSION.$system-$machine
  url=https://github.com/prometheus/prometheus/releases/download/v$PROMETHEUS_VERSION/$archive.tar.gz
  mkdir -p build
  .venv/bin/python -c 'import sys, urllib.request; urllib.request.urlretrieve(*sys.argv[1:])' "$url" build/prometheus.tar.gz || return 1
  echo "$sha  build/prometheus.tar.gz" | sha256sum --check --quiet || die "$url: the checksum is not the pinned one"
  tar -xzf build/prometheus.tar.gz -C build
  install -m 755 "build/$archive/prometheus" "build/$archive/promtool" .venv/bin/
  rm -rf build/prometheus.tar.gz "build/$archive"
}
if ! have prometheus || ! have promtool; then
  if [ ! -x .venv/bin/prometheus ]; then
    apt_install prometheus || { have brew && brew install --quiet prometheus; } || fetch_prometheus ||
      die "Prometheus is missing; install it (https://prometheus.io/download) so that 'prometheus' and 'promtool' are on PATH"
  fi
fi

# --- Chromium, for the tests of the pages
if [ "${1:-}" = --test ] && ! have chromium && ! have chromium-browser && ! have google-chrome; then
  apt_install chromium || { have brew && brew install --quiet --cask chromium; } || die "Chromium is missing; install it so that 'chromium' is on PATH"
fi
