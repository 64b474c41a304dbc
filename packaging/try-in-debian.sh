#!/bin/sh
# From an empty Debian 12 to a linked C program with the packages that `./x package` makes: what is typed, and how long it takes.
# As root, with debootstrap; the packages of Debian come from where this machine's apt takes them.
#   packaging/try-in-debian.sh [FOLDER-OF-PACKAGES [ROOT]]     (build/packages and a temporary folder, removed at the end)
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
packages=$(cd "${1:-$here/build/packages}" && pwd)
root=${2:-$(mktemp -d)}
log=$root.log
mounts() { umount "$root/proc" 2>/dev/null || true; }
trap 'mounts; [ $# -ge 2 ] || rm -rf "$root"' EXIT

seconds() { date +%s; }
step() { # NAME COMMAND...
  name=$1
  shift
  from=$(seconds)
  "$@" >"$log" 2>&1 || { tail -n 30 "$log" >&2; echo "failed: $name" >&2; exit 1; }
  printf '%4d s  %s\n' $(($(seconds) - from)) "$name"
}
inside() { step "$1" chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive sh -euc "$1"; }

mirror=$(apt-get indextargets --format '$(SITE)' 'Release: bookworm' 'Created-By: Packages' | sort -u | grep -v security | head -n 1)
step "debootstrap --variant=minbase bookworm (not counted: it is what there was before)" \
  debootstrap --variant=minbase bookworm "$root" "$mirror"
cp -rL /etc/apt/sources.list.d/. "$root/etc/apt/sources.list.d/"
[ ! -f /etc/apt/sources.list ] || cp /etc/apt/sources.list "$root/etc/apt/"
cp -L /usr/share/keyrings/* "$root/usr/share/keyrings/" 2>/dev/null || true
cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
mkdir -p "$root/packages" "$root/try"
cp "$packages"/*.deb "$root/packages/"
cp -r "$here/examples/motion" "$here/examples/c_stream" "$here/examples/cmake_project" "$here/examples/cpp_training" "$root/try/"
mount -t proc proc "$root/proc"

inside 'apt-get update -qq'
inside 'apt-get install -y -qq --no-install-recommends /packages/libsnn-runtime*.deb /packages/snnc_*.deb gcc libc6-dev'
inside 'cd /try && snnc motion/motion.snn --mode=stream --weights=motion/motion.safetensors -o ./'
inside 'cd /try && gcc -O2 -I. -Imotion c_stream/stream.c c_stream/decide.c motion.o -o stream'
inside 'cd /try && ./stream && strip -o stripped stream'
cat "$log"
inside 'apt-get install -y -qq --no-install-recommends cmake make g++'
inside 'cd /try && cmake -S cmake_project -B build && cmake --build build && build/stream && build/train motion/motion.safetensors new.safetensors'
tail -n 3 "$log"
printf 'stripped C program: %s bytes; the root has %s MB\n' "$(stat -c %s "$root/try/stripped")" "$(du -sxm "$root" | cut -f1)"
