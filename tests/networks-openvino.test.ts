/** @file The networks of the embedded tiny models give diffusers' numbers on OpenVINO, and nearly so in bf16. */
import { embeddedModels, testNetworks } from "./networks.cases.ts";
import { describeOpenVino, describeOpenVinoBf16 } from "./reference/engines.ts";

describeOpenVino("golden networks", (engine) => {
  for (const name of embeddedModels) testNetworks("tests/goldens", name, { engine });
});

describeOpenVinoBf16("golden networks", (engine) => {
  for (const name of embeddedModels)
    testNetworks("tests/goldens", name, { engine, precision: "bf16" });
});
