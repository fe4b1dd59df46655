/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A binary heap of pointers, smallest first. Items are told their index, so
 * that one can be removed or moved in O(log n).
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>

struct heap {
	void **items;
	size_t len, cap;
	bool (*less)(const void *a, const void *b);
	void (*moved)(void *item, size_t index); /* tells an item its new index */
};

/* moved may be NULL if no item is ever removed or updated. */
void heap_init(struct heap *, bool (*less)(const void *, const void *),
    void (*moved)(void *, size_t));
void heap_insert(struct heap *, void *item);
/* Removes and returns the item at index. */
void *heap_remove(struct heap *, size_t index);
void heap_update(struct heap *, size_t index); /* call it after the rank of the item has changed */
void *heap_first(const struct heap *);            /* NULL if the heap is empty */
void heap_free(struct heap *);                    /* does not free the items */

#endif
