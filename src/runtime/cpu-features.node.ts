/** @file What a processor has that decides how fast engines are: vector widths, and 16-bit products. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** A name that people know → what Linux and macOS call it; all of a row must be there. */
const features: readonly (readonly [
  name: string,
  linux: readonly string[],
  mac: readonly string[],
])[] = [
  ["avx2", ["avx2", "fma"], ["AVX2"]],
  ["avx512", ["avx512f", "avx512bw", "avx512vl"], ["AVX512F", "AVX512BW", "AVX512VL"]],
  ["avx512_vnni", ["avx512_vnni"], ["AVX512VNNI"]],
  ["avx512_bf16", ["avx512_bf16"], []],
  ["avx512_fp16", ["avx512_fp16"], []],
  ["avx_vnni", ["avx_vnni"], []],
  ["amx", ["amx_tile", "amx_bf16"], []],
  ["neon", ["asimd"], ["hw.optional.AdvSIMD"]],
  ["fp16", ["asimdhp"], ["hw.optional.arm.FEAT_FP16"]],
  ["bf16", ["bf16"], ["hw.optional.arm.FEAT_BF16"]],
  ["i8mm", ["i8mm"], ["hw.optional.arm.FEAT_I8MM"]],
  ["sve", ["sve"], []],
];

/** Features in the words of Linux's /proc/cpuinfo, whatever the architecture. */
export function featuresOfCpuinfo(text: string): string[] {
  const words = new Set(/^(?:flags|Features)\s*:\s*(.*)$/m.exec(text)?.[1].split(/\s+/));
  return features
    .filter(([, linux]) => linux.every((word) => words.has(word)))
    .map(([name]) => name);
}

/** Features in the words of macOS's sysctl: lists of Intel's names, and `hw.optional.…: 1` for each of Apple's. */
export function featuresOfSysctl(text: string): string[] {
  const lists = [...text.matchAll(/^machdep\.cpu\.(?:leaf7_)?features: (.*)$/gm)];
  const words = new Set(lists.flatMap(([, list]) => list.split(/\s+/)));
  for (const [, name] of text.matchAll(/^(hw\.optional\.\S+): 1$/gm)) words.add(name);
  return features
    .filter(([, , mac]) => mac.length > 0 && mac.every((word) => words.has(word)))
    .map(([name]) => name);
}

/** What this processor has, of what matters; null where the system does not tell. */
export function cpuFeatures(): string[] | null {
  try {
    if (process.platform === "linux")
      return featuresOfCpuinfo(readFileSync("/proc/cpuinfo", "utf8"));
    if (process.platform === "darwin")
      return featuresOfSysctl(
        execFileSync("sysctl", ["hw.optional", "machdep.cpu"], { encoding: "utf8", timeout: 5000 }),
      );
  } catch {
    // A system that hides it is as good as one that does not tell.
  }
  return null;
}
