/* SPDX-License-Identifier: MIT */
/*
 * The files that travel inside the binary: see include/assets.h. `.incbin` and not `ld -b binary`, because the
 * latter leaves out .note.GNU-stack, and then the stack of the whole launcher becomes executable.
 */
	.macro asset name, path
	.section .rodata
	.balign 8
1:	.incbin "\path"
2:	.byte 0
	.section .data.rel.ro, "aw"
	.balign 8
	.globl asset_\name
	.type asset_\name, %object
asset_\name:
	.quad 1b
	.quad 2b - 1b
	.size asset_\name, 16
	.endm

	asset runner, "runner/runner.py"
	asset tojson, "runner/tojson.py"
	asset template, "runner/template.py"
	asset template_module, "_template.abi3.so"
	asset shm_library, "libjobshm.so"
	asset selftest, "runner/selftest.py"
	asset discover, "runner/discover.py"
	asset policy_job, "policy/seccomp.json"
	asset policy_web, "policy/seccomp-web.json"
	asset policy_mounts, "policy/mounts.conf"
	asset policy_environment, "policy/environment.conf"
	asset openapi, "src/web/assets/openapi.json"
	asset index_html, "src/web/assets/index.html"
	asset index_js, "src/web/assets/index.js"
	asset style_css, "src/web/assets/style.css"
	asset docs_html, "src/web/assets/docs.html"
	asset docs_js, "src/web/assets/docs.js"
	asset swagger_js_gz, "src/web/assets/vendor/swagger-ui/swagger-ui-bundle.js.gz"
	asset swagger_css_gz, "src/web/assets/vendor/swagger-ui/swagger-ui.css.gz"

	.section .note.GNU-stack, "", %progbits
