/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * power_device - a device's life on simulated flash, with power that goes
 *
 * A story is what is in flash at first and what each image does when it runs.
 * A life is its days, from reset to reset, until an image says that all is
 * done: boot loader, jump, application, all on the flash of nor.h. A sweep
 * cuts the life at each of its operations, in one way of tearing, and each of
 * these again at each operation of what follows, as deep as it is told.
 *
 * Judged at each start, and in the end: something starts; it is one of the
 * story's images, verified, and not below the counter; what was announced as
 * done stays done; and the life comes to its end.
 */
#include "hallmark/boot.h"
#include "nor.h"
#include "picture.h"

/* Numbers are major versions. */
enum power_image {
	POWER_NONE,
	POWER_OLD,     /* counter 1 */
	POWER_NEW,     /* counter 5 */
	POWER_FACTORY, /* counter 9 */
	POWER_MAKER,   /* role manufacturing, counter 1 */
};
#define POWER_IMAGES 5

/* What the outside has seen. */
struct power_world {
	bool installed; /* "the next start tries it" */
	bool confirmed; /* the new image was told that it is kept */
	bool rejected;
	bool locked;     /* the maker was told that it is */
	unsigned trials; /* starts of the new image on trial */
	unsigned cuts;
	uint32_t days;
	uint32_t kept;     /* a story's own */
	const char *wrong; /* what an image has seen that must not be */
};

typedef enum power_end {
	POWER_RESET, /* the day ends, and the next begins */
	POWER_DONE,  /* nothing is left to do */
} power_end;

struct power_story {
	const char *name;
	/* Flash as the programmer left it; no cuts. */
	void (*prepare)(void);
	/* The image that runs does its day's work; it may be cut anywhere. */
	power_end (*run)(enum power_image image, const struct hm_boot *boot);
	/* Is what starts now allowed by what was announced? NULL: it is not. */
	const char *(*judge)(enum power_image image, bool is_trial);
	const char *(*check)(void); /* in the end; may be NULL */
	enum power_image last;      /* what runs in the end, confirmed */
	uint32_t counter;           /* of the device in the end */
	uint32_t coarse; /* so many times fewer cuts of recoveries; 0: 1 */
};

extern struct power_world world;
extern struct picture power_pictures[POWER_IMAGES];
extern const struct power_story *const power_stories[]; /* ends with NULL */

struct power_figures {
	uint64_t lives, cuts, deepest;
	uint64_t bricks, lost; /* what must be 0 */
};

struct power_sweep {
	const struct nor_chip *chip;
	const struct power_story *story;
	nor_tear tear;
	unsigned depth;   /* 1: one cut; 2: each of these cut again; ... */
	uint64_t step[4]; /* every so many operations, at each depth; 1: all */
	uint64_t seed;
	bool is_whole; /* even where a story asks for fewer cuts */
	bool is_talkative;
};

/* Add what happened to *figures. */
void power_sweep(
    const struct power_sweep *sweep, struct power_figures *figures);

/* How the images of all stories are made; a story may make its own. */
struct picture_how power_how(enum power_image image);
/* Of stories: a whole image into an area, in the order that parts allow. */
void power_program(hm_area area, const struct picture *picture);
/* The journal says that `area` is confirmed. */
void power_confirm(hm_area area);
/* Receive, write, verify and install the new image into the slot that does not
 * run; sets world.installed. */
void power_install(hm_area runs, const struct picture *picture);
