# Runs the program, if there is one; else it tells what the guest has.
cd /files
if [ $# -gt 0 ]; then
    "$@"
    status=$?
else
    ram=$(awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
    echo "Linux $(uname -r) for $(uname -m), $(nproc) CPU, $ram MiB of RAM"
    device=/sys/block/pmem0
    [ -e $device ] && echo "/dev/pmem0: $(cat $device/size) sectors, DAX $(cat $device/queue/dax)"
    grep ' /pmem ' /proc/mounts
    for dax in /sys/bus/dax/devices/*; do
        [ -e $dax ] && echo "/dev/${dax##*/}: $(cat $dax/size) bytes, pages of $(cat $dax/align)"
    done
    status=0
fi
cd /
umount /pmem 2>/dev/null
end exit $status
