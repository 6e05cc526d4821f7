# SPDX-License-Identifier: Apache-2.0
# spoor eval: results as JSON, mistakes with their place, exit statuses.
. "$TOP/tests/tap.sh"

result() {
	is "$("$B/spoor" eval "$@" 2>&1)" "$want" "$*"
}

want='[2,3]' && result '[1, 2, 3].filter(x, x > 1)'
want='{"type":"uint","value":3}' && result --json '1u + 2u'
want='512' && result 'math.bitAnd(IPC_CREAT, 0xfff)'
want='"s!"' && result --bindings '{"x": {"a": [1, 2.5, "s"]}}' 'x.a[2] + "!"'

want='-2' && result '-5 % 3'
want='-2' && result '-(5 % 3)'
want='-1' && result --bindings '{"x": 1}' -- '-x'
want='null' && result 'process.get(1u)'

recording=$TOP/tests/cases/alerts/input.json
want='true' && result --event "$recording" 'event.name != "" && workload.process.pid > 0'

mistake() {
	"$B/spoor" eval "$@" >"$TMP/out" 2>"$TMP/err"
	is "$?" "$status" "$* ends in $status"
	grep -q -e "$says" "$TMP/err"
	ok $? "$* says $says"
	[ ! -s "$TMP/out" ]
	ok $? "$* prints nothing else"
}

status=1 says='<expression>:1:5: error: found string + int' && mistake '"a" + 1'
status=1 says="did you mean 'startsWith'" && mistake '"a".statsWith("b")'
status=1 says='division by zero' && mistake '1 / 0'
status=1 says='there is no event' && mistake 'getEventData("key")'
status=1 says='has no field' && mistake --event "$recording" 'getEventData("nope")'
status=1 says='--bindings:1' && mistake --bindings '{' '1'
status=2 says='expected one expression' && mistake
status=2 says="unknown option '-x + (1)'" && mistake '-x + (1)'
status=2 says="hint: an operand that begins with '-' goes behind --" && mistake '-x + (1)'
status=2 says="takes no value (an operand that begins with '-' goes behind --)" && mistake '-i + 1'
status=1 says='found int == uint' && mistake --compat tracee '1 == 1u'
status=1 says='found int == uint' && mistake --compat tracee --event "$recording" '1 == 1u'
done_testing
