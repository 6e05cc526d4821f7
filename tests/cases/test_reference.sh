# SPDX-License-Identifier: Apache-2.0
# What the program says of itself: list, explain, trigger --list; and what it says to wrong names.
. "$TOP/tests/tap.sh"

spoor=$B/spoor
out=$TMP/out
err=$TMP/err

# says STATUS PATTERN NAME ARGUMENT...: exit status, and a line of either output that matches
says() {
	status=$1 pattern=$2 name=$3
	shift 3
	"$spoor" "$@" >"$out" 2>"$err" </dev/null
	is $? "$status" "$name: exit status"
	cat "$out" "$err" | grep -q -e "$pattern"
	ok $? "$name: says '$pattern'"
}

says 2 'topics: constants, detectors, events' 'list without a topic' list
says 2 "did you mean 'events'" 'list of a misspelt topic' list evnets
says 2 "found 'x'" 'list with too many operands' list formats x
says 1 "did you mean 'ipc_shm'" 'list of a misspelt set' list events ipc_shn
says 1 'No such file' 'list of rules that are not there' list detectors -d "$TMP/none"
says 2 'name an event' 'explain without a name' explain
says 1 "did you mean 'msgget'" 'explain of a misspelt event' explain msgegt
says 1 "did you mean 'ipc_low_map'" 'explain of a misspelt detector' explain ipc_lowmap
says 2 'formats are text and markdown' 'explain in no known format' explain --format html msgget
says 2 'name a trigger' 'trigger without a name' trigger
says 1 "did you mean 'ipc_low_map'" 'trigger of a misspelt name' trigger ipc_lowmap

for topic in constants detectors events formats functions outputs policies; do
	says 0 '^NAME ' "list $topic" list $topic
	says 0 '"name": ' "list $topic as JSON" list $topic --json
done
"$spoor" list events >"$out"
! grep -q _existing "$out"
ok $? 'internal events are not listed'
says 0 '^process_existing ' 'internal events are listed when asked for' list events internal

# Every event and every detector has its page, in each form; of the events that are only known,
# one of each letter: their pages are made alike.
for topic in events detectors; do
	"$spoor" list $topic | awk -v topic="$topic" '
		NR > 1 && (topic != "events" || $3 == "live" || !seen[substr($1, 1, 1)]++) { print $1 }
	' >"$TMP/names"
	[ -s "$TMP/names" ]
	ok $? "there are $topic"
	while read -r name; do
		"$spoor" explain "$name" | head -n 1 | grep -q "^$name\( - \|$\)" || echo "$name"
		"$spoor" explain --format markdown "$name" | head -n 1 | grep -qx "# $name" || echo "$name"
		"$spoor" explain --json "$name" | grep -q "\"name\": \"$name\"" || echo "$name"
	done <"$TMP/names" >"$TMP/without"
	is "$(cat "$TMP/without")" '' "$topic: every one has a page"
done

# An identifier names a detector too; several pages at once; no terminal, no attributes.
"$spoor" explain IPC-12 msgget shmget >"$out"
is $? 0 'three pages'
is "$(grep -c '^[a-z_]* - ' "$out")" 3 'three titles'
! grep -q "$(printf '\033')" "$out"
ok $? 'no attributes without a terminal'

# Built-in detectors that work live and triggers are the same names; building blocks have none.
"$spoor" list detectors | awk '
	/ (info|low|medium|high|critical) / && ($3 == "live" || $3 == "partly") { print $1 }
' >"$TMP/detectors"
"$spoor" trigger --list | awk '{ print $1 }' >"$TMP/triggers"
same "$TMP/triggers" "$TMP/detectors" 'a trigger for each built-in detector that works live'

for command in $("$spoor" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
	"$spoor" "$command" --help >"$out"
	is "$(awk 'length > 100 || / $/' "$out")" '' "$command --help: lines of 100 columns, no blanks behind"
	grep -q '^Examples\{0,1\}:' "$out"
	ok $? "$command --help: has an example"
done

done_testing
