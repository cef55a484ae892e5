/* The runtime for a kernel in C. Its Rust side is one line:
 *
 *     kpmem_runtime::entry!(extern "C" my_kernel);
 *
 * which calls `void my_kernel(const struct kpmem_machine *)` when the machine is up. Returning ends
 * QEMU with exit code 0. Floating point (x87, too) and vectors are off: a trap.
 */
#ifndef KPMEM_RUNTIME_H
#define KPMEM_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kpmem_machine {
    void *nvdimm;     /* its first byte, mapped write-back; null if there is none */
    size_t size;      /* its bytes */
    size_t block;     /* bytes of a cache block where firmware tells (RISC-V), else 0 */
    const void *full; /* the runtime's own */
};

/* Prints `len` bytes of UTF-8. */
void kpmem_runtime_write(const char *text, size_t len);

/* The value of a parameter of this boot (`key=value`) as a number, or `missing`. One that is no
 * number ends QEMU with exit code 2. */
uint64_t kpmem_runtime_number(const struct kpmem_machine *machine, const char *key, uint64_t missing);

/* Whether a parameter of this boot has this value; the first that is there counts. */
int kpmem_runtime_is(const struct kpmem_machine *machine, const char *key, const char *value);

/* Ends QEMU and does not return. 0 is success; on x86_64 codes of more than 127 count as 127. */
void kpmem_runtime_exit(uint8_t code);

#ifdef __cplusplus
}
#endif

#endif
