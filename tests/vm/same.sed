# SPDX-License-Identifier: Apache-2.0
# Makes the events of two runs of the same program comparable: what names one run only
# (times, process ids, processor, entity hashes, the namespace made for it, the hook) becomes 0. User
# namespaces that it makes become 1: their numbers are free again a while after their end.
s/"(timestamp|start_time)":"[^"]*"/"\1":0/g
s/"(unique_id|host_pid|pid|host_tid|tid|seq|cpu|ipc)":"?[0-9]+"?/"\1":0/g
s/("name":"[a-z_]*(pid|tid|start_time)","u?_?int(32|64)":)"?[0-9]+"?/\10/g
s/"hook":"[^"]*"/"hook":0/
s/("user":|"name":"child_user_ns","u_int32":)4026532[0-9]{3}/\11/g
