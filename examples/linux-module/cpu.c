// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* RISC-V: what Linux knows of the CPUs, as kpmem wants to hear it. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/printk.h>

#include <asm/cacheflush.h>
#include <asm/cpufeature.h>

#include <kpmem.h>

#include "cpu.h"

int cpu_select(void)
{
	struct kpmem_cpu cpu = {
		.features = KPMEM_CPU_ZICBOM,
		.line = riscv_cbom_block_size,
	};
	const struct kpmem_table *table;
	char why[128];
	int err;

	/* Linux has it enabled in the kernel where each hart has it, and their blocks are alike. */
	if (!riscv_isa_extension_available(NULL, ZICBOM)) {
		pr_err("not each hart has Zicbom: no instruction writes lines back\n");
		return -EOPNOTSUPP;
	}
	err = kpmem_cpu_table(&cpu, &table);
	if (!err)
		err = kpmem_select(table);
	if (!err)
		return 0;
	kpmem_errormsg(err, why, sizeof(why));
	pr_err("kpmem has nothing for Zicbom's blocks of %u bytes: %s\n", cpu.line, why);
	return -EOPNOTSUPP;
}
