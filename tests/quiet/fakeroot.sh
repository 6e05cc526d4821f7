# SPDX-License-Identifier: Apache-2.0
# must be quiet: fakeroot, which talks to its daemon through message queues and a semaphore: users
# build a package and an archive with files that seem to be root's, several at once.
chmod 777 .

build() {
	mkdir -p "$1/DEBIAN" "$1/usr/share/quiet"
	printf '%s\n' 'Package: quiet' 'Version: 1' 'Architecture: all' \
		'Maintainer: nobody <nobody@localhost>' 'Description: test' >"$1/DEBIAN/control"
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		echo $i >"$1/usr/share/quiet/$i"
	done
	chown -R 0:0 "$1"
	chown 5:5 "$1/usr/share/quiet/7"
	dpkg-deb -b "$1" "$1.deb" && tar cf "$1.tar" "$1" && rm -rf "$1"
}

case ${1:-} in
build)
	build "$2"
	exit
	;;
esac
rounds=0
while [ "$(date +%s)" -lt "$DEADLINE" ]; do
	jobs=
	for user in 0 1001 1002 1002; do
		setpriv --reuid=$user --regid=$user --clear-groups fakeroot-sysv sh "$0" build "tree$user-$rounds" &
		jobs="$jobs $!"
		rounds=$((rounds + 1))
	done
	for job in $jobs; do
		wait $job || exit 1
	done
done
tar tvf "tree1001-1.tar" | grep -q root/root || exit 1
echo "did $rounds packages and archives"
