# What the *.test.sh of this folder share; they source it with the folder of the programs
# as their argument. Nothing is left running or lying about, and everything has a time
# limit.
#
# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

set -eu
programs=$1
folder=$(mktemp -d)
running=

clean_up() {
  for process in $running; do
    kill -CONT "$process" 2>/dev/null || :
    kill -TERM "$process" 2>/dev/null || :
  done
  rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

fail() {
  echo "FAILED: $*"
  for file in "$folder"/*.out "$folder"/*.err; do
    if [ -f "$file" ]; then
      echo "--- ${file##*/}:"
      tail -n 20 "$file"
    fi
  done
  exit 1
}

# Before a program that must end within a minute. (No function: in the background that
# would be a shell, which signals do not get through.)
limited="timeout --foreground -k 5 60"

# expect_code CODE PROGRAM [ARGS...] leaves its output in last.out and last.err.
expect_code() {
  expected=$1
  program=$2
  shift 2
  code=0
  $limited "$programs/$program" "$@" >"$folder/last.out" 2>"$folder/last.err" || code=$?
  [ "$code" -eq "$expected" ] || fail "$program $*: ended with $code, not $expected"
}

# says FILE PATTERN: whether a line of the file is like that.
says() {
  grep -q -- "$2" "$folder/$1" 2>/dev/null
}

expect() {
  says "$@" || fail "$1 does not have: $2"
}

# The same, within ten seconds.
eventually() {
  tries=0
  until says "$@"; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || fail "$1 never had: $2"
    sleep 0.05
  done
}

# start_server PROGRAM: on a free port; sets $server and $port.
start_server() {
  rm -f "$folder/server.out"
  $limited "$programs/$1" 127.0.0.1 0 >"$folder/server.out" 2>"$folder/server.err" &
  server=$!
  running="$running $server"
  eventually server.out '^Serving on 127\.0\.0\.1:[1-9]'
  port=$(sed -n 's/^Serving on .*://p' "$folder/server.out")
}

# A program behind `timeout` may speak before that has come to wait for it; a signal would
# until then end `timeout` alone.
until_it_waits() {
  while [ -r "/proc/$1/stat" ] && [ "$(cut -d ' ' -f 3 "/proc/$1/stat")" = R ]; do
    sleep 0.01
  done
}

# stop_server SIGNAL: the exit code must be 0, and nothing on stderr.
stop_server() {
  until_it_waits "$server"
  kill "-$1" "$server"
  code=0
  wait "$server" || code=$?
  [ "$code" -eq 0 ] || fail "the server ended with $code after SIG$1"
  [ ! -s "$folder/server.err" ] || fail "the server wrote to stderr"
}

# What every server must do.
check_command_line() {
  expect_code 2 "$1" 127.0.0.1 65536
  expect last.err '^usage: .*\[HOST\] \[PORT\]'
  expect_code 2 "$1" 127.0.0.1 port
  expect_code 2 "$1" 127.0.0.1 0 more
  expect_code 2 "$1" --no-such-option
  expect_code 1 "$1" 127.0.0.1 "$port"
  expect last.err "cannot bind to 127\.0\.0\.1:$port: Address already in use"
}
