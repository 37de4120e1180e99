/** @file The networks of every other tiny model give diffusers' numbers, where the goldens' folder is there. */
import { testNetworks } from "./networks.cases.ts";

const root = process.env["LIMN_GOLDENS"] ?? "../shared/goldens";

for (const name of ["sd1-f16", "sd1-pix2pix", "sdxl-refiner", "x4-upscaler"])
  testNetworks(root, name);
