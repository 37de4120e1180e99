/** @file The networks of every other tiny model on OpenVINO, in bf16 too; they need the folder of all goldens. */
import { otherModels, testNetworks } from "./networks.cases.ts";
import { allGoldens } from "./reference/all-goldens.ts";
import { describeOpenVino, describeOpenVinoBf16 } from "./reference/engines.ts";

const root = allGoldens();

describeOpenVino("golden networks", (engine) => {
  for (const name of otherModels) testNetworks(root, name, { engine });
});

describeOpenVinoBf16("golden networks", (engine) => {
  for (const name of otherModels) testNetworks(root, name, { engine, precision: "bf16" });
});
