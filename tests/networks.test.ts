/** @file The networks of the embedded tiny models give diffusers' numbers. */
import { embeddedModels, testNetworks } from "./networks.cases.ts";

for (const name of embeddedModels) testNetworks("tests/goldens", name);
