/** @file The networks of the embedded tiny models give diffusers' numbers on OpenVINO, and nearly so in bf16. */
import { findOpenVino, openVinoEngine } from "../src/runtime/index.ts";
import { testNetworks } from "./networks.cases.ts";
import { describeOpenVino } from "./reference/engines.ts";

const names = ["sd1", "sd1-inpaint", "sd1-pix2pix", "sd2-v", "sdxl", "ddpm"];

describeOpenVino("golden networks", ({ open }) => {
  for (const name of names) testNetworks("tests/goldens", name, { open });
});

const hasBf16 = async () => (await openVinoEngine()).precisions.includes("bf16");

describeOpenVino("golden networks in bf16", async ({ open }) => {
  // Without OpenVINO the suite is skipped, and without bf16 there is nothing to compare.
  if (!findOpenVino() || !(await hasBf16())) return;
  for (const name of names) testNetworks("tests/goldens", name, { open, decibels: 35 });
});
