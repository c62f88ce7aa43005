#!/usr/bin/env bash
# Shows on bare machines that the README's first command works: infra/local/proof.sh [SUITE...], by default Debian 12 and 13 (bookworm trixie).
# Of each, debootstrap makes a root with git, make and Python alone. In it the tracked files are installed by infra/local/install.sh, the settings are
# checked, one function is served, and the demo runs, both without a network. Needs root, debootstrap, iproute2 and 6 GB; each step runs in
# namespaces of its own, so that it leaves no mount and no process. The logs are in build/proof.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
MIRROR=${MIRROR:-http://deb.debian.org/debian}
LOGS=$PWD/build/proof
NEEDED_KB=6000000

die() { echo "proof: $*" >&2; exit 2; }
[ "$(id -u)" = 0 ] || die "must run as root"
for program in debootstrap ip unshare; do
  command -v "$program" >/dev/null 2>&1 || die "$program is missing; apt-get install debootstrap iproute2 util-linux"
done
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
[ "$(df --output=avail -k "$work" | tail -n 1)" -gt "$NEEDED_KB" ] || die "6 GB must be free for $work (TMPDIR)"
mkdir -p "$LOGS"
failed=0
row() { printf '%-10s %-34s %9s  %s\n' "$@"; }

inside() { # ROOT COMMAND: runs it there; with OFFLINE=yes without a network
  local root=$1 network=() prepare=:
  if [ "${OFFLINE:-}" = yes ]; then network=(--net) prepare="ip link set lo up"; fi
  # shellcheck disable=SC2016 # is expanded inside
  unshare --mount --pid --fork --kill-child "${network[@]}" sh -ec '
    '"$prepare"'
    mount --rbind /dev "$0/dev"
    mount -t proc proc "$0/proc"
    mount -t tmpfs tmpfs "$0/tmp"
    exec chroot "$0" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 $2 sh -ec "cd /src; $1"
  ' "$root" "$2" "$environment"
}

step() { # SUITE NAME COMMAND: runs it and adds a row; of one that fails, the end of its log as well
  local suite=$1 name=$2 log begun took
  shift 2
  log="$LOGS/$suite-${name//[^a-z]/-}.log" begun=$(date +%s.%N)
  if "$@" >"$log" 2>&1; then result=passed; else result="failed, see $log"; fi
  took=$(awk "BEGIN {printf \"%.1f s\", $(date +%s.%N) - $begun}")
  row "$suite" "$name" "$took" "$result"
  [ "$result" = passed ] || { failed=1; tail -n 15 "$log" >&2; return 1; }
}

bare() { # SUITE ROOT: the root, with the tracked files in /src
  debootstrap --variant=minbase --include=ca-certificates,git,make,python3 "$1" "$2" "$MIRROR" || return
  mkdir "$2/src"
  git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- -cf - | tar -C "$2/src" -xf -
  cp /etc/resolv.conf "$2/etc/resolv.conf"
  # A proxy with a certificate of its own: its authority is trusted there as it is here.
  if [ -n "${SSL_CERT_FILE:-}" ]; then cp "$SSL_CERT_FILE" "$2/etc/authorities.pem"; fi
}

environment=""
if [ -n "${SSL_CERT_FILE:-}" ]; then environment="SSL_CERT_FILE=/etc/authorities.pem PIP_CERT=/etc/authorities.pem"; fi
for variable in HTTP_PROXY HTTPS_PROXY NO_PROXY; do
  if [ -n "${!variable:-}" ]; then environment+=" $variable=${!variable}"; fi
done

served='
export GOOGLE_CLOUD_PROJECT=p AIA_LOCATION=here AIA_STORE=sqlite:///tmp/store.sqlite AIA_MONITORING_ENDPOINT=127.0.0.1:9
export AIA_SETTINGS=/src/infra/monitoring.yaml
.venv/bin/aia serve alert_intake --health-port 8079 --archives /tmp/archives 2>/tmp/said && exit 1
grep -q "has no alert_intake" /tmp/said
.venv/bin/aia serve alert_intake &
for _ in $(seq 100); do .venv/bin/python -c "import urllib.request as u; print(u.urlopen(\"http://127.0.0.1:8079/\").read())" 2>/dev/null && answered=yes && break; sleep 0.3; done
kill -TERM $!; wait $!
[ "$answered" = yes ]'

row suite step time result
for suite in ${*:-bookworm trixie}; do
  root=$work/$suite
  {
    step "$suite" "bare root" bare "$suite" "$root" &&
      step "$suite" "infra/local/install.sh" inside "$root" infra/local/install.sh &&
      step "$suite" "aia --help" inside "$root" ".venv/bin/aia --help" &&
      step "$suite" "aia check" inside "$root" ".venv/bin/aia check --offline" &&
      OFFLINE=yes step "$suite" "one function served, no network" inside "$root" "$served" &&
      OFFLINE=yes step "$suite" "aia demo, no network" inside "$root" ".venv/bin/aia demo --days 14 --no-training"
  } || true
  if [ -d "$root/src/.venv" ]; then
    row "$suite" "$(chroot "$root" python3 --version), all of it" "$(du -sm --one-file-system "$root" | cut -f1) MB" ""
  fi
  rm -rf --one-file-system "$root"
done
exit $failed
