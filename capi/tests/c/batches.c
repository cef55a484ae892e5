/* Batches, and the guard that keeps a task on its CPU. */
#include "check.h"

struct order {
	int entered, left, drains, drained_inside;
};

static void *enter(void *context)
{
	struct order *order = (struct order *)context;

	order->entered++;
	return &order->left;
}

static void leave(void *context, void *state)
{
	struct order *order = (struct order *)context;

	if (state == &order->left)
		order->left++;
}

static int drain(void *context)
{
	struct order *order = (struct order *)context;

	order->drains++;
	order->drained_inside = order->entered == 1 && order->left == 0;
	return 0;
}

void test_batches(void)
{
	struct order order = { 0, 0, 0, 0 };
	struct kpmem_hook hook = { NULL, drain, NULL };
	struct kpmem_guard guard = { enter, leave, NULL }, half = { enter, NULL, NULL };
	struct kpmem_map map;
	struct kpmem_batch batch;

	hook.context = guard.context = half.context = &order;
	RETURNS(0, kpmem_map_init_hook(&map, memory, 4096, &hook));
	RETURNS(0, kpmem_batch_init(&batch, &map, &guard));
	RETURNS(0, kpmem_batch_flush(&batch, memory, 8));
	RETURNS(0, kpmem_batch_memmove(&batch, memory + 64, "durable", 8, 0));
	RETURNS(0, kpmem_batch_memset(&batch, memory + 128, 5, 8, 0));
	CHECK("a batch does not drain before its end", order.drains == 0);
	RETURNS(KPMEM_E_OUTSIDE_MAP, kpmem_batch_flush(&batch, memory + 4096, 1));
	RETURNS(0, kpmem_batch_fini(&batch));
	CHECK("a batch drains once, inside its guard", order.drains == 1 && order.drained_inside);
	CHECK("the guard is left", order.left == 1);
	CHECK("what was copied is there",
	      strcmp((char *)memory + 64, "durable") == 0 && memory[135] == 5);
	RETURNS(KPMEM_E_HANDLE, kpmem_batch_fini(&batch));
	RETURNS(KPMEM_E_HANDLE, kpmem_batch_flush(&batch, memory, 8));
	RETURNS(KPMEM_E_HANDLE, kpmem_batch_memmove(&batch, memory, memory, 8, 0));
	RETURNS(KPMEM_E_HANDLE, kpmem_batch_memset(NULL, memory, 0, 8, 0));

	RETURNS(KPMEM_E_ARGUMENT, kpmem_batch_init(&batch, &map, &half));
	CHECK("half a guard is not entered", order.entered == 1);
	RETURNS(KPMEM_E_HANDLE, kpmem_batch_init(NULL, &map, &guard));
	CHECK("without a batch no guard is entered", order.entered == 1);
	RETURNS(0, kpmem_batch_init(&batch, &map, NULL));
	RETURNS(KPMEM_E_BUSY, kpmem_batch_init(&batch, &map, &guard));
	CHECK("over an open batch no guard is entered", order.entered == 1);
	RETURNS(0, kpmem_batch_fini(&batch));
	RETURNS(0, kpmem_map_fini(&map));
}
