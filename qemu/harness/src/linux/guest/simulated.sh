# A few records under the crash simulator; rmmod has it make the crashes. The memory is taken by its
# addresses: all of it is the log's, but for the simulator's page.
insmod /files/$module.ko start=$nvdimm size=$bytes format=1 || lost
/files/appender append $seed $count || leave 5
rmmod kpmem_log
