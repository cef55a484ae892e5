/* CPUs, tables, and which is selected. */
#include "check.h"

#if defined(__x86_64__)
#define NAME "clflush"
#define OTHERS_NAME "cvap"
#elif defined(__aarch64__)
#define NAME "cvap"
#define OTHERS_NAME "clwb"
#else
#define NAME "zicbom"
#define OTHERS_NAME "clwb"
#endif

static struct kpmem_cpu able(void)
{
	struct kpmem_cpu cpu;

#if defined(__x86_64__)
	cpu.features = KPMEM_CPU_CLFLUSH;
#elif defined(__aarch64__)
	cpu.features = KPMEM_CPU_DPB;
#else
	cpu.features = KPMEM_CPU_ZICBOM;
#endif
	cpu.line = 64;
	return cpu;
}

static void cpus(void)
{
	struct kpmem_cpu cpu = able(), other = able();
	const struct kpmem_table *table = NULL;

	RETURNS(0, kpmem_cpu_table(&cpu, &table));
	CHECK("a CPU gets the table of its instruction",
	      strcmp(kpmem_table_name(table), NAME) == 0);
	CHECK("and of its line", kpmem_table_line(table) == 64);
	CHECK("and of cache lines",
	      kpmem_table_granularity(table) == KPMEM_GRANULARITY_CACHE_LINE);

	cpu.line = 48;
	RETURNS(KPMEM_E_LINE_SIZE, kpmem_cpu_table(&cpu, &table));
	cpu.line = 32;
	RETURNS(0, kpmem_cpu_common(&cpu, &other));
	CHECK("CPUs have the smaller line in common", cpu.line == 32);
	other.features = 0;
	RETURNS(0, kpmem_cpu_common(&cpu, &other));
	CHECK("and the instructions that both have", cpu.features == 0);
	RETURNS(KPMEM_E_UNSUPPORTED, kpmem_cpu_table(&cpu, &table));
	cpu.features = 0x80000000;
	RETURNS(KPMEM_E_ARGUMENT, kpmem_cpu_table(&cpu, &table));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_cpu_common(&cpu, &other));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_cpu_common(&other, NULL));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_cpu_table(NULL, &table));
	cpu = able();
	RETURNS(KPMEM_E_ARGUMENT, kpmem_cpu_table(&cpu, NULL));
	RETURNS(KPMEM_E_NO_DEEP_DOMAIN, kpmem_cpu_deep_table(&cpu, &table));
#if defined(__riscv)
	RETURNS(KPMEM_E_UNSUPPORTED, kpmem_cpu_detect(&cpu));
#else
	RETURNS(0, kpmem_cpu_detect(&cpu));
	CHECK("a CPU that is asked has lines", cpu.line >= 16);
	RETURNS(KPMEM_E_ARGUMENT, kpmem_cpu_detect(NULL));
#endif
}

void test_tables(void)
{
	const struct kpmem_table *table = NULL, *selected = NULL, *byte = NULL;
	const struct kpmem_table *none = (const struct kpmem_table *)(const void *)memory;

	cpus();
	RETURNS(0, kpmem_table_find("byte", 1, &byte));
	CHECK("the table of bytes is of byte granularity",
	      kpmem_table_granularity(byte) == KPMEM_GRANULARITY_BYTE);
	CHECK("its name is byte", strcmp(kpmem_table_name(byte), "byte") == 0);
	RETURNS(0, kpmem_table_find(NAME, 64, &table));
	RETURNS(KPMEM_E_LINE_SIZE, kpmem_table_find(NAME, 4, &table));
	RETURNS(KPMEM_E_MISSING, kpmem_table_find(OTHERS_NAME, 64, &table));
	RETURNS(KPMEM_E_MISSING, kpmem_table_find("", 64, &table));
	RETURNS(KPMEM_E_MISSING, kpmem_table_find(NAME "x", 64, &table));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_table_find(NULL, 64, &table));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_table_find(NAME, 64, NULL));

	CHECK("another address is no table", kpmem_table_name(none) == NULL);
	CHECK("it has no line", kpmem_table_line(none) == 0);
	CHECK("null is no table", kpmem_table_granularity(NULL) == KPMEM_E_ARGUMENT);
	RETURNS(KPMEM_E_ARGUMENT, kpmem_select(none));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_select(NULL));
	RETURNS(KPMEM_E_WRONG_GRANULARITY, kpmem_select(byte));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_selected(NULL));

	/* Every x86_64 CPU has clflush, and the others' is what the tests run on. */
	RETURNS(0, kpmem_select(table));
	RETURNS(0, kpmem_select(table));
	RETURNS(0, kpmem_selected(&selected));
	CHECK("what is selected is what was said", selected == table);
#if defined(__x86_64__)
	RETURNS(0, kpmem_table_find("clwb", 64, &table));
	RETURNS(KPMEM_E_ALREADY_SELECTED, kpmem_select(table));
#endif
	CHECK("there is a table for byte maps",
	      kpmem_table_granularity(kpmem_selected_byte()) == KPMEM_GRANULARITY_BYTE);
}
