/* A kernel in C that keeps a counter in persistent memory, by libkpmem.a.
 *
 * The counter is in two slots that are written in turn, so that one is whole at any moment; each is
 * a value and its complement. Recovery takes the larger of the whole ones.
 *
 * Parameters of the boot: `simulate=1` runs under the crash simulator (`cargo xtask crash`) and
 * asks it for each content that a power cut may leave; `mode=reboot` says what recovery makes of
 * one. `bug=1` forgets to persist the complement, which is in another line; `bug=2` writes always
 * the same slot. */
#include "kpmem.h"
#include "kpmem_marks.h"
#include "kpmem_runtime.h"
#include "print.h"

#define STEPS 100
#define SLOT 512 /* a value, and in another line its complement */
#define COMPLEMENT 256

static struct kpmem_map map;
static uint64_t bug;

static volatile uint64_t *word(uint64_t slot, size_t offset)
{
	char *base = (char *)kpmem_map_address(&map);

	return (volatile uint64_t *)(void *)(base + slot * SLOT + offset);
}

/* Ends the kernel with a sentence about an error. */
static void must(const char *what, int error)
{
	char text[160];

	if (error == 0)
		return;
	kpmem_errormsg(error, text, sizeof(text));
	print(what);
	print(": ");
	print(text);
	print("\n");
	kpmem_runtime_exit(4);
}

/* Writes a slot and makes it durable. */
static void write_slot(uint64_t slot, uint64_t value)
{
	struct kpmem_batch batch;

	*word(slot, 0) = value;
	*word(slot, COMPLEMENT) = ~value;
	must("batch", kpmem_batch_init(&batch, &map, NULL));
	must("flush", kpmem_batch_flush(&batch, (const void *)word(slot, 0), 8));
	if (bug != 1)
		must("flush", kpmem_batch_flush(&batch, (const void *)word(slot, COMPLEMENT), 8));
	must("drain", kpmem_batch_fini(&batch));
}

/* The larger of the slots that are whole; 0 if none is. */
static uint64_t read_counter(void)
{
	uint64_t slot, value, largest = 0;

	for (slot = 0; slot < 2; slot++) {
		value = *word(slot, 0);
		if (*word(slot, COMPLEMENT) == ~value && value > largest)
			largest = value;
	}
	return largest;
}

/* Counts, and asks for each content that a power cut may leave. */
static void simulate(const volatile void *mailbox)
{
	struct kpmem_crash crash;
	uint64_t value, slot;

	write_slot(0, 0);
	write_slot(1, 0);
	kpmem_begin(0);
	for (value = 1; value <= STEPS; value++) {
		slot = bug == 2 ? 0 : value % 2;
		write_slot(slot, value);
		kpmem_claim((const void *)word(slot, 0), 8, value);
		kpmem_claim((const void *)word(slot, COMPLEMENT), 8, value);
	}
	kpmem_end();
	/* Each value made two claims; the first of them is of a counter that is already there. */
	while (kpmem_next_crash(mailbox, &crash))
		kpmem_verdict(read_counter() < crash.claims / 2);
}

/* The table of this CPU: by asking it, or by what the firmware said of it. */
static const struct kpmem_table *find_table(const struct kpmem_machine *machine)
{
	const struct kpmem_table *table = NULL;
	struct kpmem_cpu cpu;

#if defined(__riscv)
	cpu.features = KPMEM_CPU_ZICBOM;
	cpu.line = (uint32_t)machine->block;
#else
	(void)machine;
	must("CPU", kpmem_cpu_detect(&cpu));
#endif
	must("table", kpmem_cpu_table(&cpu, &table));
	return table;
}

void c_kernel(const struct kpmem_machine *machine)
{
	size_t len = machine->size - KPMEM_MAILBOX;
	const volatile uint64_t *mailbox;
	uint64_t value;

	must("select", kpmem_select(find_table(machine)));
	must("map", kpmem_map_init(&map, machine->nvdimm, len, KPMEM_GRANULARITY_CACHE_LINE));
	mailbox = (const volatile uint64_t *)(const void *)((const char *)machine->nvdimm + len);
	bug = kpmem_runtime_number(machine, "bug", 0);

	if (kpmem_runtime_is(machine, "mode", "reboot")) {
		print_number("verdict ", read_counter() < mailbox[3] / 2);
		return;
	}
	if (kpmem_runtime_number(machine, "simulate", 0)) {
		simulate(mailbox);
		return;
	}
	/* Counts the boots. */
	value = read_counter();
	print_number("boots so far: ", value);
	write_slot((value + 1) % 2, value + 1);
	print_number("durable: ", value + 1);
	must("end", kpmem_map_fini(&map));
}
