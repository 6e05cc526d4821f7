# SPDX-License-Identifier: Apache-2.0
# Exit statuses as README's table has them: 2 and nothing done for what a command line cannot mean,
# with what was found, what would do, and how to get help; 1 for input that is bad.
. "$TOP/tests/tap.sh"

spoor=$B/spoor
cd "$TMP" || exit 1
input=$TOP/tests/cases/alerts/input.json

# refused STATUS WORDS ARGUMENTS...: the words are in what is said
refused() {
	status=$1 words=$2
	shift 2
	"$spoor" "$@" >out 2>&1 </dev/null
	is "$?" "$status" "$*: exit status $status"
	grep -q -e "$words" out
	ok $? "$*: $words" || sed 's/^/# /' out
}

refused 2 "there is no command 'rnu'" rnu
refused 2 "unknown option '--rnig'" run --rnig 5
refused 2 "hint: kinds are: auto, fentry, kprobe, tracepoint, raw" run --hook foo
refused 2 "--hook foo: there is no such kind of hook" record --hook foo -o x
refused 2 "--hook foo: there is no such kind of hook" doctor --hook foo
refused 2 "--ring 5: expected 64K to 2G" run --ring 5
refused 2 "--ring 6G: expected 64K to 2G" record --ring 6G -o x
refused 2 "option --ring wants a number" run --ring x
refused 2 "Try 'spoor run --help'" run --hook foo
refused 2 "--enrichment bogus: there is no such enrichment" run -E bogus
refused 2 "--compat falco: only 'tracee' is known" run --compat falco
refused 2 "--compat falco: only 'tracee' is known" check --compat falco x
refused 2 "invalid event to trace: nosuch" run -e nosuch
refused 2 "invalid event to trace: nosuch" replay -e nosuch "$input"
refused 2 "scope bogus is not valid" run -s bogus=1
refused 2 "hint: did you mean 'json'" run -o jsno
refused 2 "there is no setting 'colour'" replay -o json,colour=1 "$input"
refused 2 "a path is missing" replay -o json: "$input"
refused 2 "--to jsno: there is no such format" convert --to jsno "$input"
refused 2 "there is no setting 'colour'" convert --to json --set colour=1 "$input"
refused 2 "there is no topic 'formst'" list formst
refused 2 "there is no such severity" alerts --severity loud

# Tracee's receivers are destinations: what to write, with its URL, is said.
refused 2 "destinations: \[{name: webhook, type: webhook, url: \"http://h/x\"}\]" run -o webhook:http://h/x
refused 2 "destinations: \[{name: forward, type: forward, url: URL}\]" replay -o forward: "$input"
refused 2 "destinations: \[{name: kafka, type: kafka, brokers: BROKERS}\]" replay -o kafka "$input"
refused 2 "and give it with --config" run -o webhook:

refused 1 "No such file or directory" run -d nowhere
refused 1 "No such file or directory" replay nowhere.json
refused 1 "there is no event or detector 'nosuch'" explain nosuch
refused 1 "expected an expression" eval 1+
echo '{{ .Name ' >half.tmpl
refused 1 "half.tmpl:1:" replay -o gotemplate=half.tmpl "$input"
refused 1 "half.tmpl:1:" convert --to template --set file=half.tmpl "$input"

# The same values in a configuration are bad input, found by check with their place.
echo 'hook: foo' >hook.yaml
refused 1 "hook.yaml:1:7: error: 'hook': there is no such kind of hook, found 'foo'" check hook.yaml
echo 'ring: 5' >ring.yaml
refused 1 "ring.yaml:1:7: error: 'ring': expected 64K to 2G, found '5'" check ring.yaml
refused 1 "ring.yaml:1:7: error" run -c ring.yaml
echo 'enrichment: [environment, bogus]' >enrichment.yaml
refused 1 "enrichment.yaml:1:27: error: 'enrichment': there is no such enrichment, found 'bogus'" \
	check enrichment.yaml
echo 'output: [jsno]' >output.yaml
refused 1 "output.yaml:1:10: error: 'output': there is no such format, found 'jsno'" check output.yaml
echo 'compat: falco' >compat.yaml
refused 1 "compat.yaml:1:9: error: 'compat': only 'tracee' is known, found 'falco'" check compat.yaml

is "$(ls | grep -v tap-)" "$(printf '%s\n' compat.yaml enrichment.yaml half.tmpl hook.yaml out output.yaml ring.yaml)" \
	"nothing was done"
done_testing
