# SPDX-License-Identifier: Apache-2.0
# For the scripts that send to real receivers: . "$TOP/tests/outputs/outputs.sh"
. "$TOP/tests/tap.sh"

drive=$B/tests/outputs/drive
pids=
trap 'stop_all' EXIT

# missing REASON: nothing here can run; in CI that is a failure
missing() {
	if [ "${CI:-}" = true ]; then
		echo "not ok 1 - receivers are there"
		echo "# $1"
		echo 1..1
		exit 1
	fi
	skip_all "$1"
}

# receivers: the tree of programs, as $tree
receivers() {
	tree=$("$TOP/tests/outputs/receivers" 2>"$TMP/missing") || missing "$(cat "$TMP/missing")"
	libraries=$(echo "$tree"/usr/lib/*-linux-gnu "$tree"/lib/*-linux-gnu | tr ' ' ':')
}

# start NAME COMMAND...: in the background, its output in $TMP/NAME.log; sets $pid
start() {
	log=$TMP/$1.log
	shift
	LD_LIBRARY_PATH=$libraries "$@" >>"$log" 2>&1 &
	pid=$!
	pids="$pids $pid"
}

# stop PID [SIGNAL]
stop() {
	kill "-${2:-TERM}" "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

stop_all() {
	for p in $pids; do
		kill -KILL "$p" 2>/dev/null
	done
	wait
}

# until_true SECONDS COMMAND...: polls; no test depends on how long something takes
until_true() {
	tries=$(($1 * 20))
	shift
	while ! "$@" 2>/dev/null; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}

# listening PORT: does something listen there (TCP or UDP)? Asks the kernel, connects to nothing
listening() {
	for port; do
		hex=$(printf ':%04X ' "$port")
		grep -q -i -F "$hex" /proc/net/tcp /proc/net/udp /proc/net/tcp6 || return 1
	done
}

# has_lines FILE N
has_lines() {
	[ "$(wc -l <"$1")" -ge "$2" ]
}

# ids FILE: the distinct alert ids in it, how many
ids() {
	grep -o 'id-[0-9][0-9]*' "$1" | sort -u | wc -l
}

has_ids() {
	[ "$(ids "$1")" -ge "$2" ]
}

# ca NAME: a certificate authority, $TMP/NAME.pem
ca() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj "/CN=$1" -keyout "$TMP/$1.key" -out "$TMP/$1.pem" >"$TMP/openssl.log" 2>&1
}

# certificate CA FILE COMMON-NAME: $TMP/FILE.pem and .key, for the name and 127.0.0.1
certificate() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$3" \
		-keyout "$TMP/$2.key.new" -out "$TMP/$2.csr" >"$TMP/openssl.log" 2>&1
	printf 'subjectAltName=DNS:%s,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n' "$3" \
		>"$TMP/$2.ext"
	openssl x509 -req -days 2 -in "$TMP/$2.csr" -CA "$TMP/$1.pem" -CAkey "$TMP/$1.key" \
		-CAcreateserial -extfile "$TMP/$2.ext" -out "$TMP/$2.pem.new" >"$TMP/openssl.log" 2>&1
	mv "$TMP/$2.key.new" "$TMP/$2.key"
	mv "$TMP/$2.pem.new" "$TMP/$2.pem"
}

# nginx_configure <SERVERS: writes nginx.conf with them. Nothing of it is below /var, where a bare
# system has no folders; `body` is the log format that is the body of a request.
nginx_configure() {
	mkdir -p "$TMP/nginx/logs"
	{
		cat <<-CONF
			daemon off; master_process off; pid $TMP/nginx.pid;
			error_log $TMP/nginx/error.log;
			events { }
			http {
			  access_log off;
			  client_body_temp_path $TMP/nginx; proxy_temp_path $TMP/nginx;
			  fastcgi_temp_path $TMP/nginx; uwsgi_temp_path $TMP/nginx;
			  scgi_temp_path $TMP/nginx; client_body_buffer_size 1m;
			  log_format body escape=none '\$request_body';
		CONF
		cat
		echo '}'
	} >"$TMP/nginx.conf"
}

# nginx_start: as process $pid
nginx_start() {
	start nginx "$tree/usr/sbin/nginx" -p "$TMP/nginx" -e "$TMP/nginx/error.log" -c "$TMP/nginx.conf"
}
