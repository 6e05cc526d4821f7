# SPDX-License-Identifier: Apache-2.0
# must be quiet: Apache with semaphores of System V for all its locks, in both common process
# models: load, graceful restarts, a crash (kill -9), which leaves semaphores, and a clean end.
# By a user of Debian's base whom nobody else runs as our processes and semaphores are known.
user=uucp
parent=
trap '[ -z "$parent" ] || kill -TERM $parent; wait; tidy' EXIT
trap 'exit 1' INT TERM
mkdir www logs
yes 'a page of some length' | head -n 500 >www/index.html
modules=/usr/lib/apache2/modules

# configure MODEL
configure() {
	cat >"$1.conf" <<END
ServerRoot $PWD
ServerName localhost
PidFile $PWD/logs/$1.pid
ErrorLog $PWD/logs/error.log
Listen 127.0.0.1:18080
Listen 127.0.0.1:18081
LoadModule mpm_$1_module $modules/mod_mpm_$1.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule socache_shmcb_module $modules/mod_socache_shmcb.so
LoadModule ssl_module $modules/mod_ssl.so
SSLSessionCache shmcb:$PWD/logs/sessions(512000)
Mutex sysvsem default
User $user
Group $user
DocumentRoot $PWD/www
END
}

# What crashes left.
tidy() {
	for id in $(ipcs -s | awk -v user=$user '$3 == user { print $2 }'); do
		ipcrm -s "$id"
	done
}

# In a process group of its own, to which it sends signals.
serve() {
	setsid apache2 -f "$PWD/$1.conf" -DFOREGROUND &
	parent=$!
	load 8
}

# load REQUESTS: waits for the server as well
load() {
	left=50
	until ab -q -k -c 8 -n "$1" http://127.0.0.1:18080/index.html >ab.log 2>&1; do
		left=$((left - 1))
		[ $left != 0 ] || { cat ab.log logs/error.log; exit 1; }
		sleep 0.2
	done
	requests=$((requests + $1))
}

requests=0 rounds=0
while [ "$(date +%s)" -lt "$DEADLINE" ]; do
	for model in prefork event; do
		configure $model
		serve $model
		load 20000
		kill -USR1 $parent
		load 20000
		kill -KILL $parent
		wait $parent
		# The children of a parent that is gone hold the ports until they notice.
		pkill -KILL -u $user -f "$PWD/$model.conf"
		serve $model
		load 20000
		kill -TERM $parent
		wait $parent
		parent=
		rounds=$((rounds + 1))
	done
done
echo "did $rounds rounds, $requests requests"
