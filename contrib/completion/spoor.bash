# SPDX-License-Identifier: Apache-2.0
# bash completion for spoor. Everything offered comes from the program itself, so it is never
# out of date: commands and options from --help, names from `spoor list`. Source it, or put it
# into /usr/share/bash-completion/completions/spoor.

# Words in the first column of the listing `spoor list TOPIC`.
_spoor_names() {
	"$1" list "$2" 2>/dev/null | awk 'NR > 1 && !/^ / { print $1 }'
}

_spoor_commands() {
	"$1" --help | awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }'
}

_spoor_options() {
	"$1" "$2" --help | grep -oE -e '--[a-z][a-z-]*' | sort -u
}

_spoor_operands() {
	case $2 in
	doctor) _spoor_names "$1" events ;;
	explain) _spoor_names "$1" events && _spoor_names "$1" detectors ;;
	list) "$1" list 2>&1 | sed -n 's/.*topics: //p' | tr -d , ;;
	spool) echo list show retry drop ;;
	output) echo test all ;;
	trigger) echo all && "$1" trigger --list | awk '{ print $1 }' ;;
	help) _spoor_commands "$1" ;;
	*) compgen -f -- "$3" ;;
	esac
}

_spoor() {
	local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} offered

	if [ "$COMP_CWORD" -eq 1 ]; then
		offered=$(_spoor_commands "$1")
	elif [ "${word#-}" != "$word" ]; then
		offered=$(_spoor_options "$1" "$command")
	else
		case ${COMP_WORDS[COMP_CWORD - 1]} in
		--hook) offered='auto fentry kprobe tracepoint raw' ;;
		--to) offered=$(_spoor_names "$1" formats) ;;
		-e | --events) offered=$(_spoor_names "$1" events) ;;
		-c | --config | --spool | -d | --detectors | -p | --policy | --event) offered=$(compgen -f -- "$word") ;;
		*) offered=$(_spoor_operands "$1" "$command" "$word") ;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$offered" -- "$word")
}

complete -o filenames -F _spoor spoor
