# SPDX-License-Identifier: Apache-2.0
# One sensor through what goes wrong around its receivers while it runs: a name that does not
# resolve yet, a certificate of somebody else, a name that stops resolving. Everything waits, is
# counted, and arrives once it can; nothing is refused or dropped. rsyslog by TLS, nginx by HTTPS.
. "$TOP/tests/outputs/outputs.sh"
receivers

# Names are those of a file of our own, and nobody answers questions about others. All of /etc is a
# copy: a bare system has no file there to put another upon.
cp -r /etc "$TMP/etc" 2>"$TMP/missing" # but for what only root may read
hosts=$TMP/etc/hosts
printf '127.0.0.1 localhost\n' >"$hosts"
rm -f "$TMP/etc/resolv.conf"
printf 'nameserver 127.0.0.1\noptions attempts:1 timeout:1\n' >"$TMP/etc/resolv.conf"
names='mount --bind "$TMP/etc" /etc && exec "$@"'
private() {
	if [ "$(id -u)" = 0 ]; then
		unshare --mount --propagation private sh -c "$names" sh "$@"
	else
		unshare --map-root-user --mount --propagation private sh -c "$names" sh "$@"
	fi
}
private true 2>"$TMP/missing" || missing "no mount namespace: $(cat "$TMP/missing")"

set -- $("$B/tests/outputs/ports" 2)
tls=$1 https=$2
ca ca
ca other
certificate ca server receiver.test
cat >"$TMP/rsyslog.conf" <<CONF
global(workDirectory="$TMP" net.enableDNS="off" defaultNetstreamDriver="ossl"
  defaultNetstreamDriverCAFile="$TMP/ca.pem"
  defaultNetstreamDriverCertFile="$TMP/server.pem" defaultNetstreamDriverKeyFile="$TMP/server.key")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")
template(name="line" type="string" string="%structured-data%\n")
input(type="imtcp" address="127.0.0.1" port="$tls" ruleset="tls")
ruleset(name="tls") { action(type="omfile" file="$TMP/tls.out" template="line") }
CONF
nginx_configure <<CONF
  server {
    listen 127.0.0.1:$https ssl;
    ssl_certificate $TMP/server.pem; ssl_certificate_key $TMP/server.key;
    location = /sink { return 200; }
    location = /hook { access_log $TMP/hook.out body;
      proxy_pass https://127.0.0.1:$https/sink; proxy_ssl_verify off; }
  }
CONF
cat >"$TMP/spoor.yaml" <<CONF
detectors: [$TOP/tests/cases/rules]
spool: {path: $TMP/spool.db, drain_timeout: 10s}
output:
  destinations:
    - name: tls
      type: syslog
      url: tls://receiver.test:$tls
      ca_file: $TMP/ca.pem
      retry_min: 50ms
      retry_max: 200ms
    - name: hook
      type: webhook
      url: https://receiver.test:$https/hook
      ca_file: $TMP/ca.pem
      retry_min: 50ms
      retry_max: 200ms
CONF

# Without the way to the sensor, whose end would not come.
start_receivers() {
	rm -f "$TMP/rsyslog.pid"
	start rsyslog "$tree/usr/sbin/rsyslogd" -n -f "$TMP/rsyslog.conf" -i "$TMP/rsyslog.pid" \
		-M "$(echo "$tree"/usr/lib/*-linux-gnu/rsyslog)" 9>&-
	rsyslog=$pid
	nginx_start 9>&-
	nginx=$pid
	until_true 10 listening $tls $https
}

stop_receivers() {
	stop $rsyslog TERM
	stop $nginx TERM
}

# feed HOUR: 100 alerts, each at a time of its own
feed() {
	for n in $(seq 50); do
		time=$(printf '%s:00:%02d' "$1" "$n")
		sed "s/\"timestamp\":\"2026-02-01T08:00:0\([01]\)Z\"/\"timestamp\":\"2026-02-01T${time}.\1Z\"/" \
			"$TOP/tests/cases/alerts/input.json"
	done >&9
}

# got RECEIVER N: distinct alerts
got() {
	[ "$(grep -o '[0-9a-f]\{8\}-[0-9a-f]\{4\}-7[0-9a-f]\{3\}-[0-9a-f]\{4\}-[0-9a-f]\{12\}' \
		"$TMP/$1.out" 2>/dev/null | sort -u | wc -l)" = "$2" ]
}

# waits OUTPUT N: in the spool
waits() {
	"$B/spoor" spool list -c "$TMP/spoor.yaml" --json | tr -d '\n ' |
		grep -q "\"name\":\"$1\",[^}]*\"waiting\":$2,"
}

said() {
	grep -q "$1" "$TMP/spoor.log"
}

touch "$TMP/tls.out" "$TMP/hook.out"
start_receivers || missing "a receiver does not start"
mkfifo "$TMP/events"
private "$B/spoor" replay -c "$TMP/spoor.yaml" - <"$TMP/events" >"$TMP/spoor.log" 2>&1 &
sensor=$!
pids="$pids $sensor"
exec 9>"$TMP/events"

# ---- a name that does not resolve yet ----------

feed 09
for output in tls hook; do
	until_true 20 waits $output 100
	ok $? "no such name: all wait for $output"
	until_true 20 said "output $output: .*\(resol\|name\|Name\)"
	ok $? "and it says why"
done
echo '127.0.0.1 receiver.test' >>"$hosts"
for output in tls hook; do
	until_true 20 got $output 100
	ok $? "the name is there: $output gets all"
done

# ---- a certificate of somebody else ----------

stop_receivers
certificate other server receiver.test
start_receivers
feed 10
for output in tls hook; do
	until_true 20 waits $output 100
	ok $? "a certificate nobody vouches for: all wait for $output"
	until_true 20 said "output $output: .*certificate"
	ok $? "and it says why"
	got $output 100
	ok $? "the impostor got nothing"
done
stop_receivers
certificate ca server receiver.test
start_receivers
for output in tls hook; do
	until_true 20 got $output 200
	ok $? "a good one again: $output gets all"
done

# ---- a name that stops resolving ----------

stop_receivers
echo '127.0.0.1 localhost' >"$hosts"
start_receivers
feed 11
until_true 20 waits tls 100
ok $? "the name is gone: all wait for tls"
printf '127.0.0.1 localhost\n127.0.0.1 receiver.test\n' >"$hosts"
for output in tls hook; do
	until_true 20 got $output 300
	ok $? "the name is back: $output gets all"
done

exec 9>&-
wait $sensor
is $? 0 "the sensor ends with 0"
for output in tls hook; do
	is "$(grep -c "output $output: 300 sent\$" "$TMP/spoor.log")" 1 \
		"$output: 300 sent, none dropped, none refused"
done
done_testing
