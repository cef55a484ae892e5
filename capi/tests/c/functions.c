/* Plain functions, of tables and maps, and those whose instruction is settled. */
#include "check.h"

/* One set of plain functions does what it says. */
static int functions_work(const struct kpmem_functions *f)
{
	unsigned char bytes[100];

	memset(bytes, 3, sizeof(bytes));
	if (f->memmove_fn(memory + 5, bytes, sizeof(bytes), 0) != memory + 5)
		return 0;
	if (f->memcpy_fn(memory + 205, memory + 5, 100, KPMEM_F_NODRAIN) != memory + 205)
		return 0;
	/* Flags that contradict each other count as none. */
	if (f->memset_fn(memory + 305, 0x104, 100, KPMEM_F_WC | KPMEM_F_WB) != memory + 305)
		return 0;
	f->flush_fn(memory, 512);
	f->drain_fn();
	f->persist_fn(memory + 1, 511);
	if (f->writeback_invalidate_fn)
		f->writeback_invalidate_fn(memory, 512);
	return memory[5] == 3 && memory[104] == 3 && memory[304] == 3 && memory[305] == 4 &&
	       memory[404] == 4;
}

/* The settled functions of one name, as a set. By their types, so that a declaration which is
 * another than the table's does not compile. */
#define SETTLED(f, name, invalidate)                                                               \
	do {                                                                                       \
		(f).persist_fn = kpmem_##name##_persist;                                              \
		(f).flush_fn = kpmem_##name##_flush;                                                  \
		(f).drain_fn = kpmem_##name##_drain;                                                  \
		(f).memmove_fn = kpmem_##name##_memmove;                                              \
		(f).memcpy_fn = kpmem_##name##_memmove;                                               \
		(f).memset_fn = kpmem_##name##_memset;                                                \
		(f).writeback_invalidate_fn = invalidate;                                             \
	} while (0)

static void settled(void)
{
	struct kpmem_functions f;

	SETTLED(f, byte, NULL);
	CHECK("settled functions of bytes work", functions_work(&f));
#if defined(__x86_64__)
	{
		struct kpmem_cpu cpu;

		SETTLED(f, clflush, kpmem_clflush_writeback_invalidate);
		CHECK("settled functions of clflush work", functions_work(&f));
		RETURNS(0, kpmem_cpu_detect(&cpu));
		SETTLED(f, clflushopt, kpmem_clflushopt_writeback_invalidate);
		CHECK("settled functions of clflushopt work",
		      !(cpu.features & KPMEM_CPU_CLFLUSHOPT) || functions_work(&f));
		SETTLED(f, clwb, kpmem_clwb_writeback_invalidate);
		CHECK("settled functions of clwb work",
		      !(cpu.features & KPMEM_CPU_CLWB) || functions_work(&f));
	}
#elif defined(__aarch64__)
	SETTLED(f, cvac64, kpmem_cvac64_writeback_invalidate);
	CHECK("settled functions of cvac work", functions_work(&f));
	SETTLED(f, cvap64, kpmem_cvap64_writeback_invalidate);
	CHECK("settled functions of cvap are there", f.persist_fn != NULL);
#else
	SETTLED(f, zicbom64, kpmem_zicbom64_writeback_invalidate);
	CHECK("settled functions of zicbom are there", f.persist_fn != NULL);
#endif
}

void test_functions(void)
{
	struct kpmem_map map;
	struct kpmem_functions of_map, of_table, again;

	RETURNS(0, kpmem_map_init(&map, memory, 4096, KPMEM_GRANULARITY_CACHE_LINE));
	RETURNS(0, kpmem_map_functions(&map, &of_map));
	CHECK("the plain functions of a map work", functions_work(&of_map));
	CHECK("lines can be dropped", of_map.writeback_invalidate_fn != NULL);
	RETURNS(0, kpmem_map_functions(&map, &again));
	CHECK("they are the same each time",
	      of_map.persist_fn == again.persist_fn && of_map.memset_fn == again.memset_fn);
	RETURNS(0, kpmem_table_functions(kpmem_map_table(&map), &of_table));
	CHECK("they are those of the map's table",
	      of_map.persist_fn == of_table.persist_fn && of_map.memmove_fn == of_table.memmove_fn);
	RETURNS(KPMEM_E_ARGUMENT, kpmem_map_functions(&map, NULL));
	RETURNS(0, kpmem_map_fini(&map));

	RETURNS(0, kpmem_table_functions(kpmem_selected_byte(), &of_table));
	CHECK("the plain functions for bytes work", functions_work(&of_table));
	CHECK("byte granularity drops no lines", of_table.writeback_invalidate_fn == NULL);
	RETURNS(KPMEM_E_ARGUMENT, kpmem_table_functions(NULL, &of_table));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_table_functions(kpmem_selected_byte(), NULL));
	settled();
}
