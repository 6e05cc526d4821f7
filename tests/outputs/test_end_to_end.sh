# SPDX-License-Identifier: Apache-2.0
# From a recording to receivers: spoor replay with a configuration, through the spool, to rsyslog by
# TCP, mutual TLS and RELP, nginx with a client certificate, a file, and nginx in the place of the
# HTTP receivers that nobody packages; while they are there, and when they come back; and
# `spoor output test`.
. "$TOP/tests/outputs/outputs.sh"
receivers

set -- $("$B/tests/outputs/ports" 5)
tcp=$1 tls=$2 relp=$3 https=$4 http=$5
alerts=300
ca ca
certificate ca server logs.example.org
certificate ca client sensor-1

cat >"$TMP/rsyslog.conf" <<CONF
global(workDirectory="$TMP" net.enableDNS="off" maxMessageSize="256k"
  defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="$TMP/ca.pem"
  defaultNetstreamDriverCertFile="$TMP/server.pem" defaultNetstreamDriverKeyFile="$TMP/server.key")
module(load="imptcp") module(load="imrelp")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1"
  streamDriver.authMode="x509/name" permittedPeer=["sensor-1"])
template(name="line" type="string" string="%msgid% %structured-data%\n")
ruleset(name="tcp") { action(type="omfile" file="$TMP/tcp.out" template="line") }
ruleset(name="tls") { action(type="omfile" file="$TMP/tls.out" template="line") }
ruleset(name="relp") { action(type="omfile" file="$TMP/relp.out" template="line") }
input(type="imptcp" address="127.0.0.1" port="$tcp" ruleset="tcp")
input(type="imtcp" address="127.0.0.1" port="$tls" ruleset="tls")
input(type="imrelp" address="127.0.0.1" port="$relp" ruleset="relp")
CONF
bad=$(printf 'bad \377\376 record') # no UTF-8
nginx_configure <<CONF
  server {
    listen 127.0.0.1:$https ssl http2;
    ssl_certificate $TMP/server.pem; ssl_certificate_key $TMP/server.key;
    ssl_client_certificate $TMP/ca.pem; ssl_verify_client on;
    location = /hook { access_log $TMP/hook.out body; proxy_pass http://127.0.0.1:$http/sink; }
  }
  server {
    listen 127.0.0.1:$http;
    location = /sink { return 200; }
    location = /grumpy { return 422 '$bad'; }
    location = /sink/elasticsearch { return 200 '{"errors":false}'; }
    location = /sink/splunk-hec { return 200 '{"text":"Success","code":0}'; }
    location = /sink/loki { return 204; }
    location = /sink/otlp { return 200 '{}'; }
    location = /sink/datadog { return 202; }
    location = /sink/gelf-http { return 202; }
    location = /logs-spoor.alerts-default/_bulk { access_log $TMP/elasticsearch.out body;
      proxy_pass http://127.0.0.1:$http/sink/elasticsearch; }
    location = /services/collector/event { access_log $TMP/splunk-hec.out body;
      proxy_pass http://127.0.0.1:$http/sink/splunk-hec; }
    location = /loki/api/v1/push { access_log $TMP/loki.out body;
      proxy_pass http://127.0.0.1:$http/sink/loki; }
    location = /v1/logs { access_log $TMP/otlp.out body;
      proxy_pass http://127.0.0.1:$http/sink/otlp; }
    location = /api/v2/logs { access_log $TMP/datadog.out body;
      proxy_pass http://127.0.0.1:$http/sink/datadog; }
    location = /gelf { access_log $TMP/gelf-http.out body;
      proxy_pass http://127.0.0.1:$http/sink/gelf-http; }
  }
CONF
cat >"$TMP/spoor.yaml" <<CONF
output:
  destinations:
    - { name: tcp, type: syslog, url: "tcp://127.0.0.1:$tcp", retry_max: 500ms }
    - name: tls
      type: syslog
      url: tls://127.0.0.1:$tls
      server_name: logs.example.org
      ca_file: $TMP/ca.pem
      certificate_file: $TMP/client.pem
      key_file: $TMP/client.key
      retry_max: 500ms
    - { name: relp, type: relp, url: "tcp://127.0.0.1:$relp", retry_max: 500ms }
    - name: hook
      type: webhook
      url: https://127.0.0.1:$https/hook
      ca_file: $TMP/ca.pem
      certificate_file: $TMP/client.pem
      key_file: $TMP/client.key
      secret: { env: HOOK_SECRET }
      retry_max: 500ms
    - { name: file, type: file, path: $TMP/file.out, format: json }
spool:
  path: $TMP/spool.db
  drain_timeout: 30s
CONF
# Those that nobody packages, in the formats that are theirs: nginx keeps what it is sent.
others='elasticsearch splunk-hec loki otlp datadog gelf-http'
for other in $others; do
	cat <<CONF
    - { name: $other, type: $other, url: "http://127.0.0.1:$http", compression: none }
CONF
done >"$TMP/others"
sed "/- { name: file,/r $TMP/others" "$TMP/spoor.yaml" >"$TMP/all.yaml"
mv "$TMP/all.yaml" "$TMP/spoor.yaml"
HOOK_SECRET=whsec_c2VjcmV0
export HOOK_SECRET

start_receivers() {
	rm -f "$TMP/rsyslog.pid"
	start rsyslog "$tree/usr/sbin/rsyslogd" -n -f "$TMP/rsyslog.conf" -i "$TMP/rsyslog.pid" \
		-M "$(echo "$tree"/usr/lib/*-linux-gnu/rsyslog)"
	rsyslog=$pid
	nginx_start
	nginx=$pid
	until_true 10 listening $tcp $tls $relp $https $http
}

# alert_ids FILE: the distinct ids of alerts in it
alert_ids() {
	grep -o '[0-9a-f]\{8\}-[0-9a-f]\{4\}-7[0-9a-f]\{3\}-[0-9a-f]\{4\}-[0-9a-f]\{12\}' "$1" |
		sort -u
}

same_ids() {
	alert_ids "$1" >"$TMP/found"
	alert_ids "$TMP/file.out" | cmp -s - "$TMP/found"
}

# everywhere WHEN: each receiver has what the file has
everywhere() {
	is "$(alert_ids "$TMP/file.out" | wc -l)" "$2" "$1: the file has them"
	for receiver in tcp tls relp hook $others; do
		until_true 20 same_ids "$TMP/$receiver.out"
		ok $? "$1: $receiver has the same alerts"
	done
}

# recordings HOUR: the same recording of two alerts, again and again at a time of its own, so that
# each alert has an id of its own
recordings() {
	for n in $(seq $((alerts / 2))); do
		time=$(printf '%s:%02d:%02d' "$1" $((n / 60)) $((n % 60)))
		sed "s/\"timestamp\":\"2026-02-01T08:00:0[01]Z\"/\"timestamp\":\"2026-02-01T${time}Z\"/" \
			"$TOP/tests/cases/alerts/input.json"
	done
}
recordings 09 >"$TMP/first.json"
recordings 10 >"$TMP/second.json"
replay() {
	"$B/spoor" replay -d "$TOP/tests/cases/rules" --config "$TMP/spoor.yaml" "$1" >"$TMP/replay.log" 2>&1
}

start_receivers || missing "a receiver does not start"
"$B/spoor" check "$TMP/spoor.yaml" >"$TMP/check.log" 2>&1
ok $? "the configuration is right" || cat "$TMP/check.log"
replay "$TMP/first.json"
is "$? $(grep -c ": $alerts sent" "$TMP/replay.log")" "0 11" "all outputs have sent all"
everywhere "receivers there" $alerts

# ---- away, and back -----------------------------------------------------------------------

stop $rsyslog TERM
stop $nginx TERM
sed 's/drain_timeout: 30s/drain_timeout: 1s/' "$TMP/spoor.yaml" >"$TMP/short.yaml"
"$B/spoor" replay -d "$TOP/tests/cases/rules" --config "$TMP/short.yaml" "$TMP/second.json" >"$TMP/replay.log" 2>&1
is "$(grep -c "wait in the spool; failing" "$TMP/replay.log")" 10 "away: the others wait"
grep -q secret "$TMP/replay.log" || grep -q c2VjcmV0 "$TMP/replay.log"
is $? 1 "no secret in what is said"
start_receivers
: >"$TMP/empty.json"
replay "$TMP/empty.json"
everywhere "back again" $((2 * alerts))

# ---- spoor output test -------------------------------------------------------------------------

"$B/spoor" output test all --config "$TMP/spoor.yaml" >"$TMP/test.log" 2>&1
ok $? "output test: every receiver takes it" || cat "$TMP/test.log"
until_true 10 grep -q spoor_test "$TMP/tls.out"
grep -q spoor_test "$TMP/tls.out" && grep -q spoor_test "$TMP/hook.out"
ok $? "output test: and has it"
stop $rsyslog TERM
"$B/spoor" output test relp --config "$TMP/spoor.yaml" >"$TMP/test.log" 2>&1
is "$? $(grep -c 'Connection refused' "$TMP/test.log")" "1 1" "output test: a receiver that is away"

# ---- a receiver that refuses, in bytes that are no text ----------------------------------------

cat >"$TMP/grumpy.yaml" <<CONF
spool: {path: $TMP/grumpy.db}
output: {destinations: [{name: grumpy, type: webhook, url: "http://127.0.0.1:$http/grumpy"}]}
CONF
"$B/spoor" replay -q -d "$TOP/tests/cases/rules" --config "$TMP/grumpy.yaml" \
	"$TOP/tests/cases/alerts/input.json" >"$TMP/replay.log" 2>&1
"$B/spoor" spool list --config "$TMP/grumpy.yaml" --json >"$TMP/list.json"
is "$? $(grep -c '"reason": ".*: bad ?? record"' "$TMP/list.json")" "0 2" \
	"refused: every dead letter is listed, with the receiver's words"
"$B/spoor" output test grumpy --config "$TMP/grumpy.yaml" >"$TMP/test.log"
is "$? $(grep -c 'bad ?? record' "$TMP/test.log")" "1 1" "output test: they can be read"

done_testing
