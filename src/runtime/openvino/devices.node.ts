/** @file The processors that OpenVINO finds, by its own report. */
import { openVinoApi } from "./api.node.ts";
import { locateOpenVino } from "./library.node.ts";

/** A processor that OpenVINO can compute on. */
export interface OpenVinoDevice {
  /** OpenVINO's name: CPU, GPU.0, NPU, … */
  readonly name: string;
  /** The maker's name. */
  readonly title: string;
  /** What it computes in at no loss of speed: FP32, BF16, INT8, … */
  readonly capabilities: readonly string[];
}

/** Every device of the library that would be used; none where there is no library. Throws EngineError where it is broken. */
export function openVinoDevices(): OpenVinoDevice[] {
  const place = locateOpenVino();
  if (place === null) return [];
  const api = openVinoApi(place);
  return api.devices().map((name) => ({
    name,
    title: api.property(name, "FULL_DEVICE_NAME").trim(),
    capabilities: api
      .property(name, "OPTIMIZATION_CAPABILITIES")
      .split(/[\s,]+/)
      .filter(Boolean),
  }));
}
