# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"

# What it prints is the same for every database. On a busy machine a tick may be late for
# reasons that nobody can tell: the best of five counts.
check() {
  for attempt in 1 2 3 4 5; do
    expect_code 0 database "$@"
    expect last.out '^  Alice | 10$'
    expect last.out "^  Robert'); DROP TABLE accounts; -- | 0$"
    expect last.out '^refused: .*accounts'
    expect last.out '^  2 | 10$'
    expect last.out '^an endless query: given up$'
    expect last.out '^  the connection goes on$'
    expect last.out '^within a second: yes$'
    expect last.out '^disconnected$'
    if sed -n 's/^a query of .* \([0-9.]*\) ms (max)$/\1/p' "$folder/last.out" |
      awk '{ good = $1 < 5 } END { exit !good }'; then
      return
    fi
  done
  fail "$attempt times a tick came 5 ms late while a query ran"
}

expect_code 2 database --help
expect last.err '^usage: .*\[URL\]'

code=0
"$programs/database" >"$folder/probe.out" 2>"$folder/probe.err" || code=$?
if says probe.err 'built without SQLite'; then
  echo "no SQLite"
else
  check
  expect last.out '^connected to SQLite 3'
  check "$folder/accounts.db"
  expect_code 1 database /nowhere/accounts.db
  expect last.err "cannot open '/nowhere/accounts.db': unable to open database file"
fi

# A server of its own, on a socket in its folder. It refuses to be run by root.
bin=
for one in /usr/lib/postgresql/*/bin "$(dirname "$(command -v postgres || echo /none/x)")"; do
  [ ! -x "$one/postgres" ] || [ ! -x "$one/initdb" ] || bin=$one
done
expect_code 1 database 'postgresql:///none?host=/nowhere'
if says last.err 'built without PostgreSQL' || [ -z "$bin" ]; then
  echo "no PostgreSQL"
  exit 0
fi
expect last.err 'PostgreSQL: .*/nowhere'

as_owner=
if [ "$(id -u)" -eq 0 ]; then
  owner=postgres
  id "$owner" >/dev/null 2>&1 || owner=nobody
  as_owner="setpriv --reuid $owner --regid $(id -g "$owner") --clear-groups"
  chmod 755 "$folder"
  mkdir "$folder/postgres"
  chown "$owner" "$folder/postgres"
else
  mkdir "$folder/postgres"
fi
data=$folder/postgres/data
(cd / && $as_owner "$bin/initdb" -D "$data" -U tester -A trust -N -E UTF8 --locale C) \
  >"$folder/initdb.out" 2>&1 || fail "initdb"
(cd / && exec $as_owner timeout --foreground -k 5 120 "$bin/postgres" -D "$data" -F \
  -c listen_addresses= -c "unix_socket_directories=$folder/postgres") \
  >"$folder/postgres.out" 2>&1 &
running="$running $!"
eventually postgres.out 'ready to accept connections'

url="postgresql:///postgres?host=$folder/postgres&user=tester"
check "$url"
expect last.out '^connected to PostgreSQL [1-9]'
expect_code 1 database "postgresql:///none?host=$folder/postgres&user=tester"
expect last.err 'database "none" does not exist'
