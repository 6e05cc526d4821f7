# SPDX-License-Identifier: Apache-2.0
# The stressors of System V IPC of stress-ng, for a part of the time: they make millions of calls.
part=$((DEADLINE - $(date +%s)))
for stressor in msg sem-sysv shm-sysv; do
	stress-ng --temp-path "$PWD" --$stressor 2 -t $((part / 3))s --metrics-brief || exit 1
done
echo "did all three"
