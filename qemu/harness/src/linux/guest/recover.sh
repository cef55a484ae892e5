# Runs the program, and then a recovery command on each crash image, by turns with the simulator.
# $recover is the command; it finds in its environment how many claims there had been, and the last
# one's number.

# The file system, if there is one, as after a boot: what is in the page cache is gone.
attach() {
    case $nvdimm in
    ext4 | xfs) mount -t $nvdimm -o dax=always /dev/pmem0 /pmem 2>/dev/null ;;
    esac
}
detach() {
    if grep -q ' /pmem ' /proc/mounts; then
        umount /pmem 2>/dev/null || return 1
    fi
    echo 3 > /proc/sys/vm/drop_caches
}
# What Linux says of a file system that it does not mount, each sentence once.
refused() {
    words=$(dmesg -c | cut -c 16- | grep -v drop_caches | tail -n 2 | tr '\n' ';')
    case $said in
    *"$words"*) ;;
    *) echo "not mounted: $words" ;;
    esac
    said="$said|$words"
}
# What recovery finds: 250 if nothing can be mounted, 251 if the command keeps it busy.
found() {
    export KPMEM_CLAIMS=${1% *} KPMEM_LAST=${1#* }
    if ! attach; then
        refused
        return 250
    fi
    sh -c "$recover" > /dev/null 2>&1
    code=$?
    cd /
    detach || return 251
    return $code
}
cd /files
if [ "$mode" = reboot ]; then
    detach
    found "$(kpmem-mark booted)"
    echo verdict $?
    end exit 0
fi
"$@"
status=$?
cd /
[ $status = 0 ] || end exit $status
detach || lost "something keeps /pmem busy after the program"
while crash=$(kpmem-mark next); do
    found "$crash"
    kpmem-mark verdict $?
done
end exit 0
