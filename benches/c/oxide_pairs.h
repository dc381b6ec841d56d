/*
 * Two connections in one process that take turns, block by block: whatever else the machine does falls on both alike, and each
 * block is compared with its neighbour.
 */
#ifndef OXIDE_PAIRS_H
#define OXIDE_PAIRS_H

#include "oxide_side.h"

/* Runs the scenario with `side` and beside it with opt.beside: "own", a connection of the library's; "bare", a bare socket;
 * "polled", one that is read when poll has told of it. */
void run_pairs(struct side *side);

#endif
