# SPDX-License-Identifier: Apache-2.0
# must be quiet: an X server, as root and as a user, with clients of other users that share memory
# with it (MIT-SHM).
server=
trap '[ -z "$server" ] || kill $server; wait' EXIT
trap 'exit 1' INT TERM
chmod 777 .

export HOME="$PWD" DISPLAY=:97
as="setpriv --clear-groups --regid=1001 --reuid"
rounds=0
while [ "$(date +%s)" -lt "$DEADLINE" ]; do
	for owner in 0 1001; do
		$as $owner Xvfb $DISPLAY -ac -noreset -screen 0 1024x768x24 -nolisten tcp &
		server=$!
		for client in 1001 1002 0; do
			until $as $client xterm -e true; do
				kill -0 $server || exit 1
				sleep 0.2
			done
			$as $client x11perf -repeat 1 -time 1 -shmput10 -shmput100 -shmput500 \
				-shmputxy100 || exit 1
			$as $client xterm -e 'ls -l /usr/bin; sleep 1' || exit 1
			$as $client xwd -root -silent >root.xwd || exit 1
		done
		kill $server
		wait $server
		server=
		rounds=$((rounds + 1))
	done
done
echo "did $rounds servers, three clients each"
