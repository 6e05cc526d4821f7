# SPDX-License-Identifier: Apache-2.0
# What events say of programs that start and end; for test_exec.sh (this kernel) and the guest of
# tests/vm/test_exec.sh (another). Wants tap.sh, root, and
#	spoor, launch	the programs; launch.c says what launch does
#	dynamic		path of a program with an interpreter, not a link, that exits with 0
#	loader		path of its interpreter, not a link
#	work		a new folder, its path without links and short

events=sched_process_fork,sched_process_exec,sched_process_exit

# watch NAME ARGUMENTS...: a sensor in the background that writes NAME.json
watch() {
	name=$1
	shift
	: >"$work/$name.err"
	"$spoor" run --events $events --output "tracee-json:$work/$name.json" "$@" \
		>"$work/$name.out" 2>"$work/$name.err" &
	sensor=$!
	left=600
	until grep -q 'stop with Ctrl-C' "$work/$name.err" || ! kill -0 $sensor 2>/dev/null || [ $left = 0 ]; do
		sleep 0.1
		left=$((left - 1))
	done
}

unwatch() {
	kill -INT $sensor 2>/dev/null
	wait $sensor
	is $? 0 "$name: the sensor ran and stopped"
	[ ! -s "$work/$name.out" ] || sed 's/^/# /' "$work/$name.out"
	grep -q ' 0 lost' "$work/$name.err" || sed 's/^/# /' "$work/$name.err"
}

# What launches programs is known by its path from those it launches.
run=$work/run

# exec_of MARK: $line is the event of the program that was given this argument, just one
exec_of() {
	line=$(grep '"name":"sched_process_exec","policies"' "$work/$name.json" | grep -F "\"$1\"]" |
		grep -v -F "$(text pathname "$run")")
	[ "$(printf '%s\n' "$line" | grep -c .)" = 1 ]
	ok $? "$1: one event"
}

# exit_of COMM: $line, the same for the end of a thread of this name
exit_of() {
	line=$(grep '"name":"sched_process_exit","policies"' "$work/$name.json" |
		grep -F "\"name\":\"$1\"")
	[ "$(printf '%s\n' "$line" | grep -c .)" = 1 ]
	ok $? "$1: one event"
}

# has NAME FRAGMENT...: all of them are in $line
has() {
	what=$1
	shift
	for fragment; do
		case $line in
		*"$fragment"*) ;;
		*)
			ok 1 "$what"
			echo "# expected: $fragment"
			echo "#    found: $line"
			return
			;;
		esac
	done
	ok 0 "$what"
}

text() {
	echo "{\"name\":\"$1\",\"str\":\"$2\"}"
}

exec_cases() {
	cp "$launch" "$run"
	printf '#!%s\n' "$dynamic" >"$work/script"
	cp "$dynamic" "$work/program"
	cp "$loader" "$work/ld"
	chmod 755 "$work/script" "$work/program" "$work/ld"
	"$run" loader "$dynamic" "$work/odd" "$work/ld"
	ok $? "a program with another interpreter can be made"

	deep=$work/deep$(printf '/%.0s' $(seq 200) | sed 's,/,/d,g')
	mkdir -p "$deep"
	cp "$work/program" "$deep/program"

	"$run" named before "$work/program" case-plain &&
		"$run" named before "$deep/program" case-deep &&
		(cd "$deep" && "$run" named before ./program case-stdin 0<&-) &&
		echo | "$run" named before "$work/program" case-pipe &&
		"$run" named before "$launch" nothing case-static &&
		"$run" named before "$work/script" case-script &&
		"$run" named before "$work/odd" case-odd &&
		"$run" named early,middle,late "$work/program" case-renamed &&
		"$run" named '' "$work/program" case-unnamed &&
		"$run" child inherited "$work/program" case-child &&
		"$run" refused "$work/program" case-refused &&
		"$run" thread other "$work/program" case-thread &&
		"$run" memfd secret "$work/program" case-memfd &&
		"$run" memfd secret "$launch" nothing case-memfd-static &&
		"$run" deleted "$work/gone" "$work/program" case-deleted &&
		"$run" named before "$loader" "$work/program" case-loader
	ok $? "every program ran"
	# More than is kept of arguments and environment; a program may exec again without a fork.
	long=$(printf %030000d 7)
	LONG=$long "$run" named before "$run" named again "$work/program" "$long" case-long
	ok $? "a program with very long arguments ran"
}

exec_checks() {
	same=$("$run" facts interpreter_ "$loader")
	none='{"name":"interpreter_pathname","str":""},{"name":"interpreter_dev","u_int32":0}'
	none="$none,{\"name\":\"interpreter_inode\",\"u_int64\":\"0\"}"
	none="$none,{\"name\":\"interpreter_ctime\",\"u_int64\":\"0\"}"

	exec_of case-plain
	has "a program with an interpreter: the interpreter's file" \
		"$(text interpreter_pathname "$loader"),$same"
	has "and its own file" "$(text pathname "$work/program")," "$("$run" facts '' "$work/program")"
	has "and its name before" "$(text prev_comm before)" '"name":"program"'
	exec_of case-static
	has "a static program has no interpreter" "$none" "$(text prev_comm before)"
	exec_of case-deep
	has "a path of many parts" "$(text pathname "$deep/program")"
	exec_of case-stdin
	has "a relative path, the folder, no standard input" "$(text cmdpath ./program)" \
		"$(text pathname "$deep/program")" "$(text pwd "$deep")" \
		"{\"name\":\"stdin_type\",\"u_int32\":0},$(text stdin_path '')"
	exec_of case-pipe
	has "a pipe" "{\"name\":\"stdin_type\",\"u_int32\":4096},$(text stdin_path '')" \
		'{"name":"invoked_from_kernel","bool":false}'
	exec_of case-script
	has "a script: the program that runs it, and the interpreter of that" \
		"$(text cmdpath "$work/script")" "$(text pathname "$dynamic")" "$(text interp "$dynamic")" \
		"$(text interpreter_pathname "$loader"),$same" "$(text prev_comm before)"
	exec_of case-odd
	has "a program that names another interpreter" \
		"$(text interpreter_pathname "$work/ld"),$("$run" facts interpreter_ "$work/ld")"
	exec_of case-loader
	has "the loader as a program has no interpreter" "$none" "$(text pathname "$loader")"
	exec_of case-renamed
	has "of several names the last counts" "$(text prev_comm late)"
	exec_of case-unnamed
	has "a thread without a name" "$(text prev_comm '')"
	exec_of case-child
	has "a name that comes from the parent" "$(text prev_comm inherited)"
	exec_of case-refused
	has "an execve that failed leaves no trace" "$(text prev_comm run)"
	exec_of case-thread
	has "a thread that is not the first: its name" "$(text prev_comm other)" \
		"$(text interpreter_pathname "$loader"),$same"
	pids=$(echo "$line" | sed 's/.*"host_pid":\([0-9]*\),"pid":[0-9]*,"real_user".*"host_tid":\([0-9]*\),.*/\1 \2/')
	is "${pids% *}" "${pids#* }" "and it has become the first"
	exec_of case-memfd
	has "a file in memory" "$(text pathname memfd:secret)" '{"name":"cmdpath","str":"/dev/fd/' \
		"$(text interpreter_pathname "$loader"),$same" '"syscall":"execve' "$(text prev_comm run)"
	exec_of case-memfd-static
	has "a static one" "$(text pathname memfd:secret)" "$none"
	exec_of case-deleted
	has "a deleted file" "$(text pathname "$work/gone")" "$(text interpreter_pathname "$loader"),$same"
}

# The record of very long arguments: cut, and the rest of the fields unharmed.
long_checks() {
	line=$(grep '"name":"sched_process_exec","policies"' "$work/$name.json" |
		grep -F "$(text prev_comm again)")
	is "$(printf '%s\n' "$line" | grep -c .)" 1 "very long arguments: one event"
	has "with all other fields" "$(text pathname "$work/program")" "$same" '{"name":"pwd","str":"/'
	length=$(echo "$line" | sed 's/.*"name":"argv","str_array":{"value":\[//; s/\].*//' | wc -c)
	[ "$length" -gt 8000 ] && [ "$length" -lt 8300 ]
	ok $? "its arguments are cut"
}

exit_cases() {
	(
		cd "$work" || exit 1
		"$run" exits exits-7 7 && "$run" killed killed-9 9 >killed &&
			"$run" killed killed-11 11 >dumped && "$run" threads many 8
	)
	ok $? "every program ended as it should"
}

exit_checks() {
	exit_of exits-7
	has "an exit" '{"name":"exit_code","int32":7},{"name":"signal_code","int32":0},{"name":"process_group_exit","bool":true}'
	exit_of killed-9
	has "a kill" '{"name":"exit_code","int32":0},{"name":"signal_code","int32":9}'
	exit_of killed-11
	has "a memory fault ($(cat "$work/dumped"))" '{"name":"exit_code","int32":0},{"name":"signal_code","int32":11}'
	ends=$(grep '"name":"sched_process_exit","policies"' "$work/$name.json" | grep -F '"name":"many"')
	is "$(echo "$ends" | grep -c .)" 9 "each thread's end is an event"
	echo "$ends" | tail -n 1 | grep -q '"process_group_exit","bool":true'
	ok $? "the last is the end of the process"
	last=$(echo "$ends" | grep -c '"process_group_exit","bool":true')
	[ "$last" = 1 ] || [ -n "${many_last:-}" ]
	ok $? "and no other ($last)"
}

# ids FIELD...: these numbers of $line, in this order
ids() {
	for field; do
		echo "$line" | sed -E "s/.*\"name\":\"$field\",\"(u_)?int[0-9]*\":\"?([0-9]*).*/\2/"
	done | tr '\n' ' '
}

fork_checks() {
	# The thread that case-thread's first thread made.
	exec_of case-thread
	process=$(echo "$line" | sed 's/.*"host_pid":\([0-9]*\),.*"real_user".*/\1/')
	line=$(grep '"name":"sched_process_fork","policies"' "$work/$name.json" |
		grep -F "{\"name\":\"child_pid\",\"int32\":$process}" |
		grep -v -F "{\"name\":\"child_tid\",\"int32\":$process}")
	is "$(printf '%s\n' "$line" | grep -c .)" 1 "a new thread: one event"
	is "$(ids parent_tid parent_pid child_pid leader_tid leader_pid)" \
		"$process $process $process $process $process " "a thread's maker and leader are its process"
	is "$(ids leader_start_time)" "$(ids parent_start_time)" "which began when it began"
	is "$(ids parent_process_pid)" "$(echo "$line" | sed 's/.*"ancestors":\[{"unique_id":[0-9]*,"host_pid":\([0-9]*\).*/\1/') " \
		"its parent process is its process's parent"
	line=$(grep '"name":"sched_process_fork","policies"' "$work/$name.json" |
		grep -F "{\"name\":\"child_tid\",\"int32\":$process}")
	is "$(printf '%s\n' "$line" | grep -c .)" 1 "a new process: one event"
	is "$(ids child_pid leader_tid leader_pid)" "$process $process $process " "it leads itself"
	is "$(ids leader_start_time)" "$(ids start_time)" "since it began"
	is "$(ids parent_process_pid)" "$(ids parent_pid)" "its parent process is its maker"
}

environment_checks() {
	exec_of case-environment
	has "with --enrichment environment there is one" '{"name":"env","str_array":{"value":["' \
		'"SPOOR_TEST=a b"' '{"name":"pwd","str":"/'
}

exec_test() {
	watch plain
	exec_cases
	exit_cases
	unwatch
	exec_checks
	long_checks
	exit_checks
	fork_checks
	is "$(grep -c '"name":"env","str_array":{"value"' "$work/$name.json")" 0 \
		"without --enrichment no environment is collected"
	watch environment --enrichment environment
	SPOOR_TEST='a b' "$run" named before "$work/program" case-environment
	SPOOR_TEST=$long "$run" named before "$run" named again "$work/program" "$long" case-long
	unwatch
	environment_checks
	long_checks
}

# ---- overlayfs maps another file than was opened; containers live on it ----------

# In a mount namespace of its own; the sensor sees the whole host.
overlay_cases() {
	unshare -m sh -c '
		set -e
		mkdir "$1/o"
		mount -t tmpfs tmpfs "$1/o"
		mkdir "$1/o/lower" "$1/o/upper" "$1/o/tmp" "$1/over"
		cp "$3" "$1/o/lower/ld"
		mount -t overlay overlay -o "lowerdir=$1/o/lower,upperdir=$1/o/upper,workdir=$1/o/tmp" "$1/over"
		"$4" loader "$2" "$1/over/odd" "$1/over/ld"
		"$4" facts interpreter_ "$1/over/ld" >"$1/facts"
		"$4" named before "$1/over/odd" case-overlay
		cp "$4" "$1/over/static"
		"$1/over/static" nothing case-overlay-static
	' sh "$work" "$dynamic" "$loader" "$run" 2>"$work/overlay.err"
}

overlay_test() {
	if ! grep -q overlay /proc/filesystems; then
		skip "the interpreter on an overlay" "this kernel has no overlayfs loaded"
		return
	fi
	watch overlay
	overlay_cases
	ok $? "programs ran from an overlay"
	sed 's/^/# /' "$work/overlay.err"
	unwatch
	exec_of case-overlay
	has "the interpreter is the one that was opened" \
		"$(text interpreter_pathname "$work/over/ld"),$(cat "$work/facts")"
	exec_of case-overlay-static
	has "a static program on an overlay has none" "$none" "$(text pathname "$work/over/static")"
}
