# SPDX-License-Identifier: Apache-2.0
# tests/run itself: what counts as passed, failed and skipped, and that nothing that goes wrong in a
# test program is taken for success.
. "$TOP/tests/tap.sh"

# verdict NAME STATUS LAST-LINE: the program is on standard input
verdict() {
	cat >"$TMP/program.sh"
	B=$TMP TEST_TIMEOUT=2 "$TOP/tests/run" "$TMP/program.sh" >"$TMP/out" 2>&1
	is "$? $(tail -n 1 "$TMP/out")" "$2 $3" "$1"
}

verdict "passed tests" 0 "2 passed, 0 failed, 0 skipped" <<'EOS'
printf '1..2\nok 1 - a\nok 2 - b\n'
EOS
verdict "several plans add up" 0 "2 passed, 0 failed, 0 skipped" <<'EOS'
printf '1..1\nok 1 - a\n1..1\nok 1 - b\n'
EOS
verdict "a failed test" 1 "1 passed, 1 failed, 0 skipped" <<'EOS'
printf 'ok 1 - a\nnot ok 2 - b\n1..2\n'
EOS
verdict "a skipped test" 0 "1 passed, 0 failed, 1 skipped" <<'EOS'
printf '1..2\nok 1 - a\nok 2 - b # SKIP no such thing here\n'
EOS
grep -q 'skipped:.*no such thing here' "$TMP/out"
ok $? "the reason of a skip is shown"
verdict "cmocka's way to skip" 0 "0 passed, 0 failed, 1 skipped" <<'EOS'
printf '1..1\nnot ok 1 # SKIP test_name\n'
EOS
verdict "everything skipped" 0 "0 passed, 0 failed, 1 skipped" <<'EOS'
echo '1..0 # SKIP not today'
EOS
verdict "less than planned" 1 "1 passed, 1 failed, 0 skipped" <<'EOS'
printf '1..2\nok 1 - a\n'
EOS
verdict "a crash after the last test" 1 "1 passed, 1 failed, 0 skipped" <<'EOS'
printf '1..1\nok 1 - a\n'
kill -SEGV $$
EOS
verdict "a bad exit status without a failed test" 1 "1 passed, 1 failed, 0 skipped" <<'EOS'
printf '1..1\nok 1 - a\n'
exit 1
EOS
verdict "no output" 1 "0 passed, 1 failed, 0 skipped" <<'EOS'
:
EOS
verdict "an empty plan without a reason" 1 "0 passed, 1 failed, 0 skipped" <<'EOS'
echo 1..0
EOS
verdict "a program that hangs" 1 "0 passed, 1 failed, 0 skipped" <<'EOS'
echo 1..1
sleep 20
EOS
grep -q 'stopped after 2 s' "$TMP/out"
ok $? "and that is said"
verdict "a sum instead of TAP" 0 "3 passed, 0 failed, 1 skipped" <<'EOS'
echo '3 passed, 0 failed, 1 skipped'
EOS
verdict "a sum with failures" 1 "3 passed, 2 failed, 0 skipped" <<'EOS'
echo '3 passed, 2 failed, 0 skipped'
exit 1
EOS
verdict "an empty sum" 1 "0 passed, 1 failed, 0 skipped" <<'EOS'
echo '0 passed, 0 failed, 0 skipped'
EOS
verdict "a sum that a crash contradicts" 1 "3 passed, 1 failed, 0 skipped" <<'EOS'
echo '3 passed, 0 failed, 0 skipped'
exit 1
EOS
B=$TMP "$TOP/tests/run" "$TMP/missing" >"$TMP/out" 2>&1
is "$? $(tail -n 1 "$TMP/out")" "1 0 passed, 1 failed, 0 skipped" "a program that is not there"

done_testing
