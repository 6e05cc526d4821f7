#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes include/known.def from the facts about Tracee's events:
#	contrib/make-known.sh /work/shared/tracee > include/known.def
# Needs jq. The result is committed: the build does not run this.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }

cat <<'HEAD'
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every event of Tracee, made by contrib/make-known.sh: change that, not this.
 *
 * One line an event, in the rows of each_event.h, sorted by name. The build takes from here the
 * events that have no file of their own in events/: the sensor cannot collect them yet, but
 * knows them, so that rules and policies can name them and recordings of them can be replayed.
 */
HEAD
# A field's type is the kind that Tracee prints, which is not always the one it declares.
jq -r --slurpfile facts "$1/events.json" '
	{
		"int32": "i32", "uint32": "u32", "uint16": "u16", "uint8": "u8",
		"int64": "i64", "uint64": "u64", "trace.Pointer": "pointer", "time.Time": "time",
		"bool": "bool", "float64": "timespec", "string": "str", "const char*": "str",
		"trace.PacketMetadata": "str", "[]string": "strs", "[]byte": "bytes",
		"[2]int": "i32s", "[]uint64": "u64s", "SockAddr": "sockaddr",
		"trace.SlimCred": "credentials",
		"[]trace.HookedSymbolData": "hooked_syscalls",
		"map[string]trace.HookedSymbolData": "hooked_seq_ops",
		"trace.PktMeta": "packet_metadata", "trace.ProtoIPv4": "ipv4",
		"trace.ProtoIPv6": "ipv6", "trace.ProtoTCP": "tcp", "trace.ProtoUDP": "udp",
		"trace.ProtoICMP": "icmp", "trace.ProtoICMPv6": "icmpv6", "trace.ProtoDNS": "dns",
		"[]trace.DnsQueryData": "dns_questions",
		"[]trace.DnsResponseData": "dns_responses", "trace.ProtoHTTP": "http",
		"trace.ProtoHTTPRequest": "http_request",
		"trace.ProtoHTTPResponse": "http_response"
	} as $types
	| {
		"suspicious_syscall_source.syscall": "syscall", "stack_pivot.syscall": "syscall",
		"net_packet_http.src": "str", "net_packet_http.dst": "str",
		"net_packet_http.src_port": "u16", "net_packet_http.dst_port": "u16",
		"net_tcp_connect.dst_port": "i64", "container_create.ctime": "i64",
		"existing_container.ctime": "i64", "ftrace_hook.count": "i64"
	} as $printed
	| {
		"O_*": "open_flags", "PROT_*": "mem_prot", "MAP_*": "map_flags",
		"?_OK": "access_mode", "AF_*": "address_family", "SOCK_*": "socket_type",
		"SOL_*": "socket_level", "SO_*": "socket_option", "CLONE_*": "clone_flags",
		"S_*": "file_type", "PTRACE_*": "ptrace_request", "PR_*": "prctl_option",
		"AT_SYMLINK_NOFOLLOW": "at_flags", "AT_*": "at_flags",
		"CLONE_NEW*": "namespace_type", "BPF_*": "bpf_cmd", "SYS_*": "socketcall",
		"syscall name": "syscall_number", "CAP_*": "capability",
		"mem_prot_alert text": "mem_alert", "BPF_PROG_TYPE_*": "bpf_prog_type",
		"kprobe/tracepoint/...": "bpf_attach_type", "FS_*": "fs_events",
		"FSNOTIFY_OBJ_TYPE_*": "fsnotify_object", "VM_*": "vm_flags",
		"array of helper names": "bpf_helpers"
	} as $names
	| ($facts[0] | map({ key: .name, value: . }) | from_entries) as $by_name
	| sort_by(.name)[]
	| . as $event
	| $by_name[.name] as $fact
	| (.sets + if .internal then ["internal"] else [] end | join(" ")) as $sets
	| (($fact.fields // []) | map({ key: .name, value: (.decoded // "") })
	   | from_entries) as $decoded
	| ($fact.summary // "detection by a detector of Tracee") as $intro
	| "EVENT(\(.name), \(.external_id), \"\(.version)\", \"\($sets)\")"
	+ if .syscall and .id < 700 then
		" SYSCALL(\(if .sets | index("32bit_unique") then -1 else .id end), " +
		"\($fact.sys32_id // -1))"
	  else "" end
	+ " INTRO(\($intro | tojson)) REPLAY_ONLY()"
	+ ([.fields[]
	    | " ARG(\($printed["\($event.name).\(.name)"] // $types[.type]), "
	      + "\(.name | gsub("[.]"; "_")), \(.name), "
	      + "\($names[$decoded[.name] // ""] // "raw"))"] | join(""))
	+ " END(\(.name))"' "$1/vectors/events.json"
