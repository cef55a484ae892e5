/* Counts checks, and prints each as a case that the harness reads. */
#ifndef CHECK_H
#define CHECK_H

#include "kpmem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A case: what holds, in words, and the expression that must be true. */
#define CHECK(what, condition) check(__FILE__, __LINE__, what, (condition) != 0, #condition)

/* A case: a call must return this code. */
#define RETURNS(code, call) returns(__FILE__, __LINE__, #call, call, code, #code)

void check(const char *file, int line, const char *what, int holds, const char *condition);
void returns(const char *file, int line, const char *call, int found, int wanted,
	     const char *name);

/* Persistent memory, as far as a test goes: 64 KiB, aligned to a page. */
extern unsigned char *memory;
#define MEMORY_SIZE 65536

/* The directory of the firmware's tables. */
extern const char *tables;

void test_errors(void);
void test_tables(void);
void test_maps(void);
void test_copies(void);
void test_misuse(void);
void test_functions(void);
void test_pages(void);
void test_batches(void);
void test_deep(void);
void test_poison(void);
void test_platform(void);
void test_others(void);
void test_trees(void);
void test_virtio(void);

#endif
