# SPDX-License-Identifier: Apache-2.0
# The configuration file and the commands around it, as an operator uses them: replay with a
# configuration, look at the spool, test a destination, make every kind of mistake.
. "$TOP/tests/tap.sh"

spoor=$B/spoor
cd "$TMP" || exit 1
input=$TOP/tests/cases/alerts/input.json
rules=$TOP/tests/cases/rules

cat >good.yaml <<EOF
detectors: [$rules]
quiet: true
spool: {path: $TMP/state/spool.db, full: block}
output:
  destinations:
    - {name: all, type: file, format: json, path: $TMP/all.json}
    - name: high
      type: file
      format: {name: rfc5424, facility: auth}
      path: $TMP/high.log
      filters: {severity: critical}
  streams:
    - {name: s, destinations: [all], filters: {events: [case_*]}}
EOF

"$spoor" check good.yaml >out 2>&1
is "$? $(cat out)" "0 0 errors, 0 warnings in 1 file" "a right configuration"
"$spoor" replay -c good.yaml "$input" >out 2>err
is "$? $(cat out err | grep -v ' sent$')" "0 " "replay with it says nothing: it is quiet, and no table"
alerts=$("$spoor" replay -q -d "$rules" -o json "$input" | wc -l)
[ "$alerts" -gt 0 ] && [ "$(wc -l <all.json)" = "$alerts" ]
ok $? "every alert is in the file"
is "$(wc -l <high.log) $(grep -c case_chain high.log)" "1 1" "the filter keeps the others out"
is "$(stat -c %a state state/spool.db)" "700
600" "the spool is its owner's only"
"$spoor" alerts -c good.yaml --json >out
same out all.json "the history has what was delivered"
"$spoor" alerts -c good.yaml --severity critical --json >out
is "$(wc -l <out) $(grep -c case_chain out)" "1 1" "and can be asked by severity"
"$spoor" alerts -c good.yaml | head -n 1 | grep -q "^TIME .*SEVERITY .*ALERT .*PROCESS"
ok $? "as a table"
printf '%s\n' "$(sed 's,/opt/srv,/opt/\\u001b[31msrv,' "$input")" >escape.json
"$spoor" replay -c good.yaml escape.json 2>/dev/null
"$spoor" alerts -c good.yaml >out
! grep -q "$(printf '\033')" out
is "$? $(grep -c 'srv' out)" "0 $((2 * alerts))" "what a process calls itself cannot move the cursor"
"$spoor" spool list -c good.yaml | grep -q "^all  *0 "
ok $? "nothing waits"
"$spoor" output test all -c good.yaml >out
is "$? $(cut -d' ' -f 1,2 out | tr '\n' ' ')" "0 all: delivered high: delivered " "a test alert is delivered"
tail -n 1 all.json | grep -q '"name":"spoor_test"'
ok $? "and is in the file"

# ---- what Tracee's files say ----
echo '{{ .Name }} by {{ .Workload.Process.Thread.Name }}' >line.tmpl
cat >tracee.yaml <<EOF
detectors: [$rules]
quiet: true
spool: {path: $TMP/tracee.db}
output:
  destinations:
    - {name: now, type: file, format: "gotemplate=$TMP/line.tmpl"}
    - {name: kept, type: file, format: "gotemplate=$TMP/line.tmpl", path: $TMP/kept.txt}
    - {name: direct, format: {name: cef, header: rfc5424}, path: $TMP/direct.cef, durable: false}
EOF
"$spoor" replay -c tracee.yaml "$input" >now.txt 2>err
is "$? $(wc -l <now.txt)" "0 $alerts" "gotemplate=FILE is a destination's format"
same now.txt kept.txt "directly, and through the spool"
is "$(grep -c '^<[0-9]*>1 .* CEF:0' direct.cef)" "$alerts" "and a format's keys hold for a direct one"

"$spoor" check "$TOP/contrib/spoor.yaml" >out 2>&1
is "$? $(cat out)" "0 0 errors, 0 warnings in 1 file" "the example"

# ---- a file that is no spool stays what it is ----
echo 'my notes' >notes.txt
sed "s,path: $TMP/state/spool.db,path: $TMP/notes.txt," good.yaml >notes.yaml
"$spoor" replay -c notes.yaml "$input" >out 2>&1
is "$? $(cat notes.txt) $(ls -d notes.txt*)" "1 my notes notes.txt
notes.txt.lock" "somebody's file is left alone"
grep -q "cannot open the spool $TMP/notes.txt: it is no spool of this program" out &&
	grep -q 'hint: move the file away, or name another one' out
ok $? "and the mistake is named"
"$spoor" spool list --spool notes.txt >out 2>&1
is "$? $(grep -c 'notes.txt: it is no spool of this program' out)" "1 1" "by the commands as well"

# ---- a receiver that is away, then back ----
cat >away.yaml <<EOF
detectors: [$rules]
spool: {path: $TMP/away.db, drain_timeout: 1s}
output: {destinations: [{name: gone, type: syslog, url: "tcp://127.0.0.1:1"}]}
EOF
"$spoor" replay -c away.yaml "$input" >out 2>err
grep -q "output gone: 0 sent, $alerts wait in the spool; failing: " err
ok $? "what waits is told at the end"
"$spoor" spool list -c away.yaml --json | grep -q "\"waiting\": $alerts"
ok $? "and by the spool"
"$spoor" output test gone -c away.yaml >out 2>&1
is "$?" 1 "the test alert is not delivered"
grep -q "gone: not taken" out
ok $? "and why is said"
sed -i "s|type: syslog.*|type: file, format: json, path: $TMP/back.json}]}|" away.yaml
head -n 0 "$input" >empty.json
"$spoor" replay -c away.yaml empty.json >/dev/null 2>&1
is "$(wc -l <back.json)" "$alerts" "another transport of the same name goes on where it was"

# ---- secrets ----
cat >secret.yaml <<EOF
spool: {path: $TMP/secret.db}
output:
  destinations:
    - {name: hook, type: webhook, url: "https://127.0.0.1:1/", secret: {env: HOOK_SECRET}}
EOF
HOOK_SECRET=pssst-12345 "$spoor" check secret.yaml >out 2>&1
is "$?" 0 "a secret from the environment"
"$spoor" check secret.yaml >out 2>&1
is "$? $(grep -c 'HOOK_SECRET is not set' out)" "1 1" "that is not there"
sed -i 's/{env: HOOK_SECRET}/pssst-12345/' secret.yaml
"$spoor" check secret.yaml >out 2>&1
is "$? $(grep -c 'secret.yaml:4:.*a secret does not belong into this file' out)" "1 1" "written into the file"
! grep -q pssst out
ok $? "it is not shown"

# ---- mistakes: WHAT, then the line that must be said ----
mistake() {
	cat >bad.yaml
	"$spoor" check bad.yaml >out 2>&1
	status=$?
	grep -q -e "$2" out
	ok $? "$1"
	[ "$status" = 1 ] || echo "not ok $(tap_number) - $1: exit status $status"
	grep -q -e "$2" out || sed 's/^/# /' out
}
mistake "an unknown key" "bad.yaml:1:1: error: unknown key 'spol' in the configuration" <<'EOF'
spol: {path: x}
output: {}
EOF
mistake "an unknown key of a destination" "bad.yaml:1:.*unknown key 'pth' in destination of type file" <<'EOF'
output: {destinations: [{name: a, type: file, pth: x, path: y}]}
EOF
mistake "an unknown transport" "hint: did you mean 'webhook'" <<'EOF'
output: {destinations: [{name: a, type: webhok}]}
EOF
mistake "a list where a text belongs" "bad.yaml:1:.*'path' must be a text, found a list" <<'EOF'
output: {destinations: [{name: a, type: file, path: [x]}]}
EOF
mistake "a map where a type belongs" "bad.yaml:1:.*'type' must be a text, found a map" <<'EOF'
output: {destinations: [{name: a, type: {}, path: x}]}
EOF
mistake "a list where a format belongs" "bad.yaml:1:.*a format must be a name, found a list" <<'EOF'
output: {destinations: [{name: a, type: file, path: x, format: [json]}]}
EOF
mistake "an unknown key of a direct file's format" "bad.yaml:1:.*unknown key 'hedder' in format cef" <<'EOF'
output: {destinations: [{name: a, type: file, format: {name: cef, hedder: none}}]}
EOF
# limit KEY VALUE EXPECTED: a destination's key out of its range
limit() {
	mistake "$1: $2" "bad.yaml:1:[0-9]*: error: '$1' must be from $3, found '$2'" <<EOF
output: {destinations: [{name: a, type: file, path: x, $1: $2}]}
EOF
}
limit send_timeout 0s "10ms to 1h"
limit send_timeout 61m "10ms to 1h"
limit retry_min 0ms "10ms to 1h"
grep -q "hint: first waiting time after a failure; default 500ms" out
ok $? "with what the key means, and its default"
limit retry_max 0s "10ms to 1d"
limit retry_max 106751991167d "10ms to 1d"
limit batch_records 0 "1 to 10000"
limit batch_records 99999999999999999999 "1 to 10000"
limit batch_bytes 1 "1K to 32M"
limit give_up_after 1001 "0 to 1000"
limit rate 1000001 "0 to 1000000"
limit burst 0 "1 to 1000000"
mistake "the longest wait is shorter than the first" \
	"bad.yaml:1:70: error: 'retry_max' (1s) is shorter than 'retry_min' (1m)" <<'EOF'
output: {destinations: [{name: a, path: x, retry_min: 1m, retry_max: 1s}]}
EOF
mistake "the first is longer than the default of the longest" \
	"hint: waiting times double from retry_min (default 500ms) up to retry_max (default 60s)" <<'EOF'
output: {destinations: [{name: a, path: x, retry_min: 2m}]}
EOF
mistake "a spool that keeps nothing" "bad.yaml:1:.*'max_age' must be from 1s to 36500d, found '0s'" <<'EOF'
spool: {path: x, max_age: 0s}
EOF
mistake "a spool that is hardly ever written" "'commit_interval' must be from 0ms to 1m, found '2h'" <<'EOF'
spool: {path: x, commit_interval: 2h}
EOF
mistake "an end that does not come" "'drain_timeout' must be from 0s to 1h, found '1d'" <<'EOF'
spool: {path: x, drain_timeout: 1d}
EOF
mistake "less than a spool" "'max_bytes' must be from 1M to 4194304T, found '1K'" <<'EOF'
spool: {path: x, max_bytes: 1K}
EOF
mistake "a window of no time" "bad.yaml:1:.*'window' must be from 1ms to 365d, found '0s'" <<'EOF'
suppress: [{window: 0s}]
EOF
mistake "no alert at all" "bad.yaml:1:.*'limit' must be from 1 to 1000000, found '0'" <<'EOF'
suppress: [{limit: 0}]
EOF
mistake "a transport's time" "bad.yaml:1:.*'connect_timeout' must be from 0ms to 36500d, found '99999999d'" <<'EOF'
output: {destinations: [{name: a, type: syslog, url: "tcp://h:1", connect_timeout: 99999999d}]}
EOF
mistake "an unknown format" "there is no format 'jsn'" <<'EOF'
output: {destinations: [{name: a, type: file, path: x, format: jsn}]}
EOF
mistake "maps in a list of texts" "bad.yaml:1:36: error: 'key' must be a list of strings, found a map in it" <<'EOF'
suppress: [{key: [process, {a: b}, {c: d}], window: 60s}]
EOF
cat >several.yaml <<'EOF'
output:
  destinations:
    - {name: a, type: sylog, url: tcp://h:1}
    - {name: b, type: syslog, url: "http://h:1"}
    - {name: c, type: elasticsearch, url: "https://h:9200", index: Alerts}
EOF
"$spoor" check several.yaml >out 2>&1
is "$? $(grep -c '^several.yaml:[345]:.*error: ' out)" "1 3" "every destination's mistakes are told at once"
mistake "a key the transport needs" "needs the key 'url'" <<'EOF'
output: {destinations: [{name: a, type: syslog}]}
EOF
mistake "a size that is none" "bad.yaml:1:20: error: expected a number of bytes, such as 512K, 16M or 1G, found '1 GB'" <<'EOF'
spool: {max_bytes: 1 GB}
EOF
mistake "a duration that is none" "expected a time, such as 500ms" <<'EOF'
spool: {max_age: 7}
EOF
mistake "a policy that is none" "'drop' is none of: block drop-newest drop-oldest drop-severity" <<'EOF'
spool: {full: drop}
EOF
mistake "two of one name" "there are two destinations called 'a'" <<'EOF'
output:
  destinations:
    - {name: a, type: file, path: x}
    - {name: a, type: file, path: y}
EOF
mistake "a stream to nowhere" "no destination with a spool is called 'b'" <<'EOF'
output:
  destinations: [{name: a, type: file, path: x}]
  streams: [{name: s, destinations: [b]}]
EOF
mistake "a setting of the command line" "'ring' must be a number, such as 64 or 16M, found 'big'" <<'EOF'
ring: big
EOF
mistake "a suppression key" "'proces' is none of: process pid user container" <<'EOF'
suppress: [{key: [proces]}]
EOF
mistake "an address without a port" "'localhost' has no port" <<'EOF'
server: {http-address: localhost, metrics: true}
EOF
"$spoor" replay -c nowhere.yaml "$input" >out 2>&1
is "$?" 1 "a file that is not there"

# ---- Tracee's file ----
cat >tracee.yaml <<'EOF'
buffers: {kernel: {events: 1024}}
enrichment: {environment: true, container: {enabled: true}}
output:
  destinations:
    - {name: console, type: file, format: json, path: stdout}
EOF
"$spoor" check tracee.yaml >out 2>&1
is "$?" 0 "Tracee's file is taken"
grep -q "warning: 'buffers' has no effect here" out
ok $? "what has no effect is said"
"$spoor" replay -c tracee.yaml -d "$rules" "$input" 2>/dev/null >out
is "$(wc -l <out)" "$alerts" "standard output is written directly"

done_testing
