# A few records of the module under the crash simulator; rmmod has it make the crashes. All of the
# device is the log's, but for the simulator's page.
insmod /files/kpmem_log.ko path=/dev/pmem0 format=1 || lost "the module is not taken"
number=0
while [ $number -lt $count ]; do
    # Longer ones take several lines.
    printf '%*d' $((number * 37 + 1)) $number > /dev/kpmem_log || lost "record $number is not taken"
    number=$((number + 1))
done
rmmod kpmem_log || lost "the module stays"
end exit 0
