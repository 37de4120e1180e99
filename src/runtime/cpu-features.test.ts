/** @file Features of processors, by what systems say of real ones. */
import { expect, test } from "vitest";
import { cpuFeatures, featuresOfCpuinfo, featuresOfSysctl } from "./cpu-features.node.ts";

test("Zen 4 under Linux: bf16 products, no AMX", () => {
  const text =
    "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu sse4_2 avx fma avx2 avx512f avx512dq avx512bw avx512vl avx512_bf16 avx512_vnni\nbugs\t\t: x\n";
  expect(featuresOfCpuinfo(text)).toEqual(["avx2", "avx512", "avx512_vnni", "avx512_bf16"]);
});

test("Sapphire Rapids under Linux: AMX", () => {
  const text =
    "flags\t: fma avx2 avx512f avx512bw avx512vl avx512_bf16 amx_bf16 amx_tile amx_int8\n";
  expect(featuresOfCpuinfo(text)).toEqual(["avx2", "avx512", "avx512_bf16", "amx"]);
  expect(featuresOfCpuinfo(text.replace("amx_tile", ""))).not.toContain("amx");
});

test("Neoverse under Linux", () => {
  expect(featuresOfCpuinfo("Features\t: fp asimd evtstrm asimdhp sve bf16 i8mm\n")).toEqual([
    ...["neon", "fp16", "bf16", "i8mm", "sve"],
  ]);
});

test("Apple and Intel under macOS", () => {
  const apple =
    "hw.optional.AdvSIMD: 1\nhw.optional.arm.FEAT_FP16: 1\nhw.optional.arm.FEAT_BF16: 0\n";
  expect(featuresOfSysctl(apple)).toEqual(["neon", "fp16"]);
  const intel =
    "machdep.cpu.features: FPU FMA AVX1.0\nmachdep.cpu.leaf7_features: AVX2 BMI2 AVX512F\n";
  expect(featuresOfSysctl(intel)).toEqual(["avx2"]);
});

test("nothing is known of a text without features", () => {
  expect([featuresOfCpuinfo(""), featuresOfSysctl("")]).toEqual([[], []]);
  expect(Array.isArray(cpuFeatures() ?? [])).toBe(true);
});
