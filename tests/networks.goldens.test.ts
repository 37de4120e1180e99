/** @file The networks of every other tiny model give diffusers' numbers; they need the folder of all goldens. */
import { testNetworks } from "./networks.cases.ts";

const root = process.env["LIMN_GOLDENS"] ?? "../shared/goldens";

for (const name of ["sd1-f16", "sdxl-refiner", "x4-upscaler"]) testNetworks(root, name);
