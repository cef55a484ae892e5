# A few records of the module under the crash simulator; rmmod has it make the crashes. All of the
# device is the log's, but for the simulator's page.
insmod /files/kpmem_log.ko path=/dev/pmem0 format=1 || lost "the module is not taken"
number=0
all=
while [ $number -lt $count ]; do
    # Later ones are longer, and take several lines.
    record=$(printf '%*d' $((number * 37 + 1)) $number)
    printf %s "$record" > /dev/kpmem_log || lost "record $number is not taken"
    all="$all$record"
    number=$((number + 1))
done
[ "$(cat /dev/kpmem_log)" = "$all" ] || lost "the records are not what was written"
rmmod kpmem_log || lost "the module stays"
end exit 0
