/** @file The networks of every other tiny model give diffusers' numbers; they need the folder of all goldens. */
import { otherModels, testNetworks } from "./networks.cases.ts";
import { allGoldens } from "./reference/all-goldens.ts";

const root = allGoldens();

for (const name of otherModels) testNetworks(root, name);
