/* SPDX-License-Identifier: MIT */
/* Files that the binary carries in itself (src/assets.S): the runner, the policies, the documents. */
#pragma once

#include <stddef.h>

struct asset {
	const char *bytes; /* followed by a NUL that is not counted */
	size_t length;
};

#define ASSET_LIST(X)                                                                                                  \
	X(runner)                                                                                                      \
	X(tojson)                                                                                                      \
	X(template)                                                                                                    \
	X(template_module)                                                                                             \
	X(shm_library)                                                                                                 \
	X(selftest)                                                                                                    \
	X(discover)                                                                                                    \
	X(policy_job)                                                                                                  \
	X(policy_web)                                                                                                  \
	X(policy_mounts)                                                                                               \
	X(policy_environment)                                                                                          \
	X(openapi)                                                                                                     \
	X(index_html)                                                                                                  \
	X(index_js)                                                                                                    \
	X(style_css)                                                                                                   \
	X(docs_html)                                                                                                   \
	X(docs_js)                                                                                                     \
	X(swagger_js_gz)                                                                                               \
	X(swagger_css_gz)

#define ASSET_DECLARE(name) extern const struct asset asset_##name;
ASSET_LIST(ASSET_DECLARE)
#undef ASSET_DECLARE
