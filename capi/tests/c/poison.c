/* Poison: refused, cleared, and found by loads that fault. */
#include "check.h"

static int platform(void *context, void *ptr, size_t len)
{
	(void)ptr;
	(void)len;
	return *(int *)context;
}

/* Stops at the byte that the context says. */
static size_t copy(void *context, void *dest, const void *src, size_t len)
{
	size_t good = *(size_t *)context;

	if (good > len)
		good = len;
	memcpy(dest, src, good);
	return len - good;
}

void test_poison(void)
{
	struct kpmem_map map;
	struct kpmem_poison list;
	size_t slots[4], first = 0, good = 100;
	char out[256];
	int answer = -5;

	RETURNS(0, kpmem_poison_init(&list, slots, 4));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_poison_init(&list, NULL, 4));
	RETURNS(KPMEM_E_HANDLE, kpmem_poison_init(NULL, slots, 4));
	RETURNS(KPMEM_E_NO_MORE, kpmem_poison_first(&list, memory, 4096, &first));
	RETURNS(0, kpmem_map_init(&map, memory, 4096, KPMEM_GRANULARITY_CACHE_LINE));
	RETURNS(0, kpmem_map_avoid(&map, &list));
	RETURNS(0, kpmem_map_persist(&map, memory, 4096));
	RETURNS(0, kpmem_poison_add(&list, memory + 100, 1));
	RETURNS(0, kpmem_poison_first(&list, memory, 4096, &first));
	CHECK("poison is counted in units", first == (size_t)(uintptr_t)(memory + 64));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_poison_first(&list, memory, 4096, NULL));

	RETURNS(KPMEM_E_POISONED, kpmem_map_persist(&map, memory, 65));
	RETURNS(KPMEM_E_POISONED, kpmem_map_memset(&map, memory + 64, 0, 8, 0));
	RETURNS(KPMEM_E_POISONED, kpmem_map_memcpy(&map, memory, memory + 70, 8, 0));
	RETURNS(0, kpmem_map_persist(&map, memory, 64));
	RETURNS(KPMEM_E_MISALIGNED, kpmem_map_clear(&map, memory + 65, 64, NULL, NULL));
	RETURNS(-5, kpmem_map_clear(&map, memory + 64, 64, platform, &answer));
	RETURNS(KPMEM_E_POISONED, kpmem_map_persist(&map, memory, 65));
	memory[64] = 1;
	answer = 0;
	RETURNS(0, kpmem_map_clear(&map, memory + 64, 64, platform, &answer));
	CHECK("what is cleared is zero", memory[64] == 0);
	RETURNS(0, kpmem_map_persist(&map, memory, 65));

	memset(memory, 8, 256);
	RETURNS(KPMEM_E_POISONED,
		kpmem_map_read_mcsafe(&map, out, memory, sizeof(out), copy, &good));
	CHECK("the bytes before are copied", out[0] == 8 && out[99] == 8);
	RETURNS(0, kpmem_poison_first(&list, memory, 4096, &first));
	CHECK("where the copy stopped is in the list", first == (size_t)(uintptr_t)(memory + 64));
	good = 64;
	RETURNS(0, kpmem_map_read_mcsafe(&map, out, memory, 64, copy, &good));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_map_read_mcsafe(&map, out, memory, 64, NULL, NULL));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_map_read_mcsafe(&map, NULL, memory, 64, copy, &good));
	RETURNS(0, kpmem_map_read_mcsafe(&map, NULL, memory, 0, copy, &good));

	RETURNS(0, kpmem_poison_add(&list, memory + 512, 1));
	RETURNS(0, kpmem_poison_add(&list, memory + 1024, 1));
	RETURNS(0, kpmem_poison_add(&list, memory + 2048, 1));
	RETURNS(KPMEM_E_POISON_FULL, kpmem_poison_add(&list, memory + 3072, 1));
	RETURNS(KPMEM_E_NULL, kpmem_poison_add(&list, NULL, 1));
	RETURNS(KPMEM_E_HANDLE, kpmem_map_avoid(&map, NULL));
	RETURNS(KPMEM_E_HANDLE, kpmem_map_avoid(NULL, &list));
	RETURNS(KPMEM_E_HANDLE, kpmem_poison_add(NULL, memory, 1));
	RETURNS(KPMEM_E_HANDLE, kpmem_poison_first(NULL, memory, 1, &first));
	RETURNS(0, kpmem_map_fini(&map));
}
