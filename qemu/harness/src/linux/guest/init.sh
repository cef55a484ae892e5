#!/bin/busybox sh
# The first process of a Linux guest with the module kpmem_log. The kernel's parameters mode, seed
# and the like are in the environment.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev

# Ends QEMU with a status, by its exit device.
leave() {
    /files/appender exit $1
    echo "PANIC: no exit device"
    sleep 1000
}

# The module does not load.
lost() {
    dmesg | tail -3
    leave 4
}

# Makes an fsdax namespace of the NVDIMM, as ndctl does, unless it is one. Only memory that the
# kernel has a description of each page of is reachable by DAX; that is kept in RAM here. The
# namespace is behind its own description, which takes the first 2 MiB.
fsdax() {
    [ "$(cat /sys/block/pmem0/queue/dax)" = 1 ] && return
    echo namespace0.0 > /sys/bus/nd/drivers/nd_pmem/unbind
    pfn=/sys/bus/nd/devices/pfn0.0
    echo ram > $pfn/mode
    echo $((2 << 20)) > $pfn/align
    cat /proc/sys/kernel/random/uuid > $pfn/uuid
    echo namespace0.0 > $pfn/namespace
    echo pfn0.0 > /sys/bus/nd/drivers/nd_pmem/bind
}

for file in /modules/*; do insmod $file || leave 3; done
. /files/$script
leave $?
