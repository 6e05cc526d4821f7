/* SPDX-License-Identifier: Apache-2.0 */
/* The page of a loaded detector: what it looks for and what it reports. */
#ifndef PAGE_DETECTOR_PAGE_H
#define PAGE_DETECTOR_PAGE_H

#include <jansson.h>

#include "detect/detect.h"
#include "page/page.h"

/* What the detector looks for, section by section; related are others of the same ruleset. */
void detector_page_write(struct page *page, const struct ruleset *ruleset,
			 const struct detector_info *info);
/* The same as a JSON object; the caller owns it. NULL: out of memory. */
json_t *detector_page_json(const struct ruleset *ruleset, const struct detector_info *info);

/* One detector in one line of JSON, for `spoor list`. The caller owns it. */
json_t *detector_summary_json(const struct detector_info *info);

/* "info" ... "critical", or "" for a detector without threat. */
const char *detector_severity(const struct detector_info *info);
/*
 * Where it works: "live", "partly live" (some of its events), "environment" (live with
 * --enrichment environment), "recording" (replay alone: an event cannot be collected yet).
 */
const char *detector_origin(const struct detector_info *info);

#endif
