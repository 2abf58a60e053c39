#!/bin/sh
# Installs plexd on this machine, or upgrades it:
#
#   curl -fsSL https://HOST/PATH/install.sh | sh -s -- --base-url https://HOST/PATH
#
# It downloads a release, verifies its signature and its checksum, and only then
# has the program in it install itself; "sh install.sh --help" tells the rest.
# Everything is in functions that the last line calls: of a download of this
# script that was cut short nothing runs.
set -eu

# Where releases are. "deno task release --base-url URL" fills it in.
BASE_URL=''

# The public key that releases are signed with: Ed25519, as in its PEM file.
RELEASE_KEY=''

usage() {
  cat <<'END'
Installs plexd on this machine, or upgrades it. As root:

  curl -fsSL URL/install.sh | sh -s -- [OPTIONS]

  --api URL             the control plane, for a node without a configuration
  --token-file FILE     file of the one-time bootstrap token; it may also be in
                        the variable PLEXD_BOOTSTRAP_TOKEN, and at a terminal
                        you are asked for it
  --version VERSION     such as 1.2.3 (default: the latest one)
  --base-url URL        where releases are; also PLEXD_ARTIFACT_URL
  --key FILE            PEM file of the public key of your own releases
  --prefix DIR          an installation in DIR: no root, no user, no unit
  --no-start            enable the agent, and do not start it
  --ready-timeout TIME  how long the agent may take to be ready (default 90s)
  --dry-run             download and verify, then only say what would be done
  --uninstall           remove plexd; configuration and data stay
  --purge               with --uninstall: remove everything
  --allow-plaintext     allow http:// to other hosts; what is downloaded is
                        verified either way
  --help                print this
END
}

say() {
  printf 'plexd: %s\n' "$1" >&2
}

# fail WHAT WHAT_TO_DO
fail() {
  printf 'plexd: %s\n  %s\n' "$1" "$2" >&2
  exit 1
}

# wrong_usage WHAT
wrong_usage() {
  printf 'plexd: %s\n  --help lists the options\n' "$1" >&2
  exit 2
}

parse() {
  version=''
  base_url=${PLEXD_ARTIFACT_URL:-$BASE_URL}
  key_file=''
  prefix=''
  api=''
  token_file=''
  ready_timeout=''
  no_start=''
  dry_run=''
  uninstall=''
  purge=''
  allow_plaintext=''
  while [ $# -gt 0 ]; do
    case $1 in
      --api | --token-file | --version | --base-url | --key | --prefix | --ready-timeout)
        [ $# -ge 2 ] || wrong_usage "$1 needs a value"
        ;;
    esac
    case $1 in
      --api) api=$2 ;;
      --token-file) token_file=$2 ;;
      --version) version=${2#v} ;;
      --base-url) base_url=$2 ;;
      --key) key_file=$2 ;;
      --prefix) prefix=$2 ;;
      --ready-timeout) ready_timeout=$2 ;;
      --no-start) no_start=1 ;;
      --dry-run) dry_run=1 ;;
      --uninstall) uninstall=1 ;;
      --purge) purge=1 ;;
      --allow-plaintext) allow_plaintext=1 ;;
      --help | -h)
        usage
        exit 0
        ;;
      --token | --token=*)
        # Every user of the machine can read command lines.
        wrong_usage 'a token on a command line is no secret: use --token-file FILE, or the variable PLEXD_BOOTSTRAP_TOKEN'
        ;;
      *) wrong_usage "there is no option $1" ;;
    esac
    case $1 in
      --api | --token-file | --version | --base-url | --key | --prefix | --ready-timeout) shift ;;
    esac
    shift
  done
}

check_usage() {
  [ -z "$purge" ] || [ -n "$uninstall" ] || wrong_usage '--purge goes with --uninstall'
  [ "$token_file" != - ] || wrong_usage 'standard input is this script: name a file with --token-file'
  [ -z "$version" ] || is_version "$version" || wrong_usage "$version is not a version such as 1.2.3"
  case $prefix in
    '' | /*) ;;
    *) prefix=$(pwd)/$prefix ;;
  esac
  if [ -z "$prefix" ] && [ "$(id -u)" -ne 0 ]; then
    fail 'installing for the whole machine needs root' \
      'pipe it to "sudo sh -s --", or use --prefix DIR for an installation of your own'
  fi
}

# A version is part of a path and of a file's name.
is_version() {
  case $1 in
    *[!0-9A-Za-z.+-]* | *..*) return 1 ;;
    [0-9]*.[0-9]*.[0-9]*) return 0 ;;
    *) return 1 ;;
  esac
}

find_architecture() {
  [ "$(uname -s)" = Linux ] ||
    fail "plexd is for Linux, and this is $(uname -s)" 'from source it may run: see the README'
  machine=$(uname -m)
  case $machine in
    x86_64 | amd64) arch=amd64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) fail "there is no release for $machine" \
      'releases are for x86_64 and arm64; from source it may run: see the README' ;;
  esac
}

check_tools() {
  command -v curl >/dev/null 2>&1 || command -v wget >/dev/null 2>&1 ||
    fail 'neither curl nor wget is installed' 'install one of them, and run this again'
  for tool in openssl tar gzip; do
    command -v "$tool" >/dev/null 2>&1 ||
      fail "$tool is not installed" "install it, and run this again"
  done
  openssl pkeyutl -help 2>&1 | grep -q rawin ||
    fail "$(openssl version) cannot check Ed25519 signatures" \
      'install OpenSSL 3, or verify by hand as docs/install.md tells'
}

check_base_url() {
  base_url=${base_url%/}
  case $base_url in
    '') fail 'nobody has said where releases are' \
      'name the address with --base-url https://HOST/PATH' ;;
    https://?*) protocols='=https' ;;
    http://?*)
      protocols='=http,https'
      [ -n "$allow_plaintext" ] || is_loopback "$base_url" ||
        fail "$base_url is plain http" \
          'use https, or say --allow-plaintext: what is downloaded is verified either way'
      ;;
    *) fail "$base_url is not an address of releases" 'it begins with https://' ;;
  esac
}

is_loopback() {
  host=${1#http://}
  host=${host%%/*}
  case $host in
    *@*) return 1 ;;
    '[::1]' | '[::1]':*) return 0 ;;
  esac
  host=${host%%:*}
  case $host in
    localhost) return 0 ;;
    127.*[!0-9.]*) return 1 ;;
    127.*.*.*) return 0 ;;
    *) return 1 ;;
  esac
}

# fetch PATH FILE: tries up to three times, and fails for good otherwise.
fetch() {
  url=$base_url/$1
  attempt=1
  until fetch_once "$url" "$2"; do
    if [ "$again" = no ] || [ "$attempt" -ge 3 ]; then
      fail "$url cannot be downloaded: $why" "$hint"
    fi
    say "$url: $why; trying again"
    sleep "$attempt"
    attempt=$((attempt + 1))
  done
}

# fetch_once URL FILE: otherwise sets why, hint, and whether to try again.
fetch_once() {
  again=yes
  hint='see whether the address is right and this machine may reach it'
  if command -v curl >/dev/null 2>&1; then
    fetch_with_curl "$1" "$2"
  else
    fetch_with_wget "$1" "$2"
  fi
}

fetch_with_curl() {
  bar=-s
  # To a person, a large file shows how far it is.
  [ "$1" != "$base_url/$version/$name.tar.gz" ] || [ ! -t 2 ] || bar=--progress-bar
  status=0
  code=$(curl "$bar" -S -L --max-redirs 5 --proto "$protocols" --proto-redir "$protocols" \
    --noproxy 127.0.0.1,localhost,::1 --connect-timeout 20 --speed-limit 1 --speed-time 30 \
    -o "$2" -w '%{http_code}' "$1" </dev/null) || status=$?
  case $status:$code in
    0:200) return 0 ;;
    0:404)
      again=no
      why='there is no such file'
      hint='see whether that version was published, and for this architecture'
      ;;
    0:4??)
      again=no
      why="HTTP $code"
      ;;
    0:*) why="HTTP $code" ;;
    23:*)
      again=no
      why="it cannot be written into $work"
      hint='free some space there, or set TMPDIR to a folder on another disk'
      ;;
    *) why="curl ended with $status" ;;
  esac
  return 1
}

fetch_with_wget() {
  status=0
  wget -q -T 30 -O "$2" "$1" </dev/null || status=$?
  [ "$status" -ne 0 ] || return 0
  why="wget ended with $status"
  case $status in
    3)
      again=no
      why="it cannot be written into $work"
      hint='free some space there, or set TMPDIR to a folder on another disk'
      ;;
  esac
  return 1
}

find_version() {
  [ -z "$version" ] || return 0
  fetch latest "$work/latest"
  version=$(head -n 1 "$work/latest")
  is_version "$version" ||
    fail "$base_url/latest does not hold a version" 'name one with --version VERSION'
  latest=1
}

write_key() {
  if [ -n "$key_file" ]; then
    [ -r "$key_file" ] || fail "the key $key_file cannot be read" 'name the PEM file of a public key'
    cp "$key_file" "$work/key.pem"
    return 0
  fi
  [ -n "$RELEASE_KEY" ] ||
    fail 'this copy of install.sh knows no key that releases are signed with' \
      'take the published copy, or name the public key of your own releases with --key FILE'
  printf '%s\n' '-----BEGIN PUBLIC KEY-----' "$RELEASE_KEY" '-----END PUBLIC KEY-----' >"$work/key.pem"
}

verify_signature() {
  fetch "$version/SHA256SUMS" "$work/SHA256SUMS"
  fetch "$version/SHA256SUMS.sig" "$work/SHA256SUMS.sig"
  # 64 bytes, or base64 of them.
  if [ "$(wc -c <"$work/SHA256SUMS.sig")" -ne 64 ]; then
    openssl base64 -d -A -in "$work/SHA256SUMS.sig" -out "$work/signature" 2>/dev/null || :
  else
    cp "$work/SHA256SUMS.sig" "$work/signature"
  fi
  openssl pkeyutl -verify -pubin -inkey "$work/key.pem" -rawin \
    -in "$work/SHA256SUMS" -sigfile "$work/signature" >/dev/null 2>&1 ||
    fail "the signature of the release $version is wrong; nothing was installed" \
      'do not use it: whoever serves it has changed it, or it was signed with another key (--key FILE)'
}

# The whole line counts: a name that only contains this one is another file.
find_checksum() {
  expected=''
  found=0
  while read -r sum file rest; do
    if [ "${file#\*}" = "$name.tar.gz" ] && [ -z "$rest" ]; then
      expected=$sum
      found=$((found + 1))
    fi
  done <"$work/SHA256SUMS"
  [ "$found" -eq 1 ] ||
    fail "the release $version has no checksum for $name.tar.gz" \
      "see whether it was published for $machine"
}

download() {
  say "downloading $name.tar.gz"
  fetch "$version/$name.tar.gz" "$work/archive"
  actual=$(openssl dgst -sha256 -r "$work/archive")
  [ "${actual%% *}" = "$expected" ] ||
    fail "$name.tar.gz is not what was published: its checksum is wrong; nothing was installed" \
      'it was changed or cut short on the way: run this again, and tell whoever serves it if that is no help'
}

unpack() {
  # -o: the files are of whoever runs this, not of whoever has packed them.
  tar -xzof "$work/archive" -C "$work" 2>"$work/tar.log" ||
    fail "the archive cannot be unpacked into $work: $(head -n 1 "$work/tar.log")" \
      'free some space there, or set TMPDIR to a folder on another disk'
  rm -f "$work/archive"
  program=$work/$name/plexd
  said=$("$program" --version 2>"$work/version.log" </dev/null) || {
    [ $? -ne 126 ] ||
      fail "programs may not run in $work" 'it is mounted with noexec: set TMPDIR to another folder'
    fail "plexd does not run on this machine: $(head -n 1 "$work/version.log")" \
      'it needs glibc 2.27 or newer; from source it may run: see the README'
  }
  [ "$(printf '%s\n' "$said" | head -n 1)" = "plexd version $version" ] ||
    fail "the release $version holds another version: $(printf '%s\n' "$said" | head -n 1)" \
      'tell whoever publishes it; nothing was installed'
}

run_install() {
  set -- install --from "$work/$name"
  [ -z "$api" ] || set -- "$@" --api "$api"
  [ -z "$token_file" ] || set -- "$@" --token-file "$token_file"
  [ -z "$prefix" ] || set -- "$@" --prefix "$prefix"
  [ -z "$ready_timeout" ] || set -- "$@" --ready-timeout "$ready_timeout"
  [ -z "$no_start" ] || set -- "$@" --no-start
  [ -z "$dry_run" ] || set -- "$@" --dry-run
  # It is kept for upgrades, where the program does not know it itself.
  set -- "$@" --key "$work/key.pem"
  # Whoever names a version may want to go back to it.
  [ -n "$latest" ] || set -- "$@" --allow-older
  set -- "$@" --base-url "$base_url"
  if [ -n "$token" ]; then
    PLEXD_BOOTSTRAP_TOKEN=$token "$program" "$@" </dev/null
  else
    "$program" "$@" </dev/null
  fi
}

run_uninstall() {
  place=${prefix:-/usr/local}
  if [ ! -e "$place/lib/plexd/installed.json" ]; then
    [ ! -e "$place/bin/plexd" ] ||
      fail "$place/bin/plexd was not installed by this script" \
        'remove it the way it came; the Go agent has an uninstall of its own'
    say "plexd is not installed in $place: nothing to remove"
    return 0
  fi
  set -- uninstall
  [ -z "$prefix" ] || set -- "$@" --prefix "$prefix"
  [ -z "$purge" ] || set -- "$@" --purge
  [ -z "$dry_run" ] || set -- "$@" --dry-run
  "$place/bin/plexd" "$@" </dev/null
}

main() {
  parse "$@"
  check_usage
  # Kept from the programs that are run on the way.
  token=${PLEXD_BOOTSTRAP_TOKEN:-}
  unset PLEXD_BOOTSTRAP_TOKEN
  if [ -n "$uninstall" ]; then
    run_uninstall
    return
  fi
  latest=''
  find_architecture
  check_tools
  check_base_url
  work=$(umask 077 && mktemp -d "${TMPDIR:-/tmp}/plexd-install.XXXXXX") ||
    fail "no folder can be made in ${TMPDIR:-/tmp}" 'set TMPDIR to one that can be written'
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  write_key
  name=''
  find_version
  name=plexd-$version-linux-$arch
  verify_signature
  find_checksum
  download
  unpack
  run_install
}

# One command: the shell has read all of it before it runs any of it.
{
  main "$@"
  exit
}
