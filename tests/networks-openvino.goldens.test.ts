/** @file The networks of every other tiny model on OpenVINO; they need the folder of all goldens. */
import { testNetworks } from "./networks.cases.ts";
import { describeOpenVino } from "./reference/engines.ts";
import { allGoldens } from "./reference/all-goldens.ts";

const root = allGoldens();

describeOpenVino("golden networks", ({ open }) => {
  for (const name of ["sd1-f16", "sdxl-refiner", "x4-upscaler"]) testNetworks(root, name, { open });
});
