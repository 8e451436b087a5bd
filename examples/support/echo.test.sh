# check_echo_server PROGRAM: several clients at once, and how it ends. Sourced.
#
# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh
# shellcheck disable=SC2154  # the variables are those of test.sh

# expect_echo FILE WORD...: what an echo_client that was sent the words has printed.
expect_echo() {
  file=$1
  shift
  for word; do
    printf "Send: '%s'\nReceived: '%s'\n" "$word" "$word"
  done >"$folder/expected"
  echo "Close the connection" >>"$folder/expected"
  cmp -s "$folder/expected" "$folder/$file" || fail "$file is not what was expected"
}

check_echo_server() {
  start_server "$1"
  check_command_line "$1"

  $limited "$programs/echo_client" 127.0.0.1 "$port" >"$folder/default.out"
  expect_echo default.out 'Hello World!'

  clients=
  for i in 1 2 3 4 5 6 7 8; do
    $limited "$programs/echo_client" 127.0.0.1 "$port" "a$i" "b$i" "$(printf 'two\nlines')" "c$i" \
      >"$folder/$i.out" &
    clients="$clients $!"
  done
  for client in $clients; do
    wait "$client" || fail "an echo_client failed"
  done
  for i in 1 2 3 4 5 6 7 8; do
    expect_echo "$i.out" "a$i" "b$i" "$(printf 'two\nlines')" "c$i"
  done

  # With a client connected that says nothing, and stays.
  mkfifo "$folder/silence"
  $limited "$programs/chat_client" 127.0.0.1 "$port" <"$folder/silence" >"$folder/silent.out" 2>&1 &
  silent=$!
  running="$running $silent"
  exec 3>"$folder/silence"
  echo "I am here" >&3
  eventually silent.out 'I am here'
  stop_server INT
  wait "$silent" || fail "the client that was connected failed"
  exec 3>&-

  start_server "$1"
  stop_server TERM
}
