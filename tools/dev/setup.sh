# Sourced by tools/quickstart and tools/check: installs what is missing and builds into build/.
# Functions only; nothing runs when this is sourced. The caller has `set -euo pipefail` and stands in the root.

lutra_packages=(
  clang-22 lld-22 liblld-22-dev llvm-22-dev llvm-22-tools libmlir-22-dev mlir-22-tools
  ninja-build cmake ccache protobuf-compiler libprotobuf-dev libgtest-dev libzstd-dev zlib1g-dev
  python3-venv python3-dev python3-psutil
  libc6-dev-arm64-cross qemu-user
)

lutra_say() { printf 'lutra: %s\n' "$*" >&2; }
lutra_die() { printf 'lutra: error: %s\n' "$*" >&2; exit 5; }

# Debian packages, only those that dpkg does not know yet.
lutra_install_packages() {
  command -v dpkg-query >/dev/null || lutra_die "this script sets up Debian 12; on another system install ${lutra_packages[*]} and run cmake --preset release"
  local missing=() package
  for package in "${lutra_packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  local sudo=""
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || lutra_die "installing ${missing[*]} needs root: run as root once, or install sudo"
    sudo=sudo
  fi
  lutra_say "installing ${missing[*]}"
  local log
  log=$(mktemp)
  { $sudo env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 ||
    { tail -5 "$log" >&2; lutra_die "apt-get could not install ${missing[*]}; its last lines are above"; }
  rm -f "$log"
}

# A virtual environment with the packages of the given requirement files; skipped when nothing changed.
lutra_make_venv() {
  local stamp file
  stamp=$(cat "$@" | sha256sum | cut -d' ' -f1)
  [ -x .venv/bin/python ] || python3 -m venv .venv || lutra_die "python3 -m venv failed; install python3-venv"
  grep -qsx "$stamp" .venv/lutra-stamps && return
  lutra_say "installing Python packages into .venv/"
  for file in "$@"; do
    if grep -q '^torch==' "$file"; then # first, so that no later package asks for another build of it
      .venv/bin/python -m pip install -q --disable-pip-version-check "$(grep '^torch==' "$file")" ||
        lutra_die "pip could not install torch; see the lines above"
    fi
    .venv/bin/python -m pip install -q --disable-pip-version-check -r "$file" ||
      lutra_die "pip could not install the packages of $file; see the lines above"
  done
  echo "$stamp" >>.venv/lutra-stamps
}

# Configures (once) and builds the release preset. Arguments: more targets for ninja.
lutra_build() {
  if [ ! -f build/build.ninja ]; then
    lutra_say "configuring build/"
    cmake --preset release -DPython3_EXECUTABLE="$PWD/.venv/bin/python" >build-configure.log 2>&1 ||
      { tail -20 build-configure.log >&2; lutra_die "cmake failed; its last lines are above"; }
    rm -f build-configure.log
  fi
  lutra_say "building (the first time takes minutes)"
  ninja -C build "$@" || lutra_die "the build failed; see the lines above"
}
