# Appends, or looks what is there. The module that comes with a mistake appends in mode control.
insmod /files/nd_pmem.ko
fsdax
module=/files/kpmem_log.ko
[ $mode = control ] && module=/files/early.ko
insmod $module path=/dev/pmem0 2>/dev/null || insmod $module path=/dev/pmem0 format=1 || lost
/files/appender $mode $seed
