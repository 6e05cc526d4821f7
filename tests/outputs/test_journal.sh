# SPDX-License-Identifier: Apache-2.0
# journald: a real one, started in a mount namespace with a /run of its own, read by journalctl.
. "$TOP/tests/outputs/outputs.sh"

journald=/lib/systemd/systemd-journald
[ -x $journald ] && command -v journalctl >/dev/null || skip_all "no systemd-journald here"
[ "$(id -u)" = 0 ] || skip_all "starting a journald needs root"
unshare -m true 2>/dev/null || skip_all "no mount namespaces here"

# Everything below /run and /var/log of that namespace is gone with it.
cat >"$TMP/inside" <<'SH'
set -e
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log
mkdir -p /run/systemd/journal
RUNTIME_DIRECTORY=/run/systemd/journal $1 spoortest >"$TMP/journald.log" 2>&1 &
journal=$!
trap 'kill $journal; wait $journal' EXIT
tries=100
until [ -S /run/systemd/journal/socket ]; do
	tries=$((tries - 1))
	[ $tries -gt 0 ]
	sleep 0.05
done
head -c 300000 /dev/zero | tr '\0' x >"$TMP/large"
echo >>"$TMP/large"
"$drive" -n 100 journald "fields=SITE: north" >"$TMP/drive.log" 2>&1
"$drive" journald <"$TMP/large" >>"$TMP/drive.log" 2>&1
# What spoor sent: entries [OPTION...]
entries() {
	journalctl -q -D /var/log/journal/*.spoortest SYSLOG_IDENTIFIER=spoor -a -o cat "$@"
}
tries=100
until [ "$(entries | wc -l)" -ge 101 ]; do
	tries=$((tries - 1))
	[ $tries -gt 0 ] || break
	sleep 0.05
done
for field in MESSAGE SPOOR_ID SPOOR_EVENT PRIORITY SITE; do
	entries --output-fields=$field >"$TMP/$field"
done
SH
export drive TMP
unshare -m sh "$TMP/inside" $journald >"$TMP/inside.log" 2>&1 ||
	skip_all "systemd-journald does not start here: $(tail -n 1 "$TMP/journald.log" "$TMP/inside.log")"

is "$(grep -c '^done .* refused 0 too-large 0 retried 0' "$TMP/drive.log")" 2 "all delivered"
is "$(sort -u "$TMP/SPOOR_ID" | wc -l)" 100 "each is an entry"
is "$(sort "$TMP/PRIORITY" | uniq -c | sed 's/^ *//' | tr '\n' ' ')" \
	"20 2 20 3 20 4 21 5 20 6 " "priorities as severities"
is "$(sort -u "$TMP/SPOOR_EVENT") $(sort -u "$TMP/SITE")" "shm_probe north" "fields"
record='<107>1 2026-09-20T10:11:12.345678Z host-a spoor 911 shm_probe [spoor@32473 id="id-7"] alert'
grep -q -x -F "$record" "$TMP/MESSAGE"
ok $? "the message is the record"
is "$(awk '{ print length }' "$TMP/MESSAGE" | sort -n | tail -n 1)" 300000 "a large one is whole"

done_testing
