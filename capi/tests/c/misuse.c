/* What is no handle is an error. */
#include "check.h"

/* Every function that takes a map. */
static int all_refuse(struct kpmem_map *map)
{
	struct kpmem_hook hook = { NULL, kpmem_virtio_flush, NULL };
	struct kpmem_functions functions;
	struct kpmem_batch batch;
	static struct kpmem_page_slot slot;
	const int wanted = KPMEM_E_HANDLE;

	return kpmem_map_persist(map, memory, 8) == wanted &&
	       kpmem_map_flush(map, memory, 8) == wanted && kpmem_map_drain(map) == wanted &&
	       kpmem_map_writeback_invalidate(map, memory, 8) == wanted &&
	       kpmem_map_memmove(map, memory, memory, 8, 0) == wanted &&
	       kpmem_map_memcpy(map, memory, memory, 8, 0) == wanted &&
	       kpmem_map_memset(map, memory, 0, 8, 0) == wanted &&
	       kpmem_map_store64(map, (uint64_t *)(void *)memory, 0) == wanted &&
	       kpmem_map_granularity(map) == wanted && kpmem_map_address(map) == NULL &&
	       kpmem_map_size(map) == 0 && kpmem_map_table(map) == NULL &&
	       kpmem_map_functions(map, &functions) == wanted &&
	       kpmem_map_register(map, &slot) == wanted && kpmem_map_unregister(map) == wanted &&
	       kpmem_map_deep_flush(map, &hook, memory, 8) == wanted &&
	       kpmem_map_deep_flush_start(map, &hook, memory, 8) == wanted &&
	       kpmem_map_deep_drain(map, &hook) == wanted &&
	       kpmem_map_clear(map, memory, 64, NULL, NULL) == wanted &&
	       kpmem_batch_init(&batch, map, NULL) == wanted && kpmem_map_fini(map) == wanted;
}

void test_misuse(void)
{
	struct kpmem_map map, copy;
	struct kpmem_poison list;
	size_t slots[2];
	unsigned char *inside = (unsigned char *)&map + 4;

	memset(&map, 0, sizeof(map));
	CHECK("zeroes are no map", all_refuse(&map));
	memset(&map, 0xff, sizeof(map));
	CHECK("other bytes are no map", all_refuse(&map));
	CHECK("null is no map", all_refuse(NULL));
	CHECK("what is not aligned is no map", all_refuse((struct kpmem_map *)(void *)inside));

	RETURNS(0, kpmem_map_init(&map, memory, 4096, KPMEM_GRANULARITY_BYTE));
	memcpy(&copy, &map, sizeof(map));
	CHECK("a copy is no map", all_refuse(&copy));
	RETURNS(0, kpmem_map_fini(&map));
	CHECK("an ended map is none", all_refuse(&map));

	RETURNS(0, kpmem_poison_init(&list, slots, 2));
	CHECK("a handle of another kind is no map", all_refuse((struct kpmem_map *)(void *)&list));
	RETURNS(KPMEM_E_HANDLE, kpmem_batch_fini((struct kpmem_batch *)(void *)&list));
	RETURNS(KPMEM_E_HANDLE, kpmem_platform_fini((struct kpmem_platform *)(void *)&list));
	RETURNS(KPMEM_E_HANDLE, kpmem_virtio_flush(&list));
}
