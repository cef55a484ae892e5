# What is made of an NVDIMM without labels, as ndctl does it.

# KIND DRIVER: makes a namespace of /dev/pmem0: pfn for nd_pmem, dax for dax_pmem. Only memory that
# the kernel has a description of each page of is reachable by DAX; that is kept in RAM here. The
# namespace is behind its own description, which takes the first 2 MiB.
namespace() {
    raw=$(basename "$(readlink -f /sys/block/pmem0/device)")
    made=/sys/bus/nd/devices/$1${raw#namespace}
    echo $raw > /sys/bus/nd/drivers/nd_pmem/unbind &&
        echo ram > $made/mode &&
        echo $((2 << 20)) > $made/align &&
        cat /proc/sys/kernel/random/uuid > $made/uuid &&
        echo $raw > $made/namespace &&
        echo ${made##*/} > /sys/bus/nd/drivers/$2/bind
}

# /dev/pmem0 has DAX, as it is or made so.
fsdax() {
    [ "$(cat /sys/block/pmem0/queue/dax)" = 1 ] || namespace pfn nd_pmem
}
