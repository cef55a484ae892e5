#!/bin/busybox sh
# The first process of a Linux guest with the module kpmem_log. The kernel's parameters mode, seed
# and the like are in the environment.
echo "Linux is up"
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev

# Ends QEMU with a status, by its exit device, which takes a moment.
leave() {
    /files/appender exit $1
    sleep 20
    echo "PANIC: no exit device"
    sleep 1000
}

# The module does not load.
lost() {
    dmesg | tail -3
    leave 4
}

. /namespaces
for file in /modules/*; do insmod $file || leave 3; done
. /files/$script
leave $?
