# A few records under the crash simulator; rmmod has it make the crashes.
insmod /files/$module.ko path=/dev/pmem0 format=1 || lost
/files/appender append $seed $count || leave 5
rmmod kpmem_log
