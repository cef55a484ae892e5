# Runs the program, if there is one; else it tells what the guest has.
cd /files
if [ $# -gt 0 ]; then
    "$@"
    status=$?
else
    echo "Linux $(uname -r) for $(uname -m), $(nproc) CPU, $(awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo) MiB of RAM"
    [ -e /dev/pmem0 ] && echo "/dev/pmem0: $(cat /sys/block/pmem0/size) sectors, DAX $(cat /sys/block/pmem0/queue/dax)"
    grep ' /pmem ' /proc/mounts
    for dax in /sys/bus/dax/devices/*; do
        [ -e $dax ] && echo "/dev/${dax##*/}: $(cat $dax/size) bytes, pages of $(cat $dax/align)"
    done
    status=0
fi
cd /
umount /pmem 2>/dev/null
end exit $status
