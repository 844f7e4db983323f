/* SPDX-License-Identifier: MIT */
/* The version of safe-exec, shown by --version, /health and the OpenAPI document. */
#pragma once

#define SAFE_EXEC_VERSION "0.1.0"
