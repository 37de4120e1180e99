/** @file The networks of the embedded tiny models give diffusers' numbers on OpenVINO. */
import { testNetworks } from "./networks.cases.ts";
import { describeOpenVino } from "./reference/engines.ts";

describeOpenVino("golden networks", ({ open }) => {
  for (const name of ["sd1", "sd1-inpaint", "sd1-pix2pix", "sd2-v", "sdxl", "ddpm"])
    testNetworks("tests/goldens", name, { open });
});
