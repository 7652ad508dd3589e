# Sourced by ./run and ./test: a C compiler and Rust, the build folders in the cache, then
# `cargo xtask`. Everything else that is missing is brought by `cargo xtask setup`.
# shellcheck shell=bash

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

say() { printf '%s\n' "$*" >&2; }

# Runs apt-get with an administrator's rights; never asks for a password.
apt() {
  command -v apt-get >/dev/null || return 1
  local as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo --non-interactive)
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "$@"
}

apt_install() {
  apt update --quiet && apt install --yes --no-install-recommends "$@"
}

ensure_compiler() {
  command -v cc >/dev/null && command -v pkg-config >/dev/null && return
  say "Installing a C compiler: Rust links with it."
  apt_install build-essential pkg-config curl ca-certificates && return
  say "There is no C compiler. Next: install gcc, make and pkg-config, then start again."
  exit 1
}

# Is there a Rust of at least the version that Cargo.toml asks for?
has_rust() {
  command -v cargo >/dev/null || return 1
  local need have
  need=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
  have=$(rustc -V 2>/dev/null | cut -d ' ' -f 2) || return 1
  [ "$(printf '%s\n' "$need" "$have" | sort -V | head -n 1)" = "$need" ]
}

with_rustup() {
  timeout 600 rustup toolchain install stable --profile minimal --component clippy,rustfmt &&
    timeout 60 rustup default stable && has_rust
}

with_installer() {
  local script
  command -v curl >/dev/null || apt_install curl ca-certificates || return 1
  script=$(mktemp)
  curl --proto '=https' --tlsv1.2 --fail --silent --show-error --connect-timeout 15 \
    --output "$script" https://sh.rustup.rs &&
    timeout 600 sh "$script" -y --no-modify-path --profile minimal --component clippy,rustfmt
  rm -f "$script"
  has_rust
}

with_debian() {
  apt_install rustc-web cargo-web rustfmt-web rust-web-clippy && has_rust
}

ensure_rust() {
  export PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
  has_rust && return
  say "Installing Rust: Pilothouse is written in it."
  if command -v rustup >/dev/null; then
    with_rustup && return
  elif with_installer; then
    return
  fi
  with_debian && return
  say "Rust could not be installed. Next: install it from https://rustup.rs, then start again."
  exit 1
}

# What is built is kept outside of the clone, so that the next clone finds it.
use_cache() {
  PILOTHOUSE_CACHE=${PILOTHOUSE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pilothouse}
  export PILOTHOUSE_CACHE
  export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PILOTHOUSE_CACHE/target/rustc-$(rustc -V | cut -d ' ' -f 2)}
  export PATH="$PATH:$PILOTHOUSE_CACHE/tools/go/bin"
  mkdir -p "$CARGO_TARGET_DIR"
  know_sources
}

# Clones share the build folders, and cargo goes by the age of files alone: what another clone built
# after an edit of this one would pass for built from it, and a fresh clone is younger than all that
# was built from the same sources. So sources are known by their content: a file that is as it was
# when the folders were last built in gets the age that it had then, and any other is new.
know_sources() {
  local record=$CARGO_TARGET_DIR/sources new=$CARGO_TARGET_DIR/sources.$$
  in_sources -type f -print0 | xargs -0 sha256sum | sort -k 2 >"$new.list"
  if [ "$(head -n 1 "$record" 2>/dev/null)" != "$PWD" ]; then
    if is_whole "$record"; then as_old_as "$record" "$new.list"; else forget_builds; fi
  fi
  { printf '%s\n' "$PWD" && ages "$new.list"; } >"$new"
  mv "$new" "$record"
  rm -f "$new.list"
}

# Finds what something may be built from.
in_sources() {
  find . \( -path ./.git -o -path ./target -o -path ./gen -o -path ./ui/dist -o -path ./fuzz \) -prune -o "$@"
}

# Finds what cargo keeps of each package of the project that it built.
in_builds() {
  local folder folders=("$CARGO_TARGET_DIR")
  for folder in "$PILOTHOUSE_CACHE"/target/wasm-*; do
    if [ -d "$folder" ]; then folders+=("$folder"); fi
  done
  find "${folders[@]}" -maxdepth 5 \( -path '*/.fingerprint/pilothouse-*' \
    -o -path '*/.fingerprint/acceptance-*' -o -path '*/.fingerprint/xtask-*' \) "$@"
}

# A list of "hash  name" with the age of each file before it.
ages() { names "$1" | xargs -0 stat --format=%Y | paste -d ' ' - "$1"; }
names() { cut -c 67- "$1" | tr '\n' '\0'; }

# Was all that was built built from what the record names? If so, `xtask` made it younger than the builds.
is_whole() { [ -f "$1" ] && [ -z "$(in_builds -newer "$1" -print -quit)" ]; }
forget_builds() { in_builds -type d -prune -print0 | xargs -0 --no-run-if-empty rm -rf; }

# Gives the files of a list the ages that a record has for them; folders, too, if the names are the same.
as_old_as() {
  local age files
  while read -r age files; do
    printf '%s' "$files" | tr '\t' '\0' | xargs -0 touch --date="$age"
  done < <(awk 'NR == FNR { known[substr($0, index($0, " ") + 1)] = "@" $1; next }
    { age = $0 in known ? known[$0] : "now"; files[age] = files[age] substr($0, 67) "\t" }
    END { for (age in files) print age, files[age] }' "$1" "$2")
  if [ "$(tail -n +2 "$1" | cut -d ' ' -f 4-)" = "$(cut -c 67- "$2")" ]; then
    age=$(tail -n +2 "$1" | cut -d ' ' -f 1 | sort -n | sed -n 1p)
    in_sources -type d -print0 | xargs -0 touch --date="@$age"
  fi
}

build_xtask() {
  cargo build --quiet --package xtask --bin xtask
}

# Is what a build said an error in our own code? Over a damaged cache it says something else.
is_our_error() {
  grep -q 'could not compile `xtask`' <<<"$1" &&
    ! grep -Eq "metadata|archive|truncated|malformed|corrupt|can't find crate" <<<"$1"
}

# Builds xtask, once more from nothing if it fails or does not start, and runs one of its verbs.
xtask() {
  local said
  if ! said=$(build_xtask 2>&1) || ! "$CARGO_TARGET_DIR/debug/xtask" --help >/dev/null; then
    say "$said"
    is_our_error "$said" && exit 1
    say "The developer's tool did not build: removing $CARGO_TARGET_DIR/debug and building once more."
    rm -rf "$CARGO_TARGET_DIR/debug"
    build_xtask
  fi
  exec "$CARGO_TARGET_DIR/debug/xtask" "$@"
}
