/* Copies and fills: what they store, and which flags they take. */
#include "check.h"

static const uint32_t right[] = {
	0,
	KPMEM_F_NODRAIN,
	KPMEM_F_NONTEMPORAL,
	KPMEM_F_TEMPORAL,
	KPMEM_F_WC,
	KPMEM_F_WB,
	KPMEM_F_NOFLUSH,
	KPMEM_F_NONTEMPORAL | KPMEM_F_NODRAIN,
	KPMEM_F_NOFLUSH | KPMEM_F_TEMPORAL,
};

/* Every way of a copy, at every offset in a word, is what libc's would be. */
static int copies_are_right(const struct kpmem_map *map)
{
	static unsigned char wanted[2048];
	size_t flags, offset, i;
	unsigned char *to = memory + 1024;

	for (flags = 0; flags < sizeof(right) / sizeof(right[0]); flags++) {
		for (offset = 0; offset < 9; offset++) {
			for (i = 0; i < 2048; i++)
				memory[i] = wanted[i] = (unsigned char)(i * 7 + offset);
			memmove(wanted + 1024 + offset, wanted + 1000, 300);
			if (kpmem_map_memmove(map, to + offset, memory + 1000, 300, right[flags]))
				return 0;
			memset(wanted + offset, 0xa5, 100);
			if (kpmem_map_memset(map, memory + offset, 0x1a5, 100, right[flags]))
				return 0;
			memcpy(wanted + 512, wanted + 1200, 64);
			if (kpmem_map_memcpy(map, memory + 512, memory + 1200, 64, right[flags]))
				return 0;
			if (kpmem_map_drain(map) || memcmp(memory, wanted, 2048))
				return 0;
		}
	}
	return 1;
}

void test_copies(void)
{
	struct kpmem_map map;

	RETURNS(0, kpmem_map_init(&map, memory, 2048, KPMEM_GRANULARITY_CACHE_LINE));
	CHECK("copies through cache lines are libc's", copies_are_right(&map));
	RETURNS(KPMEM_E_FLAGS, kpmem_map_memcpy(&map, memory, memory + 64, 8,
						KPMEM_F_NONTEMPORAL | KPMEM_F_TEMPORAL));
	RETURNS(KPMEM_E_FLAGS,
		kpmem_map_memmove(&map, memory, memory + 64, 8, KPMEM_F_WC | KPMEM_F_WB));
	RETURNS(KPMEM_E_FLAGS,
		kpmem_map_memset(&map, memory, 0, 8, KPMEM_F_NOFLUSH | KPMEM_F_NONTEMPORAL));
	RETURNS(KPMEM_E_FLAGS, kpmem_map_memset(&map, memory, 0, 8, 64));
	RETURNS(KPMEM_E_OUTSIDE_MAP, kpmem_map_memcpy(&map, memory + 2040, memory, 9, 0));
	RETURNS(KPMEM_E_OUTSIDE_MAP, kpmem_map_memset(&map, memory - 8, 0, 8, 0));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_map_memcpy(&map, memory, NULL, 8, 0));
	RETURNS(0, kpmem_map_memcpy(&map, NULL, NULL, 0, 0));
	RETURNS(0, kpmem_map_fini(&map));

	RETURNS(0, kpmem_map_init(&map, memory, 2048, KPMEM_GRANULARITY_BYTE));
	CHECK("copies under byte granularity are libc's", copies_are_right(&map));
	RETURNS(0, kpmem_map_fini(&map));
}
