/** @file The networks of the embedded tiny models give diffusers' numbers in WebAssembly. */
import { wasmEngine } from "../src/runtime/index.ts";
import { testNetworks } from "./networks.cases.ts";

// WebAssembly rounds after the multiplication and after the addition, where native kernels round once: 1.8e-4 were seen.
const engine = { open: wasmEngine, within: 3e-4 };

for (const name of ["sd1", "sd1-inpaint", "sd1-pix2pix", "sd2-v", "sdxl", "ddpm"])
  testNetworks("tests/goldens", name, engine);
