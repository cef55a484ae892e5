/* Maps: how they are made and ended, and their checked calls. */
#include "check.h"

/* What the header states, seen by C too: an array of no bytes would not compile. */
#define STATED(type, size) typedef char stated_##type[sizeof(struct type) == (size) ? 1 : -1]
STATED(kpmem_map, KPMEM_MAP_SIZE);
STATED(kpmem_batch, KPMEM_BATCH_SIZE);
STATED(kpmem_page_slot, KPMEM_PAGE_SLOT_SIZE);
STATED(kpmem_poison, KPMEM_POISON_SIZE);
STATED(kpmem_platform, KPMEM_PLATFORM_SIZE);
STATED(kpmem_virtio, KPMEM_VIRTIO_SIZE);

static void making(void)
{
	struct kpmem_map map;
	const struct kpmem_table *table = NULL;
	unsigned char *top = (unsigned char *)(~(uintptr_t)0 - 4095);

	RETURNS(0, kpmem_map_init(&map, memory, MEMORY_SIZE, KPMEM_GRANULARITY_BYTE));
	CHECK("a map has its address", kpmem_map_address(&map) == memory);
	CHECK("and its size", kpmem_map_size(&map) == MEMORY_SIZE);
	CHECK("and its granularity", kpmem_map_granularity(&map) == KPMEM_GRANULARITY_BYTE);
	CHECK("and its table", kpmem_map_table(&map) == kpmem_selected_byte());
	RETURNS(0, kpmem_map_fini(&map));

	RETURNS(0, kpmem_map_init(&map, memory, 1, KPMEM_GRANULARITY_CACHE_LINE));
	RETURNS(0, kpmem_selected(&table));
	CHECK("a map of cache lines has the selected table", kpmem_map_table(&map) == table);
	RETURNS(0, kpmem_map_fini(&map));

	RETURNS(0, kpmem_map_init_table(&map, top, 4096, table));
	CHECK("a map may end at the top of the address space", kpmem_map_size(&map) == 4096);
	RETURNS(0, kpmem_map_fini(&map));

	RETURNS(KPMEM_E_NULL, kpmem_map_init(&map, NULL, 64, KPMEM_GRANULARITY_BYTE));
	RETURNS(KPMEM_E_EMPTY, kpmem_map_init(&map, memory, 0, KPMEM_GRANULARITY_BYTE));
	RETURNS(KPMEM_E_WRAPS, kpmem_map_init(&map, top, 4097, KPMEM_GRANULARITY_BYTE));
	RETURNS(KPMEM_E_NO_HOOK, kpmem_map_init(&map, memory, 64, KPMEM_GRANULARITY_PAGE));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_map_init(&map, memory, 64, 3));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_map_init(&map, memory, 64, -1));
	RETURNS(KPMEM_E_HANDLE, kpmem_map_init(NULL, memory, 64, KPMEM_GRANULARITY_BYTE));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_map_init_table(&map, memory, 64, NULL));
}

void test_maps(void)
{
	struct kpmem_map map;
	uint64_t *word = (uint64_t *)(void *)(memory + 64);

	making();
	RETURNS(0, kpmem_map_init(&map, memory, 4096, KPMEM_GRANULARITY_CACHE_LINE));
	RETURNS(0, kpmem_map_persist(&map, memory, 4096));
	RETURNS(0, kpmem_map_persist(&map, memory + 63, 2));
	RETURNS(0, kpmem_map_flush(&map, memory, 64));
	RETURNS(0, kpmem_map_drain(&map));
	memset(memory, 7, 64);
	RETURNS(0, kpmem_map_writeback_invalidate(&map, memory, 64));
	CHECK("what was dropped from the cache is still there", memory[0] == 7 && memory[63] == 7);

	RETURNS(0, kpmem_map_persist(&map, NULL, 0));
	RETURNS(0, kpmem_map_flush(&map, memory + 9999, 0));
	RETURNS(KPMEM_E_OUTSIDE_MAP, kpmem_map_persist(&map, memory + 4095, 2));
	RETURNS(KPMEM_E_OUTSIDE_MAP, kpmem_map_flush(&map, memory - 1, 2));
	RETURNS(KPMEM_E_WRAPS, kpmem_map_flush(&map, memory, ~(size_t)0));
	RETURNS(KPMEM_E_OUTSIDE_MAP, kpmem_map_writeback_invalidate(&map, memory, 4097));

	RETURNS(0, kpmem_map_store64(&map, word, 0x1122334455667788ull));
	CHECK("a word is stored", *word == 0x1122334455667788ull);
	RETURNS(KPMEM_E_MISALIGNED,
		kpmem_map_store64(&map, (uint64_t *)(void *)(memory + 65), 1));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_map_store64(&map, NULL, 1));
	RETURNS(KPMEM_E_OUTSIDE_MAP,
		kpmem_map_store64(&map, (uint64_t *)(void *)(memory + 4096), 1));
	RETURNS(0, kpmem_map_fini(&map));

	RETURNS(0, kpmem_map_init(&map, memory, 4096, KPMEM_GRANULARITY_BYTE));
	RETURNS(KPMEM_E_NOT_INVALIDATED, kpmem_map_writeback_invalidate(&map, memory, 64));
	RETURNS(0, kpmem_map_fini(&map));
}
