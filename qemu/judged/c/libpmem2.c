/* PMDK's functions, taken from a map as its users do. Linked with Debian's libpmem2.a. */
#include <libpmem2.h>
#include <stdlib.h>

/* The guest's persistent memory, but for the mailbox. */
#define BASE ((void *)0x100000000)
#define SIZE ((1 << 20) - 4096)

static struct pmem2_map *map(void)
{
	static struct pmem2_map *map;
	struct pmem2_config *config;
	struct pmem2_source *source;

	if (map)
		return map;
	if (pmem2_config_new(&config) ||
	    pmem2_config_set_required_store_granularity(config, PMEM2_GRANULARITY_CACHE_LINE) ||
	    pmem2_source_from_anon(&source, SIZE) ||
	    pmem2_map_from_existing(&map, source, BASE, SIZE, PMEM2_GRANULARITY_CACHE_LINE))
		abort();
	return map;
}

void right_persist(const void *ptr, size_t len)
{
	pmem2_get_persist_fn(map())(ptr, len);
}

void *torn_memcpy(void *to, const void *from, size_t len)
{
	return pmem2_get_memcpy_fn(map())(to, from, len, 0);
}
