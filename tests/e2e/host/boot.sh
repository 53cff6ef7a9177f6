#!/bin/sh
# Boots the Debian tree $2 with a writable layer in memory over it, mounted below the folder $1, and with a plain disk in memory
# at $3. The rest are options for systemd-nspawn. BootedHost runs this as the first process of a namespace of its own for
# processes and mounts, so everything it starts and mounts is gone when it is, however it ends.
set -e
folder=$1 tree=$2 disk=$3
shift 3

# Without a systemd out here that gives each host its own control groups, hosts that run at once would share theirs, and one's
# systemd would find the processes of another in its services.
if [ ! -d /run/systemd/system ]; then
    set -- --keep-unit "$@"
    for hierarchy in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
        [ -w "$hierarchy/cgroup.procs" ] || continue
        mkdir -p "$hierarchy/$(basename "$folder")"
        echo $$ >"$hierarchy/$(basename "$folder")/cgroup.procs"
    done
fi

mount -t tmpfs -o mode=755 layer "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/root" "$folder/disk"
mount -t overlay overlay -o "lowerdir=$tree,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"

# 133 is how systemd-nspawn asks to be run again after a reboot; the layer and the disk stay.
status=133
while [ $status -eq 133 ]; do
    status=0
    systemd-nspawn --quiet --boot --register=no --console=pipe "$@" --bind="$folder/disk:$disk" --directory "$folder/root" \
        || status=$?
done
exit $status
