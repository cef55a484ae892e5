/*
 * One program, linked with PMDK's libpmem2 and with kpmem's: what they print must be the same, but
 * for the lines that begin with "defect". C99 and C++17.
 *
 * NO_OS: only the calls that bare metal has.
 */
#ifndef TWIN_H
#define TWIN_H

#include <libpmem2.h>
#include <stddef.h>

#define PAGE 4096
#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* A line of the output: "part: what: value". */
void part(const char *name);
void say(const char *what, const char *format, ...) __attribute__((__format__(__printf__, 2, 3)));
/* The same, where the two are known to differ: the number is that of CONTRACT.md. */
void defect(int number, const char *what, const char *format, ...)
	__attribute__((__format__(__printf__, 3, 4)));

/* Runs it in a child, for half a second of the CPU: "returned 5", "signal 11", "hangs". */
const char *in_child(int (*run)(void));

/* Fresh memory, whole pages of zeroes, with a page behind that faults. */
char *memory(size_t pages);
/* A map of it. Ends the program if there is none. */
struct pmem2_map *map_of(void *address, size_t len, enum pmem2_granularity granularity);
void unmap(struct pmem2_map *map);

void errors(void);
void existing(void);
void copies(void);
void files(const char *folder);
void rules(const char *folder);
void reservations(const char *folder);
void devices(const char *folder);
void defects(const char *folder);

/* A file in the folder that no name leads to any more. Ends the program if there is none. */
int file_of(const char *folder, size_t size);
/* A source from an open file. Ends the program if there is none. */
struct pmem2_source *source_of(int fd);

#endif
