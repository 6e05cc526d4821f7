# SPDX-License-Identifier: Apache-2.0
# What was suppressed is told when its window is over, whether alerts or just events follow.
. "$TOP/tests/tap.sh"

cd "$TMP" || exit 1
cat >seven.yaml <<'EOS'
type: detector
id: T
produced_event: {name: seven, version: 1.0.0}
requirements: {events: [{name: msgget, data_filters: [key=7]}]}
threat: {severity: high, name: a key, description: It is seven.}
auto_populate: {threat: true}
EOS
echo 'suppress: [{key: [user], window: 10s, limit: 1}]' >spoor.yaml

# SECOND KEY
call() {
	echo '{"timestamp":"2026-08-03T10:01:'"$1"'Z","name":"msgget","data":[{"name":"key","int32":'"$2"'}]}'
}

# The names of what is printed, in order.
names() {
	"$B/spoor" replay -c spoor.yaml -d seven.yaml -e msgget,seven -o json - 2>err |
		sed 's/.*"name":"\([a-z_]*\)","policies".*/\1/' | tr '\n' ' '
}

is "$({ call 00 7 && call 01 7 && call 02 7 && call 30 8; } | names)" \
	"msgget seven msgget msgget alerts_suppressed msgget " "before an event that follows"
is "$(tail -n 1 err)" "spoor: 4 events seen, 0 lost, 1 alerts, 5 events printed, 2 suppressed" \
	"and counted"
is "$({ call 00 7 && call 01 7 && call 30 7; } | names)" \
	"msgget seven msgget alerts_suppressed msgget seven " "before an alert that follows"
is "$({ call 00 7 && call 01 7 && call 05 8; } | names)" \
	"msgget seven msgget msgget alerts_suppressed " "at the end, in a window that is open"
done_testing
