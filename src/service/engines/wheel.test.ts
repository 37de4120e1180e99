/** @file Which wheel and which files: by the names that OpenVINO 2026.4.1 really has. */
import { expect, test } from "vitest";
import { fits, neededFiles, parseWheelName } from "./wheel.ts";

const names = {
  x64: "openvino-2026.4.1-22982-cp311-cp311-manylinux_2_28_x86_64.whl",
  arm64: "openvino-2026.4.1-22982-cp312-cp312-manylinux_2_35_aarch64.whl",
  mac: "openvino-2026.4.1-22982-cp312-cp312-macosx_11_0_arm64.whl",
  windows: "openvino-2026.4.1-22982-cp312-cp312-win_amd64.whl",
  old: "openvino-2025.0.0-17942-cp39-cp39-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
};

test("a wheel's name is taken apart", () => {
  expect(parseWheelName(names.x64)).toEqual({
    project: "openvino",
    version: "2026.4.1",
    platforms: ["manylinux_2_28_x86_64"],
  });
  expect(parseWheelName("openvino-2026.4.1.tar.gz")).toBeNull();
  expect(parseWheelName("../../x-1-cp3-cp3-any.whl")).toBeNull();
});

test.each([
  ["linux", "x64", "2.36", ["x64", "old"]],
  ["linux", "x64", "2.17", ["old"]],
  ["linux", "arm64", "2.36", ["arm64"]],
  ["linux", "arm64", "2.31", []],
  ["linux", "x64", null, []], // musl
  ["darwin", "arm64", null, ["mac"]],
  ["darwin", "x64", null, []],
  ["win32", "x64", null, ["windows"]],
  ["win32", "arm64", null, []],
  ["linux", "riscv64", "2.40", []],
])("%s on %s with glibc %s takes %j", (platform, arch, glibc, wanted) => {
  const fitting = Object.entries(names).filter(([, name]) => {
    const wheel = parseWheelName(name);
    return wheel !== null && fits(wheel, { platform, arch, glibc });
  });
  expect(fitting.map(([key]) => key)).toEqual(wanted);
});

const libs = (files: string) => files.split(" ").map((name) => `openvino/libs/${name}`);
const wheels = {
  linux: {
    core: "libopenvino.so.2641 libopenvino_c.so.2641 libopenvino_intel_cpu_plugin.so libopenvino_onnx_frontend.so.2641 libopenvino_ir_frontend.so.2641 libtbb.so.12 libtbbmalloc.so.2 libtbbbind_2_5.so.3 libhwloc.so.15",
    devices: "libopenvino_intel_gpu_plugin.so libopenvino_intel_npu_plugin.so cache.json",
    rest: "libopenvino_auto_plugin.so libopenvino_pytorch_frontend.so.2641 libtbbmalloc_proxy.so.2 tbb.pc",
  },
  mac: {
    core: "libopenvino.2641.dylib libopenvino_c.2641.dylib libopenvino_arm_cpu_plugin.so libopenvino_onnx_frontend.2641.dylib libopenvino_ir_frontend.2641.dylib libtbb.12.dylib libtbbmalloc.2.dylib libtbbbind_2_5.3.dylib libhwloc.dylib",
    devices: "",
    rest: "libopenvino_jax_frontend.2641.dylib libopenvino_hetero_plugin.so libtbbmalloc_proxy.2.dylib",
  },
  windows: {
    core: "openvino.dll openvino_c.dll openvino_intel_cpu_plugin.dll openvino_onnx_frontend.dll openvino_ir_frontend.dll tbb12.dll tbbmalloc.dll tbbbind_2_5.dll",
    devices:
      "openvino_intel_gpu_plugin.dll openvino_intel_npu_plugin.dll openvino_intel_npu_compiler.dll openvino_intel_npu_vm_runtime.dll cache.json",
    rest: "openvino.lib openvino_c.lib tbb12.lib tbb12_debug.lib tbbmalloc_proxy.dll openvino_tensorflow_frontend.dll",
  },
};

test.each(Object.entries(wheels))("what is needed on %s", (_, { core, devices, rest }) => {
  const info = "openvino-2026.4.1.dist-info";
  const licence = `${info}/licenses/licensing/onetbb_third-party-programs.txt`;
  const all = [
    ...libs(`${core} ${devices} ${rest}`.replace(/ +/g, " ").trim()),
    ...[
      `${info}/licenses/LICENSE`,
      licence,
      `${info}/METADATA`,
      "openvino/libs/nested/libopenvino.so",
    ],
  ];
  const cpu = neededFiles(all, "cpu");
  expect(cpu.missing).toEqual([]);
  expect([...cpu.files.values()].sort()).toEqual(
    [
      ...core.split(" "),
      "licenses/LICENSE",
      "licenses/licensing/onetbb_third-party-programs.txt",
    ].sort(),
  );
  const more = [...neededFiles(all, "all").files.keys()].filter((path) => !cpu.files.has(path));
  expect(more.sort()).toEqual(devices === "" ? [] : libs(devices).sort());
});

test("a wheel without the libraries is no engine", () => {
  expect(neededFiles(["openvino/libs/libopenvino.so.2641", "x"], "cpu").missing).toEqual([
    "openvino_c",
    "openvino_onnx_frontend",
    "*_cpu_plugin",
  ]);
});
