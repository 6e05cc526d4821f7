# SPDX-License-Identifier: Apache-2.0
# The HTTP engine against nginx: client certificates, 429 with Retry-After, 413, what a slow or
# half-open receiver does to the deadline, redirects, a certificate changed, killed in mid-stream.
. "$TOP/tests/outputs/outputs.sh"
receivers

set -- $("$B/tests/outputs/ports" 4)
https=$1 http=$2 closed=$3 dead=$4
ca ca
certificate ca server logs.example.org
certificate ca client sensor-1

# nginx writes the body of each request as a line of its log (it must be read to be known, so it is
# passed on to itself), answering 200.
nginx_configure <<CONF
  client_max_body_size 4m;
  log_format head '\$server_protocol \$http_user_agent \$content_type \$connection \$http_x_site';
  limit_req_zone \$remote_addr zone=slow:1m rate=2r/s;
  limit_req_status 429;
  server {
    listen 127.0.0.1:$https ssl http2;
    ssl_certificate $TMP/server.pem; ssl_certificate_key $TMP/server.key;
    ssl_client_certificate $TMP/ca.pem; ssl_verify_client on;
    location = /x { access_log $TMP/https.out body; access_log $TMP/https.head head;
      proxy_pass http://127.0.0.1:$http/sink; }
  }
  server {
    listen 127.0.0.1:$http;
    location = /sink { return 200; }
    location = /in { access_log $TMP/in.out body; access_log $TMP/in.head head;
      proxy_pass http://127.0.0.1:$http/sink; }
    location = /limited { limit_req zone=slow; access_log $TMP/limited.out body;
      error_page 429 @wait; proxy_pass http://127.0.0.1:$http/sink; }
    location @wait { add_header Retry-After 1 always; return 429 "too many requests"; }
    location = /small { client_max_body_size 300; access_log $TMP/small.out body;
      proxy_pass http://127.0.0.1:$http/sink; }
    location = /stuck { proxy_pass http://127.0.0.1:$dead; proxy_read_timeout 30s; }
    location = /moved { return 307 http://127.0.0.1:$closed/elsewhere?token=s3cret-token; }
    location = /forbidden { return 403 "no: \$http_authorization"; }
    location = /wrong { return 400 "not JSON"; }
  }
CONF

nginx() {
	nginx_start
	server=$pid
	until_true 10 listening $http $https
}

nginx || missing "nginx does not start: $(tail -n 1 "$TMP/nginx.log")"
web=http://127.0.0.1:$http
secure="url=https://127.0.0.1:$https/x server_name=127.0.0.1 ca_file=$TMP/ca.pem"
mutual="url=https://127.0.0.1:$https/x ca_file=$TMP/ca.pem"
mutual="$mutual certificate_file=$TMP/client.pem key_file=$TMP/client.key"

# send NAME EXPECTED DRIVE-ARGUMENTS...
send() {
	name=$1 expected=$2
	shift 2
	seq 1 "${count:-20}" | sed 's/.*/{"alert":"id-&"}/' | "$drive" "$@" >"$TMP/drive.log" 2>&1
	found=$(grep '^done ' "$TMP/drive.log")
	case $found in
	$expected*) ok 0 "$name" ;;
	*) is "$found" "$expected" "$name" ;;
	esac
}

# says NAME TEXT
says() {
	grep -q -e "$2" "$TMP/drive.log"
	ok $? "$1: said ($2)"
	grep -q -e "$2" "$TMP/drive.log" || sed 's/^/# /' "$TMP/drive.log"
}

send "a request a record" "done 20 refused 0 too-large 0 retried 0" \
	webhook url=$web/in "headers=X-Site: north"
is "$(wc -l <"$TMP/in.out") $(ids "$TMP/in.out")" "20 20" "each arrived once"
is "$(head -n 1 "$TMP/in.out")" '{"alert":"id-1"}' "the body is the record"
is "$(cut -d ' ' -f 5 "$TMP/in.head" | sort -u)" north "own headers are sent"
is "$(cut -d ' ' -f 4 "$TMP/in.head" | sort -u | wc -l)" 1 "over one connection"
is "$(cut -d ' ' -f 3 "$TMP/in.head" | sort -u)" application/json "as JSON"

: >"$TMP/in.out"
send "several at once" "done 20 refused 0 too-large 0 retried 0" webhook url=$web/in concurrency=4
is "$(ids "$TMP/in.out")" 20 "each arrived"
send "as lines" "done 20 " webhook url=$web/in batch=lines
send "Tracee's URL" "done 20 " webhook "url=$web/in?timeout=5s&contentType=text/plain"
is "$(tail -n 1 "$TMP/in.head" | cut -d ' ' -f 3)" text/plain "its contentType is obeyed"

# ---- TLS -----------------------------------------------------------------------------------

send "with a client certificate" "done 20 refused 0 too-large 0 retried 0" webhook $mutual
is "$(ids "$TMP/https.out")" 20 "each arrived"
is "$(cut -d ' ' -f 1 "$TMP/https.head" | sort -u)" HTTP/2.0 "by HTTP/2"
count=1
send "without one" "done 0 " -s 1 webhook url=https://127.0.0.1:$https/x ca_file="$TMP/ca.pem"
says "without one" "HTTP 400.*certificate"
ca other
send "another authority" "done 0 " -s 1 webhook url=https://127.0.0.1:$https/x ca_file="$TMP/other.pem"
says "another authority" "certificate"
print=$(openssl x509 -in "$TMP/server.pem" -noout -fingerprint -sha256 | sed 's/.*=//')
own="certificate_file=$TMP/client.pem key_file=$TMP/client.key"
send "by fingerprint" "done 1 " webhook url=https://127.0.0.1:$https/x $own fingerprints=$print
wrong=$(openssl x509 -in "$TMP/client.pem" -noout -fingerprint -sha256 | sed 's/.*=//')
send "another fingerprint" "done 0 " -s 1 webhook url=https://127.0.0.1:$https/x $own fingerprints=$wrong

# ---- what statuses mean ----------------------------------------------------------------------

count=4
send "429 with Retry-After" "done 4 refused 0 too-large 0 retried" -s 20 webhook url=$web/limited
is "$(grep -o 'id-[0-9]*' "$TMP/limited.out" | sort -u | wc -l)" 4 "429: all arrived in the end"
retried=$(sed -n 's/^done.*retried //p' "$TMP/drive.log")
[ "$retried" -gt 0 ] && [ "$retried" -le 12 ]
ok $? "429: the pause asked for was kept (retried $retried)"
count=40
send "413 halves" "done 40 refused 0 too-large 0 retried 0" -b 40 webhook url=$web/small batch=array
is "$(ids "$TMP/small.out")" 40 "413: all arrived in smaller requests"
printf '{"alert":"%0400d"}\n' 1 | "$drive" webhook url=$web/small >"$TMP/drive.log" 2>&1
is "$(grep ^done "$TMP/drive.log")" "done 0 refused 0 too-large 1 retried 0" "413: one that never fits"
count=3
send "400 refuses" "done 0 refused 3 too-large 0 retried 0" webhook url=$web/wrong batch=array
send "a status of one's own" "done 0 refused 3 " webhook url=$web/forbidden "statuses=403: refused"
send "403 holds back" "done 0 refused 0 too-large 0" -s 1 webhook url=$web/forbidden token=s3cret-token
says "403 holds back" "HTTP 403 from $web: no: Bearer \*\*\*\*"
send "no redirect is followed" "done 0 refused 0" -s 1 webhook url=$web/moved token=s3cret-token
says "no redirect is followed" "redirects to http://127.0.0.1:$closed/elsewhere, which is not"
grep -q s3cret-token "$TMP/drive.log"
is $? 1 "no secret is shown"

# ---- slow, half-open, away ------------------------------------------------------------------

"$B/tests/outputs/hold" $dead >"$TMP/hold.log" 2>&1 &
pids="$pids $!"
until_true 5 listening $dead
count=1
send "one that never answers" "done 0 refused 0" -d 300 -s 1 webhook url=http://127.0.0.1:$dead/x
says "one that never answers" "in time\|timed out"
send "one behind a proxy that never answers" "done 0 refused 0" -d 300 -s 1 webhook url=$web/stuck
send "one that is away" "done 0 refused 0" -s 1 webhook url=http://127.0.0.1:$closed/x
says "one that is away" "onnect"

# ---- stopped in mid-stream, a certificate changed -------------------------------------------

: >"$TMP/https.out"
: >"$TMP/survive.log"
seq 1 1500 | sed 's/.*/{"alert":"id-&"}/' |
	"$drive" -b 10 -p 5 -s 30 webhook $mutual >"$TMP/survive.log" 2>&1 &
sender=$!
pids="$pids $sender"
until_true 20 has_lines "$TMP/survive.log" 20
stop $server TERM # killed, it may have answered what it has not logged
certificate ca server 127.0.0.1
certificate ca client sensor-2
nginx
wait $sender
is "$? $(grep -o '^done 1500 refused 0 too-large 0' "$TMP/survive.log")" \
	"0 done 1500 refused 0 too-large 0" "stopped, and back with a new certificate: all delivered"
is "$(ids "$TMP/https.out")" 1500 "and all arrived"

done_testing
