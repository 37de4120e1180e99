/** @file The networks of every other tiny model in WebAssembly; they need the folder of all goldens. */
import { wasmEngine } from "../src/runtime/index.ts";
import { testNetworks } from "./networks.cases.ts";
import { allGoldens } from "./reference/all-goldens.ts";

const root = allGoldens();

for (const name of ["sd1-f16", "sdxl-refiner", "x4-upscaler"])
  testNetworks(root, name, { open: wasmEngine, within: 3e-4 });
