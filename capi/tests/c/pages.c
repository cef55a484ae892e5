/* Page maps: their hooks, and the plain functions that find them. */
#include "check.h"

struct device {
	int flushes, drains;
	int fails_to_flush, fails_to_drain;
	const void *last;
	size_t len;
};

static int flush(void *context, const void *ptr, size_t len)
{
	struct device *device = (struct device *)context;

	device->flushes++;
	device->last = ptr;
	device->len = len;
	return device->fails_to_flush;
}

static int drain(void *context)
{
	struct device *device = (struct device *)context;

	device->drains++;
	return device->fails_to_drain;
}

static struct kpmem_hook hook_of(struct device *device)
{
	struct kpmem_hook hook = { flush, drain, NULL };

	memset(device, 0, sizeof(*device));
	hook.context = device;
	return hook;
}

static void checked(void)
{
	struct kpmem_map map;
	struct device device;
	struct kpmem_hook hook = hook_of(&device), empty = { NULL, NULL, NULL };

	RETURNS(KPMEM_E_ARGUMENT, kpmem_map_init_hook(&map, memory, 4096, NULL));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_map_init_hook(&map, memory, 4096, &empty));
	RETURNS(KPMEM_E_EMPTY, kpmem_map_init_hook(&map, memory, 0, &hook));
	RETURNS(0, kpmem_map_init_hook(&map, memory, 4096, &hook));
	CHECK("a page map is of page granularity",
	      kpmem_map_granularity(&map) == KPMEM_GRANULARITY_PAGE);
	CHECK("a page map has no table", kpmem_map_table(&map) == NULL);

	RETURNS(0, kpmem_map_flush(&map, memory + 3, 5));
	CHECK("the hook gets the range as it is",
	      device.last == memory + 3 && device.len == 5 && device.flushes == 1);
	RETURNS(0, kpmem_map_flush(&map, memory, 8));
	CHECK("a flush drains nothing", device.drains == 0);
	RETURNS(0, kpmem_map_drain(&map));
	CHECK("one drain is for many flushes", device.flushes == 2 && device.drains == 1);
	RETURNS(0, kpmem_map_drain(&map));
	CHECK("a drain of nothing asks nobody", device.drains == 1);
	RETURNS(0, kpmem_map_memset(&map, memory, 9, 100, 0));
	CHECK("a fill is one flush and one drain", device.flushes == 3 && device.drains == 2);

	device.fails_to_flush = -28;
	RETURNS(-28, kpmem_map_persist(&map, memory, 8));
	device.fails_to_flush = 1;
	RETURNS(KPMEM_E_SYNC, kpmem_map_persist(&map, memory, 8));
	device.fails_to_flush = 0;
	device.fails_to_drain = -5;
	RETURNS(-5, kpmem_map_persist(&map, memory, 8));
	device.fails_to_drain = -5000;
	RETURNS(KPMEM_E_SYNC, kpmem_map_drain(&map));
	device.fails_to_drain = 0;
	RETURNS(0, kpmem_map_drain(&map));
	RETURNS(KPMEM_E_NOT_INVALIDATED, kpmem_map_writeback_invalidate(&map, memory, 8));
	RETURNS(KPMEM_E_OUTSIDE_MAP, kpmem_map_persist(&map, memory, 4097));
	RETURNS(0, kpmem_map_fini(&map));
}

static struct kpmem_page_slot slot, other_slot;

void test_pages(void)
{
	struct kpmem_map map, other;
	struct device device, second;
	struct kpmem_hook hook = hook_of(&device), other_hook = hook_of(&second);
	struct kpmem_functions functions;

	checked();
	RETURNS(0, kpmem_map_init_hook(&map, memory, 4096, &hook));
	RETURNS(0, kpmem_map_init_hook(&other, memory + 4096, 4096, &other_hook));
	RETURNS(KPMEM_E_NOT_REGISTERED, kpmem_map_functions(&map, &functions));
	RETURNS(KPMEM_E_NOT_REGISTERED, kpmem_map_unregister(&map));
	RETURNS(KPMEM_E_HANDLE, kpmem_map_register(&map, NULL));
	RETURNS(0, kpmem_map_register(&map, &slot));
	RETURNS(KPMEM_E_BUSY, kpmem_map_register(&map, &other_slot));
	RETURNS(KPMEM_E_BUSY, kpmem_map_init_hook(&map, memory, 4096, &other_hook));
	RETURNS(KPMEM_E_BUSY, kpmem_map_init(&map, memory, 64, KPMEM_GRANULARITY_BYTE));
	RETURNS(KPMEM_E_SLOT_IN_USE, kpmem_map_register(&other, &slot));
	RETURNS(0, kpmem_map_register(&other, &other_slot));
	RETURNS(0, kpmem_map_functions(&map, &functions));

	device.flushes = second.flushes = 0;
	functions.persist_fn(memory + 4090, 12);
	CHECK("a plain function spans maps with different hooks",
	      device.flushes == 1 && second.flushes == 1 && device.len == 6 && second.len == 6);
	device.fails_to_flush = -7;
	functions.persist_fn(memory, 8);
	device.fails_to_flush = 0;
	RETURNS(-7, kpmem_map_drain(&map));
	functions.persist_fn(memory + 8192, 8);
	RETURNS(KPMEM_E_NOT_COVERED, kpmem_map_drain(&map));
	RETURNS(0, kpmem_map_drain(&map));

	RETURNS(0, kpmem_map_unregister(&other));
	RETURNS(0, kpmem_map_fini(&other));
	RETURNS(0, kpmem_map_init_hook(&other, memory + 4095, 4096, &other_hook));
	RETURNS(KPMEM_E_OVERLAP, kpmem_map_register(&other, &other_slot));
	RETURNS(0, kpmem_map_fini(&other));
	RETURNS(0, kpmem_map_init(&other, memory, 64, KPMEM_GRANULARITY_BYTE));
	RETURNS(KPMEM_E_WRONG_GRANULARITY, kpmem_map_register(&other, &other_slot));
	RETURNS(0, kpmem_map_fini(&other));
	/* The end of a map takes it out. */
	RETURNS(0, kpmem_map_fini(&map));
	RETURNS(0, kpmem_map_init_hook(&map, memory, 4096, &hook));
	RETURNS(0, kpmem_map_register(&map, &slot));
	RETURNS(0, kpmem_map_fini(&map));
}
