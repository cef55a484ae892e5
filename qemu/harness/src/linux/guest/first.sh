#!/bin/busybox sh
# The first process of a guest that runs a program of the user's. The kernel's parameters token and
# nvdimm are in the environment. What is for the harness begins with the token.
/bin/busybox --install -s /bin
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/pts
for folder in /dev/shm /run /tmp; do mount -t tmpfs -o mode=1777 tmpfs $folder; done
mount -t devpts devpts /dev/pts
ln -sf /proc/self/fd /dev/fd
[ -e /etc/passwd ] || echo root:x:0:0:root:/root:/bin/sh > /etc/passwd
[ -e /etc/group ] || echo root:x:0: > /etc/group
[ -e /etc/hosts ] || echo 127.0.0.1 localhost > /etc/hosts
ip link set lo up
# What the program prints arrives as it is.
stty -opost

say() { echo "$token $*"; }
# The power goes off; the harness knows why by then.
end() { sync; say "$*"; poweroff -f; sleep 1000; }
# WORDS: the guest is not what was asked for.
lost() { end lost "$*: $(dmesg | tail -n 3 | cut -c 16- | tr '\n' ';')"; }
# FILE: drivers may need a moment.
appears() {
    for moment in 1 2 3 4 5 6 7 8 9 10; do
        [ -e $1 ] && return
        usleep 100000
    done
    lost "there is no $1"
}
# KIND: mounts /dev/pmem0 of this kind on /pmem.
by_dax() {
    fsdax || lost "no namespace with DAX"
    if ! mount -t $1 -o dax=always /dev/pmem0 /pmem; then
        # A crash image that this boot is to judge: the script says what is wrong with it.
        [ "$mode" = reboot ] && return
        lost "no $1 with DAX on /dev/pmem0"
    fi
    # XFS does without, if it must.
    grep -q ' /pmem .*dax=always' /proc/mounts || lost "$1 on /dev/pmem0 has no DAX"
}
. /namespaces

dmesg -c > /dev/null
for file in /modules/*; do
    insmod $file || lost "a driver is not taken"
done
case $nvdimm in
plain) appears /dev/pmem0 ;;
ext4 | xfs)
    appears /dev/pmem0
    by_dax $nvdimm
    ;;
devdax)
    # An NVDIMM that was one before is one at once.
    [ -e /dev/dax0.0 ] || appears /dev/pmem0
    [ -e /dev/dax0.0 ] || namespace dax dax_pmem || lost "no device DAX"
    appears /dev/dax0.0
    ;;
esac
. /command
say up $(uname -r)
. /script
