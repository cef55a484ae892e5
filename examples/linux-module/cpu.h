/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef KPMEM_LOG_CPU_H
#define KPMEM_LOG_CPU_H

#include <linux/kconfig.h>

/* Tells kpmem by which instruction this machine writes lines back, before the first map is made. It
 * asks the CPU by itself where a CPU can be asked, which is everywhere but on RISC-V. */
#if IS_ENABLED(CONFIG_RISCV)
int cpu_select(void);
#else
static inline int cpu_select(void)
{
	return 0;
}
#endif

#endif
