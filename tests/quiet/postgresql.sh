# SPDX-License-Identifier: Apache-2.0
# must be quiet: PostgreSQL with both kinds of shared memory: a cluster is made, loaded, crashes
# (kill -9 of the postmaster), recovers under load and is shut down.
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
chown postgres .
port=54329
postmaster=
trap '[ -z "$postmaster" ] || kill -QUIT $postmaster; wait' EXIT
trap 'exit 1' INT TERM

as="setpriv --reuid=postgres --regid=postgres --init-groups"

# serve TYPE: until it answers; fails where it ends, as it does while what is left of a crash lives
serve() {
	$as "$bin/postgres" -D data -k "$PWD" -p $port -c listen_addresses= -c "shared_memory_type=$1" &
	postmaster=$!
	until "$bin/pg_isready" -q -h "$PWD" -p $port; do
		kill -0 $postmaster || return 1
		sleep 0.2
	done
}

bench() {
	$as "$bin/pgbench" -h "$PWD" -p $port -U postgres "$@" postgres || exit 1
}

rounds=0
while [ "$(date +%s)" -lt "$DEADLINE" ]; do
	for type in mmap sysv; do
		rm -rf data
		$as "$bin/initdb" -D data -A trust -U postgres || exit 1
		serve $type || exit 1
		bench -i -s 2
		bench -c 8 -j 2 -T 10
		kill -KILL $postmaster
		wait $postmaster
		until serve $type; do sleep 0.2; done
		bench -c 4 -T 5
		kill -INT $postmaster
		wait $postmaster
		postmaster=
		rounds=$((rounds + 1))
	done
done
echo "did $rounds clusters, loaded, crashed, recovered"
