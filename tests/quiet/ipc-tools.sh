# SPDX-License-Identifier: Apache-2.0
# What administrators do: objects made, listed and removed one by one, as root and as a user.
rounds=0
while [ "$(date +%s)" -lt "$DEADLINE" ]; do
	for user in 0 1001; do
		for kind in 'Q q' 'S:3 s' 'M:65536 m'; do
			what=${kind% *}
			case $what in
			*:*) id=$(setpriv --reuid=$user --clear-groups ipcmk -"${what%:*}" "${what#*:}") ;;
			*) id=$(setpriv --reuid=$user --clear-groups ipcmk -"$what") ;;
			esac
			id=${id##* }
			setpriv --reuid=$user --clear-groups ipcs -"${kind#* }" -i "$id" || exit 1
			setpriv --reuid=$user --clear-groups ipcrm -"${kind#* }" "$id" || exit 1
		done
		ipcs -a && ipcs -p && ipcs -u && lsipc && lsipc -m || exit 1
		rounds=$((rounds + 1))
	done
done
echo "did $rounds rounds"
