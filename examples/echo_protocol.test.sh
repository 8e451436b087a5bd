# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"
# shellcheck source=support/echo.test.sh
. "$here/support/echo.test.sh"

check_echo_server echo_protocol
