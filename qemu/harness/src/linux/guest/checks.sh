# What the module refuses, and how it comes and goes. Of each case a line: test NAME ... OUTCOME.
# There is an NVDIMM at $nvdimm, and memmap= memory at $legacy, both of $bytes bytes.
module=/files/kpmem_log.ko
log=/dev/kpmem_log

# NAME COMMAND...: it must succeed.
works() {
    name=$1; shift
    if "$@" >/dev/null 2>/said; then echo "test $name ... ok"
    else echo "test $name ... FAILED: $(cat /said | tr '\n' ' ')"; fi
}
# NAME COMMAND...: it must fail.
fails() {
    name=$1; shift
    if "$@" >/dev/null 2>&1; then echo "test $name ... FAILED: it succeeded"
    else echo "test $name ... ok"; fi
}
# WORDS PARAMETERS...: the module must not load, and must say why.
refuses() {
    name="refused with \"$1\""; words=$1; shift
    dmesg -c >/dev/null
    if insmod $module "$@" 2>/dev/null; then
        echo "test $name ... FAILED: it was loaded"
        rmmod kpmem_log
    elif dmesg | grep -q "kpmem_log: .*$words"; then echo "test $name ... ok"
    else echo "test $name ... FAILED: it said $(dmesg | tr '\n' ' ')"; fi
}
# How a system call fails on the log: dd's words.
says() { dd "$@" 2>&1 | grep -q "$words"; }
write_of() { words=$2; says if=/dev/zero of=$log bs=$1 count=1; }
read_of() { words=$2; says if=$log of=/dev/null bs=$1 count=1; }
holds() { [ "$(cat $log)" = "$1" ]; }
records() { dmesg | grep 'kpmem_log: .* records in' | tail -1 | grep -q "kpmem_log: $1 records"; }
insert() { dmesg -c >/dev/null; insmod $module "$@"; }
remove() { rmmod kpmem_log; }

refuses "say either path= or start="
refuses "say either path= or start=" path=/dev/pmem0 size=4096
refuses "cannot be opened" path=/dev/nothing
refuses "cannot be opened" path=/dev/null
refuses "not a range of whole pages" start=$nvdimm size=100
refuses "not a range of whole pages" start=$((nvdimm + 8)) size=4096
refuses "not all of it is persistent memory" start=0x1000000 size=0x100000
refuses "not all of it is persistent memory" start=$nvdimm size=$((bytes * 2))
refuses "are too few for a log" start=$nvdimm size=4096
refuses "there is no log in this memory" start=$nvdimm size=$bytes

works "memory of memmap= by its addresses" insert start=$legacy size=$bytes format=1
works "a record is written there" sh -c "printf three > $log"
works "unload, unmapped from there" remove

insmod /files/nd_pmem.ko
refuses "no DAX" path=/dev/pmem0
refuses "a driver has it already" start=$nvdimm size=$bytes
fsdax
refuses "there is no log in this memory" path=/dev/pmem0

works "a log is made in a device" insert path=/dev/pmem0 format=1
works "it is empty" records 0
fails "a second one is not loaded" insmod $module path=/dev/pmem0
works "a record is written" sh -c "printf one > $log"
works "another is written" sh -c "printf two > $log"
works "both are read" holds onetwo
works "a buffer that is too small is told" read_of 2 "Invalid argument"
works "the longest record is written" dd if=/dev/zero of=$log bs=4080 count=1
works "a longer one is refused" write_of 4081 "Message too long"
exec 3<$log
fails "no unload while it is open" remove
exec 3<&-
works "unload" remove
works "the device can be mounted or opened by others now" insert path=/dev/pmem0
works "the log is there after a reload" records 3
works "unload again" remove

insmod /files/nd_e820.ko
works "memory of memmap= by its device" insert path=/dev/pmem1
works "the record is there" holds three
works "unload at last" remove

rmmod nd_pmem
nvdimm=$((nvdimm + (2 << 20))) bytes=$((bytes - (2 << 20)))
works "the device's memory by its addresses" insert start=$nvdimm size=$bytes
works "the log is there" records 3
works "unload, unmapped" remove
refuses "made for another size" start=$nvdimm size=$((bytes / 2))
