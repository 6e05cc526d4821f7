# SPDX-License-Identifier: Apache-2.0
# syslog against syslog-ng by mutual TLS: structured data as it reads it, killed in mid-stream; and
# the systemd journal, if this host has one of its own to start.
. "$TOP/tests/outputs/outputs.sh"
receivers
libraries=$libraries:$tree/usr/lib/syslog-ng

port=$("$B/tests/outputs/ports" 1)
ca ca
certificate ca server logs.example.org
certificate ca client sensor-1
# syslog-ng finds authorities by the hash of their names.
mkdir "$TMP/ca.d"
ln -s "$TMP/ca.pem" "$TMP/ca.d/$(openssl x509 -in "$TMP/ca.pem" -noout -hash).0"

cat >"$TMP/syslog-ng.conf" <<CONF
@version: 3.38
options { keep-hostname(yes); use-dns(no); flush-lines(1); stats-freq(0); log-msg-size(262144); };
source tls { syslog(ip(127.0.0.1) port($port) transport("tls") tls(
  key-file("$TMP/server.key") cert-file("$TMP/server.pem") ca-dir("$TMP/ca.d")
  peer-verify(required-trusted))); };
destination out { file("$TMP/out" template("\$LEVEL \$HOST \$PROGRAM \$PID \$MSGID \${.SDATA.spoor@32473.id} \${.SDATA.spoor@32473.args} \$MSG\n")); };
log { source(tls); destination(out); };
CONF

syslog_ng() {
	start syslog-ng "$tree/usr/sbin/syslog-ng" -F -f "$TMP/syslog-ng.conf" \
		--module-path "$(echo "$tree"/usr/lib/syslog-ng/[0-9]*)" -R "$TMP/persist" \
		-c "$TMP/control" -p "$TMP/pid" --no-caps
	server=$pid
	until_true 10 listening $port
}

syslog_ng || missing "syslog-ng does not start: $(tail -n 1 "$TMP/syslog-ng.log")"
mutual="ca_file=$TMP/ca.pem certificate_file=$TMP/client.pem key_file=$TMP/client.key"
named="$mutual server_name=logs.example.org"

"$drive" -n 200 syslog url=tls://127.0.0.1:$port $named >"$TMP/drive.log" 2>&1
is "$? $(tail -n 1 "$TMP/drive.log")" "0 done 200 refused 0 too-large 0 retried 0" \
	"tls: all delivered"
until_true 10 has_lines "$TMP/out" 200
is "$(wc -l <"$TMP/out") $(ids "$TMP/out")" "200 200" "each there, once"
is "$(sed -n 7p "$TMP/out")" "err host-a spoor 911 shm_probe id-7  alert" "fields as sent"

: >"$TMP/out"
cat >"$TMP/line" <<'LINE'
<107>1 2026-09-20T10:11:12.345678Z host-a spoor 911 T [spoor@32473 id="id-1" args="a\"b\\c\]d"] IPC_CREAT|IPC_EXCL
LINE
"$drive" syslog url=tls://127.0.0.1:$port $named <"$TMP/line" >"$TMP/drive.log" 2>&1
until_true 10 has_lines "$TMP/out" 1
is "$(cat "$TMP/out")" 'err host-a spoor 911 T id-1 a"b\c]d IPC_CREAT|IPC_EXCL' \
	"escapes come back as they were"

"$drive" -n 3 -s 1 syslog url=tls://127.0.0.1:$port ca_file="$TMP/ca.pem" >"$TMP/drive.log" 2>&1
is "$? $(grep -c '^done 0 ' "$TMP/drive.log")" "1 1" "no own certificate: nothing delivered"

: >"$TMP/out"
: >"$TMP/drive.log"
"$drive" -n 2000 -b 50 -p 5 -s 30 syslog url=tls://127.0.0.1:$port $named >"$TMP/drive.log" 2>&1 &
sender=$!
pids="$pids $sender"
until_true 20 has_lines "$TMP/drive.log" 10
stop $server KILL
certificate ca server logs.example.org
certificate ca client sensor-2
syslog_ng
wait $sender
is "$? $(grep -o '^done 2000 refused 0 too-large 0' "$TMP/drive.log")" \
	"0 done 2000 refused 0 too-large 0" "killed, and back with a new certificate: all delivered"
until_true 20 has_ids "$TMP/out" 2000
is "$(ids "$TMP/out")" 2000 "and nothing lost"

done_testing
