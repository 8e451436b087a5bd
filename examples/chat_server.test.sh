# Three clients that talk, one that is killed, one that stops to read.
#
# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"

# enter NAME: starts a client whose keyboard is the pipe NAME.in; sets $client.
# Not below timeout, so that a signal reaches it and nothing else.
enter() {
  mkfifo "$folder/$1.in"
  "$programs/chat_client" 127.0.0.1 "$port" \
    <"$folder/$1.in" >"$folder/$1.out" 2>"$folder/$1.err" 3>&- 4>&- 5>&- 6>&- &
  client=$!
  running="$running $client"
}

start_server chat_server
check_command_line chat_server

enter alice
alice=$client
exec 3>"$folder/alice.in"
enter bob
bob=$client
exec 4>"$folder/bob.in"
enter carol
carol=$client
exec 5>"$folder/carol.in"
for name in alice bob carol; do
  eventually $name.out '^Welcome! What is your name?'
done

# Who has not given a name yet hears the others as well.
echo alice >&3
eventually bob.out '^\* alice has joined$'
echo bob >&4
eventually alice.out '^\* bob has joined$'
echo carol >&5
eventually alice.out '^\* carol has joined$'

echo "hello, everybody" >&3
eventually bob.out '^alice: hello, everybody$'
eventually carol.out '^alice: hello, everybody$'
echo "hello, alice" >&4
eventually alice.out '^bob: hello, alice$'
if says alice.out 'everybody'; then fail "alice heard herself"; fi

# One that vanishes does not disturb the rest.
kill -KILL "$carol"
wait "$carol" || :
eventually alice.out '^\* carol has left$'
eventually bob.out '^\* carol has left$'
echo "where is carol?" >&4
eventually alice.out '^bob: where is carol?$'

# Nor does one that does not read: it is dropped when too much waits for it. How much
# that is depends on the kernel, too. Those who read miss nothing.
enter dave
dave=$client
exec 6>"$folder/dave.in"
echo dave >&6
eventually alice.out '^\* dave has joined$'
kill -STOP "$dave"
batches=0
until says alice.out '^\* dave has left$'; do
  batches=$((batches + 1))
  [ "$batches" -le 200 ] || fail "dave may stay though he does not read"
  yes "$(printf '%01000d' 0)" | head -n 1000 >&3
  echo "batch $batches" >&3
  eventually bob.out "^alice: batch $batches\$"
done
[ "$(grep -c '^alice: 0*$' "$folder/bob.out")" -eq $((batches * 1000)) ] ||
  fail "bob missed something"
kill -KILL "$dave"

# The end of alice's input is her goodbye.
exec 3>&-
wait "$alice" || fail "alice ended with $?"
eventually bob.out '^\* alice has left$'

# The end of the server, with bob still there.
stop_server INT
wait "$bob" || fail "bob ended with $?"
expect bob.err '^The server has closed the connection\.$'

start_server chat_server
stop_server TERM
