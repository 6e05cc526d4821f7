# SPDX-License-Identifier: Apache-2.0
# syslog and relp against rsyslog: UDP, TCP in both framings, mutual TLS, RELP plain and by TLS; the
# receiver killed and restarted in the middle of a stream; certificates changed.
. "$TOP/tests/outputs/outputs.sh"
receivers

set -- $("$B/tests/outputs/ports" 5)
udp=$1 tcp=$2 tls=$3 relp=$4 relps=$5
ca ca
certificate ca server logs.example.org
certificate ca client sensor-1
ca other
certificate other stranger sensor-1
modules=$(echo "$tree"/usr/lib/*-linux-gnu/rsyslog)

cat >"$TMP/rsyslog.conf" <<CONF
global(workDirectory="$TMP" net.enableDNS="off" maxMessageSize="256k"
  defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="$TMP/ca.pem"
  defaultNetstreamDriverCertFile="$TMP/server.pem" defaultNetstreamDriverKeyFile="$TMP/server.key")
module(load="imudp") module(load="imptcp") module(load="imrelp" tls.tlslib="openssl")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1"
  streamDriver.authMode="x509/name" permittedPeer=["sensor-1"])
template(name="line" type="string" string="%syslogseverity% %hostname% %app-name% %procid% %msgid% %structured-data%|%msg%\n")
ruleset(name="udp") { action(type="omfile" file="$TMP/udp.out" template="line") }
ruleset(name="tcp") { action(type="omfile" file="$TMP/tcp.out" template="line" flushOnTXEnd="on") }
ruleset(name="tls") { action(type="omfile" file="$TMP/tls.out" template="line") }
ruleset(name="relp") { action(type="omfile" file="$TMP/relp.out" template="line") }
ruleset(name="relps") { action(type="omfile" file="$TMP/relps.out" template="line") }
input(type="imudp" address="127.0.0.1" port="$udp" ruleset="udp")
input(type="imptcp" address="127.0.0.1" port="$tcp" ruleset="tcp")
input(type="imtcp" address="127.0.0.1" port="$tls" ruleset="tls")
input(type="imrelp" address="127.0.0.1" port="$relp" ruleset="relp" maxDataSize="256k")
input(type="imrelp" address="127.0.0.1" port="$relps" ruleset="relps" tls="on"
  tls.caCert="$TMP/ca.pem" tls.myCert="$TMP/server.pem" tls.myPrivKey="$TMP/server.key"
  tls.authMode="name" tls.permittedPeer=["sensor-1"])
CONF

rsyslog() {
	rm -f "$TMP/rsyslog.pid"
	start rsyslog "$tree/usr/sbin/rsyslogd" -n -f "$TMP/rsyslog.conf" -i "$TMP/rsyslog.pid" \
		-M "$modules"
	server=$pid
	until_true 10 listening $udp $tcp $tls $relp $relps
}

line='<107>1 2026-09-20T10:11:12.345678Z host-a spoor 911 TRC-IPC-001 [spoor@32473 id="id-1" args="a\"b\\c\]d"] a
b'
rsyslog || missing "rsyslogd does not start: $(tail -n 1 "$TMP/rsyslog.log")"

# ---- what arrives is what was sent ----------------------------------------------------

expected='3 host-a spoor 911 shm_probe [spoor@32473 id="id-7"]|alert'
mutual="ca_file=$TMP/ca.pem certificate_file=$TMP/client.pem key_file=$TMP/client.key"
named="$mutual server_name=logs.example.org"

# arrives NAME FILE DRIVE-ARGUMENTS...: 200 records, each there once
arrives() {
	name=$1 file=$2
	shift 2
	"$drive" -n 200 "$@" >"$TMP/drive.log" 2>&1
	is "$? $(tail -n 1 "$TMP/drive.log")" "0 done 200 refused 0 too-large 0 retried 0" \
		"$name: all delivered"
	until_true 10 has_lines "$file" 200
	is "$(wc -l <"$file") $(ids "$file")" "200 200" "$name: each there, once"
	grep -q -x -F "$expected" "$file"
	ok $? "$name: fields as sent"
}

arrives udp "$TMP/udp.out" syslog url=udp://127.0.0.1:$udp
arrives tcp "$TMP/tcp.out" syslog url=tcp://127.0.0.1:$tcp
: >"$TMP/tcp.out"
kill -HUP $server # rsyslog opens its files again
arrives "tcp, lines" "$TMP/tcp.out" syslog url=tcp://127.0.0.1:$tcp framing=lines
arrives tls "$TMP/tls.out" syslog url=tls://127.0.0.1:$tls $named
arrives relp "$TMP/relp.out" relp url=tcp://127.0.0.1:$relp window=16
arrives "relp, tls" "$TMP/relps.out" relp url=tls://127.0.0.1:$relps $named

# ---- certificates ----------------------------------------------------------------------

# refused NAME TEXT DRIVE-ARGUMENTS...: nothing is delivered, and the text says why
refused() {
	name=$1 text=$2
	shift 2
	"$drive" -n 3 -s 1 "$@" >"$TMP/drive.log" 2>&1
	is "$? $(grep -c '^done 0 ' "$TMP/drive.log")" "1 1" "$name: nothing delivered"
	grep -q "$text" "$TMP/drive.log"
	ok $? "$name: said ($text)" || cat "$TMP/drive.log"
}

url="url=tls://127.0.0.1:$tls"
refused "another name" "hostname mismatch" syslog $url $mutual server_name=other.example.org
refused "another authority" "certificate: " syslog $url \
	ca_file="$TMP/other.pem" certificate_file="$TMP/client.pem" key_file="$TMP/client.key"
refused "another fingerprint" "none of the fingerprints" syslog $url $mutual \
	fingerprints="$(openssl x509 -in "$TMP/client.pem" -noout -fingerprint -sha256 | sed 's/.*=//')"
# Its alert may be overtaken by the reset that follows it.
refused "no own certificate" "certificate required\|reset\|closed" syslog $url \
	ca_file="$TMP/ca.pem"
refused "a stranger's certificate" "unknown ca\|reset\|closed" syslog $url ca_file="$TMP/ca.pem" \
	certificate_file="$TMP/stranger.pem" key_file="$TMP/stranger.key"

print=$(openssl x509 -in "$TMP/server.pem" -noout -fingerprint -sha256 | sed 's/.*=//')
"$drive" -n 5 syslog $url certificate_file="$TMP/client.pem" key_file="$TMP/client.key" \
	fingerprints="sha-256:$print" >"$TMP/drive.log" 2>&1
ok $? "by fingerprint alone"

# ---- killed in the middle of a stream ----------------------------------------------------

# survives NAME FILE DRIVE-ARGUMENTS...: 3000 records while rsyslog dies and comes back twice
survives() {
	name=$1 file=$2
	shift 2
	: >"$file"
	kill -HUP $server
	: >"$TMP/drive.log"
	"$drive" -n 3000 -b 50 -p 5 -s 30 "$@" >"$TMP/drive.log" 2>&1 &
	sender=$!
	pids="$pids $sender"
	for signal in KILL TERM; do
		so_far=$(wc -l <"$TMP/drive.log")
		until_true 20 has_lines "$TMP/drive.log" $((so_far + 10))
		stop $server $signal
		rsyslog
	done
	wait $sender
	is "$? $(grep -o '^done 3000 refused 0 too-large 0' "$TMP/drive.log")" \
		"0 done 3000 refused 0 too-large 0" "$name: all delivered in the end"
	until_true 20 has_ids "$file" 3000
	is "$(ids "$file")" 3000 "$name: nothing lost over a kill and a restart"
	echo "# $name: $(($(wc -l <"$file") - 3000)) came twice"
}

survives tcp "$TMP/tcp.out" syslog url=tcp://127.0.0.1:$tcp
survives tls "$TMP/tls.out" syslog url=tls://127.0.0.1:$tls $named
survives relp "$TMP/relp.out" relp url=tcp://127.0.0.1:$relp

# ---- a certificate changed in mid-run ------------------------------------------------------

: >"$TMP/tls.out"
kill -HUP $server
: >"$TMP/drive.log"
"$drive" -n 400 -b 20 -p 20 -s 20 syslog $url $named >"$TMP/drive.log" 2>&1 &
sender=$!
until_true 10 has_lines "$TMP/drive.log" 5
before=$(openssl x509 -in "$TMP/client.pem" -noout -serial)
certificate ca client sensor-1
wait $sender
is "$? $(tail -n 1 "$TMP/drive.log")" "0 done 400 refused 0 too-large 0 retried 0" \
	"a new certificate is taken in mid-run"
[ "$before" != "$(openssl x509 -in "$TMP/client.pem" -noout -serial)" ]
ok $? "and it is another one"
until_true 10 has_ids "$TMP/tls.out" 400
is "$(ids "$TMP/tls.out")" 400 "nothing is lost by that"

# ---- hostile content ---------------------------------------------------------------------

: >"$TMP/relp.out"
kill -HUP $server
{
	printf '<107>1 - h spoor - - - %065000d\n' 1
	printf '<107>1 - h spoor - - - two\rparts\n'
	printf '<107>1 - h spoor - - - 7 syslog 5 false\n'
} | "$drive" relp url=tcp://127.0.0.1:$relp >"$TMP/drive.log" 2>&1
is "$(tail -n 1 "$TMP/drive.log")" "done 3 refused 0 too-large 0 retried 0" \
	"relp: long records and what looks like a frame"
until_true 10 has_lines "$TMP/relp.out" 3
is "$(wc -l <"$TMP/relp.out")" 3 "one record stays one record"

done_testing
