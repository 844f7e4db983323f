// SPDX-License-Identifier: MIT
//
// Starts Swagger UI on the docs page. validatorUrl is null, or the page would ask a foreign host for a badge.

"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const applyScheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);

applyScheme();
dark.addEventListener("change", applyScheme);

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  validatorUrl: null,
  queryConfigEnabled: false,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
});
