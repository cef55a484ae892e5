/* The examples, and how each is called. */
#ifndef TABLE_H
#define TABLE_H

#include <stddef.h>

/* A call of the example: its arguments and what it reads. %s is the pool, %d the operation's
 * number. */
struct words {
	const char *arguments, *input;
};

struct example {
	const char *name, *layout;
	/* A new pool needs this. */
	struct words prepare;
	/* One operation; every fourth one removes, if the example can. */
	struct words insert, remove;
	/* Prints what is there; in no order, if it is unordered. */
	struct words show;
	int unordered;
};

/* A map is made by the first command that finds none. Its program is told which kind. */
#define MAP(name, type)                                                       \
	{ name, "map", { NULL, "" },                                          \
	  { type " %s 1", "i %d\n" }, { type " %s 1", "r %d\n" },           \
	  { type " %s 1", "p\n" }, 1 }

static const struct example examples[] = {
	{ "btree", "btree", { NULL, "" }, { "%s i %d value", "" }, { NULL, "" }, { "%s p", "" }, 0 },
	{ "lists", "two_lists", { NULL, "" }, { "%s 1 foo %d", "" }, { NULL, "" },
	  { "%s 1 foo print", "" }, 0 },
	{ "fifo", "list", { NULL, "" }, { "%s insert %d", "" }, { "%s remove", "" },
	  { "%s print", "" }, 0 },
	{ "queue", "queue", { "%s new 64", "" }, { "%s enqueue %d", "" }, { "%s dequeue", "" },
	  { "%s show", "" }, 0 },
	/* Not the ctree, which takes an entry without a value, as this program inserts it, for none. */
	MAP("btree_map", "btree"), MAP("rbtree_map", "rbtree"), MAP("rtree_map", "rtree"),
	MAP("skiplist_map", "skiplist"), MAP("hashmap_tx", "hashmap_tx"),
	MAP("hashmap_atomic", "hashmap_atomic"), MAP("hashmap_rp", "hashmap_rp"),
};

#endif
