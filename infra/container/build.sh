#!/usr/bin/env bash
# Builds the image of the functions: infra/container/build.sh [--warehouse] [--debootstrap] [--base IMAGE] [NAME:TAG]
#   --warehouse    with BigQuery's emulator as well
#   --base IMAGE   on which it is built: Debian 13 or 12 (docker.io/library/debian:trixie-slim)
#   --debootstrap  on a Debian 13 that is made here from its packages, where no registry is reached; needs root and debootstrap
# Takes buildah, podman or docker, whichever is there, or $BUILDER. Where SSL_CERT_FILE is set (a proxy with a certificate of its own), the build
# trusts that file, and the image does not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
name=aia:latest extras=container base="" own=""
die() { echo "build: $*" >&2; exit 2; }
while [ $# -gt 0 ]; do
  case $1 in
    --warehouse) extras="container warehouse" ;;
    --base) base=${2:?--base: must be followed by an image}; shift ;;
    --debootstrap) own=yes ;;
    -*) die "must be --warehouse, --debootstrap, --base IMAGE or NAME:TAG, got $1" ;;
    *) name=$1 ;;
  esac
  shift
done

builder=${BUILDER:-}
for one in buildah podman docker; do
  if [ -z "$builder" ] && command -v "$one" >/dev/null 2>&1; then builder=$one; fi
done
[ -n "$builder" ] || die "neither buildah, podman nor docker is there; apt-get install buildah"

if [ -n "$own" ]; then
  command -v debootstrap >/dev/null 2>&1 || die "debootstrap is not there; apt-get install debootstrap"
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  base=localhost/debian:trixie
  debootstrap --variant=minbase trixie "$folder/root" >"$folder/log" || { tail -n 5 "$folder/log" >&2; die "debootstrap failed"; }
  rm -rf "$folder"/root/var/cache/apt/* "$folder"/root/var/lib/apt/lists/*
  tar -C "$folder/root" -cf "$folder/root.tar" .
  printf 'FROM scratch\nADD root.tar /\n' >"$folder/Containerfile"
  "$builder" build --tag "$base" --file "$folder/Containerfile" "$folder" >/dev/null
fi

options=(--file infra/container/Containerfile --tag "$name" --build-arg "EXTRAS=$extras")
[ -z "$base" ] || options+=(--build-arg "BASE=$base")
if [ -n "${SSL_CERT_FILE:-}" ]; then
  options+=(--volume "$SSL_CERT_FILE:/run/authorities.pem:ro")
  for variable in SSL_CERT_FILE PIP_CERT; do options+=(--build-arg "$variable=/run/authorities.pem"); done
fi
# Docker keeps layers and finds Containerfile.dockerignore by itself; the others are told. What did not change is not built again.
[ "${builder##*/}" = docker ] || options+=(--layers --ignorefile infra/container/Containerfile.dockerignore)
"$builder" build "${options[@]}" .
