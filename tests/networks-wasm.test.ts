/** @file The networks of the embedded tiny models give diffusers' numbers in WebAssembly. */
import { embeddedModels, testNetworks } from "./networks.cases.ts";
import { webAssembly } from "./reference/engines.ts";

for (const name of embeddedModels) testNetworks("tests/goldens", name, { engine: webAssembly });
