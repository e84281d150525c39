#!/bin/sh
# Installs everything but Lepton's own code into the Debian 12 that it runs in, as root:
#   install.sh operator|worker|server REQUIREMENTS
# REQUIREMENTS is the folder of the lock files. The Dockerfiles here run it, and so do the end-to-end tests.
set -eu
image=$1
requirements=$2

case $image in
operator) packages="" ;;
worker) packages="g++ procps python3.11-dev wget" ;; # torch.compile compiles; KubeRay's probes ask with wget
server) packages="libpython3.11 libarchive13 libgomp1" ;; # Triton embeds Python
*) echo "there is no image $image: operator, worker or server" >&2; exit 2 ;;
esac

export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet=2
# shellcheck disable=SC2086 # a list of packages
apt-get install --quiet=2 --yes --no-install-recommends ca-certificates python3.11-venv $packages >/dev/null
apt-get clean
rm -rf /var/lib/apt/lists/*

tools=$(mktemp -d)
python3.11 -m venv "$tools"
"$tools/bin/pip" install --quiet --no-cache-dir --require-hashes --requirement "$requirements/setup.lock"
python3.11 -m venv --without-pip /opt/lepton
"$tools/bin/uv" pip install --quiet --no-cache --no-build --compile-bytecode \
    --python /opt/lepton/bin/python --requirement "$requirements/$image.lock"
rm -rf "$tools"
