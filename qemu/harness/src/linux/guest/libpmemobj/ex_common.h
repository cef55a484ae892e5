/* What the examples of libpmemobj-dev include and the package does not ship. */
#ifndef EX_COMMON_H
#define EX_COMMON_H

#include <stdint.h>
#include <sys/param.h>
#include <time.h>
#include <unistd.h>

/* Of a pool that is created. */
#define CREATE_MODE_RW 0600

/* 0 if there is such a file. */
static inline int file_exists(const char *path)
{
	return access(path, F_OK);
}

/* The number of the highest bit that is set; -1 if none is. */
static inline int find_last_set_64(uint64_t value)
{
	return value ? 63 - __builtin_clzll(value) : -1;
}

#endif
