/* SPDX-License-Identifier: Apache-2.0 */
/* The heap is an array: the children of item i are items 2i+1 and 2i+2. */
#include <stdlib.h>

#include "base/heap.h"
#include "base/mem.h"

static void heap_place(struct heap *, size_t, void *);
static void heap_sift_up(struct heap *, size_t);
static void heap_sift_down(struct heap *, size_t);

static void
heap_place(struct heap *h, size_t index, void *item)
{
	h->items[index] = item;
	if (h->moved != NULL)
		h->moved(item, index);
}

static void
heap_sift_up(struct heap *h, size_t index)
{
	void *item = h->items[index];
	size_t parent;

	for (; index > 0; index = parent) {
		parent = (index - 1) / 2;
		if (!h->less(item, h->items[parent]))
			break;
		heap_place(h, index, h->items[parent]);
	}
	heap_place(h, index, item);
}

static void
heap_sift_down(struct heap *h, size_t index)
{
	void *item = h->items[index];
	size_t child;

	for (; (child = 2 * index + 1) < h->len; index = child) {
		if (child + 1 < h->len && h->less(h->items[child + 1], h->items[child]))
			child++;
		if (!h->less(h->items[child], item))
			break;
		heap_place(h, index, h->items[child]);
	}
	heap_place(h, index, item);
}

void
heap_init(struct heap *h, bool (*less)(const void *, const void *), void (*moved)(void *, size_t))
{
	*h = (struct heap){ .less = less, .moved = moved };
}

void
heap_insert(struct heap *h, void *item)
{
	h->items = xgrow(h->items, h->len + 1, &h->cap, sizeof *h->items);
	h->items[h->len++] = item;
	heap_sift_up(h, h->len - 1);
}

void *
heap_remove(struct heap *h, size_t index)
{
	void *item;

	MUST(index < h->len);
	item = h->items[index];
	if (index != --h->len) {
		h->items[index] = h->items[h->len];
		heap_update(h, index);
	}
	return item;
}

void
heap_update(struct heap *h, size_t index)
{
	MUST(index < h->len);
	if (index > 0 && h->less(h->items[index], h->items[(index - 1) / 2]))
		heap_sift_up(h, index);
	else
		heap_sift_down(h, index);
}

void *
heap_first(const struct heap *h)
{
	return h->len == 0 ? NULL : h->items[0];
}

void
heap_free(struct heap *h)
{
	free(h->items);
	h->items = NULL;
	h->len = h->cap = 0;
}
