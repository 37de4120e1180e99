/** @file Installing from an index and by pip, and what must not be installed. Nothing here leaves this machine. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  offering,
  serve,
  sha256Of,
  wheelFiles,
  wheelOf,
  type Answers,
  type Offer,
} from "../../../tests/reference/fake-index.ts";
import { EngineError } from "../../base/index.ts";
import { indexAddress, indexInPipFile } from "./index-address.ts";
import {
  installOpenVino,
  removeOpenVino,
  type InstallEvent,
  type InstallRequest,
} from "./install.ts";
import { installedVersions } from "./installed.ts";
import { sizeIn } from "./pip.ts";
import { parseWheelName, fits, thisMachine } from "./wheel.ts";

let data = "";
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "limn engines "));
  vi.stubEnv("LIMN_DATA", data);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(data, { recursive: true, force: true });
});

/** A wheel's name for the machine that the tests run on. */
const named = (version: string, python = "cp312"): string => {
  const { platform, arch } = process;
  const cpu = { x64: ["x86_64", "amd64"], arm64: ["aarch64", "arm64"] }[arch as string] ?? ["", ""];
  const tag = {
    linux: `manylinux_2_17_${cpu[0]}`,
    darwin: `macosx_11_0_${cpu[1]}`,
    win32: `win_${cpu[1]}`,
  }[platform as string];
  return `openvino-${version}-1-${python}-${python}-${tag}.whl`;
};
const fitting = () => {
  const name = parseWheelName(named("2026.4.1"));
  return name !== null && fits(name, thisMachine());
};
const root = () => join(data, "engines", "openvino");
const left = () => (existsSync(root()) ? readdirSync(root()) : []);
const wheel = wheelOf();
const good: Offer = { name: named("2026.4.1"), bytes: wheel };

async function install(
  answers: Answers,
  more: Partial<InstallRequest> = {},
  signal = new AbortController().signal,
): Promise<InstallEvent[]> {
  await using server = await serve(answers);
  const events: InstallEvent[] = [];
  const request = {
    ...({ version: null, devices: "cpu", by: "index", dryRun: false } as const),
    ...{ index: `${server.url}/simple`, ...more },
  };
  await installOpenVino(request, { signal, tell: (event) => events.push(event) });
  return events;
}

describe.runIf(fitting())("from an index", () => {
  test("the needed files, licences and a manifest; nothing else", async () => {
    const events = await install(offering([good]));
    expect(left()).toEqual(["2026.4.1"]);
    const folder = join(root(), "2026.4.1");
    const files = readdirSync(folder, { recursive: true, withFileTypes: true });
    expect(
      files
        .filter((f) => f.isFile())
        .map(({ name }) => name)
        .sort(),
    ).toEqual([
      ...["LICENSE", "libopenvino.so.2641", "libopenvino_c.so.2641"],
      ...[
        "libopenvino_intel_cpu_plugin.so",
        "libopenvino_onnx_frontend.so.2641",
        "libtbb.so.12",
        "manifest.json",
      ],
    ]);
    expect(readFileSync(join(folder, "libtbb.so.12"), "utf8")).toBe("tbb");
    const [{ manifest }] = await installedVersions();
    expect(manifest.wheel).toMatchObject({ name: good.name, sha256: sha256Of(wheel) });
    expect(manifest.files.find(({ path }) => path === "libtbb.so.12")).toEqual({
      path: "libtbb.so.12",
      bytes: 3,
      sha256: sha256Of(Buffer.from("tbb")),
    });
    expect(events[0]).toMatchObject({ kind: "plan", bytes: wheel.length, exact: true });
    expect(events.at(-1)).toMatchObject({ kind: "installed" });
  });

  test("devices bring the other plugins, also where the CPU's alone are there", async () => {
    await install(offering([good]));
    await install(offering([good]), { devices: "all" });
    expect(readdirSync(join(root(), "2026.4.1"))).toContain("libopenvino_intel_gpu_plugin.so");
    expect(left()).toEqual(["2026.4.1"]);
  });

  test("what is there already is not fetched again", async () => {
    await install(offering([good]));
    expect((await install({})).map(({ kind }) => kind)).toEqual(["already"]);
  });

  test("what is torn is made anew", async () => {
    await install(offering([good]));
    writeFileSync(join(root(), "2026.4.1", "libtbb.so.12"), "t");
    expect(await installedVersions()).toEqual([]);
    await install(offering([good]));
    expect((await installedVersions()).length).toBe(1);
  });

  test("a dry run says what and how much, and makes nothing", async () => {
    const events = await install(offering([good]), { dryRun: true });
    expect(events).toEqual([
      expect.objectContaining({ kind: "plan", what: good.name, bytes: wheel.length, exact: true }),
    ]);
    expect(left()).toEqual([]);
  });

  test("the newest that was tried, not withdrawn, not for another machine", async () => {
    const offers = ["2025.4.0", "2026.4.0", "2026.4.1", "2027.0.0", "2026.4.9rc1"].map(
      (version) => ({
        name: named(version),
        bytes: wheel,
      }),
    );
    const others: Offer[] = [
      { name: named("2026.4.3"), bytes: wheel, yanked: "broken" },
      { name: "openvino-2026.4.2-1-cp312-cp312-manylinux_2_999_x86_64.whl", bytes: wheel },
      { name: "openvino-2026.4.2.tar.gz", bytes: wheel },
    ];
    const [plan] = await install(offering([...offers, ...others]), { dryRun: true });
    expect(plan).toMatchObject({ what: named("2026.4.1") });
    const [older] = await install(offering(offers), { dryRun: true, version: "2025.4.0" });
    expect(older).toMatchObject({ what: named("2025.4.0") });
  });

  test("two at once: one folder, whole", async () => {
    await Promise.all([install(offering([good])), install(offering([good]))]);
    expect(left()).toEqual(["2026.4.1"]);
    expect((await installedVersions()).length).toBe(1);
  });

  test("what a killed process left is cleared away", async () => {
    mkdirSync(join(root(), ".work-999999999-x", "unpacked"), { recursive: true });
    mkdirSync(join(root(), `.work-${process.pid}-y`), { recursive: true }); // at work
    await install(offering([good]));
    expect(left().sort()).toEqual([`.work-${process.pid}-y`, "2026.4.1"]);
  });

  test("rm takes all versions away", async () => {
    await install(offering([good]));
    expect(await removeOpenVino()).toMatchObject([{ version: "2026.4.1" }]);
    expect(left()).toEqual([]);
    await expect(removeOpenVino()).rejects.toThrow("is not in limn's data folder");
  });

  const bad = (bytes: Buffer): Answers => offering([{ name: good.name, bytes }]);
  const link = {
    path: "openvino/libs/libhwloc.so.15",
    data: Buffer.from("/etc/passwd"),
    mode: 0o120777,
  };
  test.each<[string, Answers, string]>([
    ["a wrong hash", offering([{ ...good, sha256: "0".repeat(64) }]), "but the index promises 000"],
    [
      "a longer file",
      offering([{ ...good, size: 10 }]),
      "longer than the 10 bytes that were promised",
    ],
    [
      "a file cut short",
      offering([good], { [`/files/${good.name}`]: (_, r) => r.end(wheel.subarray(0, 99)) }),
      "has the hash",
    ],
    [
      "another library than RECORD says",
      bad(wheelOf(wheelFiles, { vouched: { "openvino/libs/libtbb.so.12": "x" } })),
      "vouches for",
    ],
    [
      "a path that climbs",
      bad(wheelOf({ ...wheelFiles, "../../libtbb.so.12": "x" })),
      "not a sound zip file",
    ],
    ["a symbolic link", bad(wheelOf(wheelFiles, { more: [link] })), "is a symbolic link"],
    ["no zip", bad(Buffer.from("<html>")), "not a sound zip file"],
    ["no OpenVINO", bad(wheelOf({ "openvino/x.py": "" })), "it is no wheel of OpenVINO"],
    [
      "no JSON",
      {
        "/simple/openvino/": (_, r) => r.writeHead(200, { "content-type": "text/html" }).end("<a>"),
      },
      "not with the JSON of a package index",
    ],
    [
      "torn JSON",
      {
        "/simple/openvino/": (_, r) =>
          r.writeHead(200, { "content-type": "application/json" }).end("{"),
      },
      "JSON",
    ],
    ["no such project", {}, "answers 404"],
    [
      "no wheel for this machine",
      offering([{ name: "openvino-2026.4.1-1-cp3-cp3-any.whl", bytes: wheel }]),
      "there is no wheel of OpenVINO 2026.4.x for",
    ],
    ["no such version", offering([]), "the index has no wheel of OpenVINO 2026.4.x"],
  ])("%s: refused in one sentence, nothing left", async (_, answers, message) => {
    await expect(install(answers)).rejects.toThrow(message);
    expect(left()).toEqual([]);
  });

  test("stopping in the middle of the download leaves nothing", async () => {
    const controller = new AbortController();
    const answers = offering([good], {
      [`/files/${good.name}`]: (_, response) => {
        response.write(wheel.subarray(0, 50));
        setTimeout(() => controller.abort(new Error("Ctrl-C")), 50);
      },
    });
    await expect(install(answers, {}, controller.signal)).rejects.toThrow("Ctrl-C");
    expect(left()).toEqual([]);
  });

  test("an index that needs words is given them, and they are not shown", async () => {
    const answers = offering([good]);
    const guarded: Answers = Object.fromEntries(
      Object.entries(answers).map(([path, answer]) => [
        path,
        (request, response) =>
          request.headers.authorization === `Basic ${btoa("me:se cret")}`
            ? answer(request, response)
            : response.writeHead(401, "Unauthorized").end(),
      ]),
    );
    await using server = await serve(guarded);
    const at = (words: string) => `${server.url.replace("//", `//${words}@`)}/simple`;
    await install(answers, { index: at("me:se%20cret") });
    rmSync(root(), { recursive: true });
    const refused = await install(answers, { index: at("me:wrong") }).catch(String);
    expect(refused).toContain("answers 401 Unauthorized");
    expect(refused).not.toContain("wrong");
  });
});

test("only https, or this machine", async () => {
  await expect(install({}, { index: "http://example.org/simple/" })).rejects.toThrow(
    "http://example.org/simple/openvino/ is not fetched: only https: is",
  );
});

test.each(["2024.6.0", "latest", "../x", "2026"])("version %s is refused", async (version) => {
  await expect(install({}, { version })).rejects.toThrow(EngineError);
});

/** A `python3` whose pip does what the script says, alone on the path. */
function fakePip(script: string): void {
  const folder = join(data, "bin");
  mkdirSync(folder, { recursive: true });
  for (const name of ["python3", "python"]) {
    writeFileSync(join(folder, name), `#!${process.execPath}\n${script}`);
    chmodSync(join(folder, name), 0o755);
  }
  vi.stubEnv("PATH", folder + delimiter);
}

describe.runIf(process.platform !== "win32")("by pip", () => {
  const asPip = `
    const { copyFileSync, writeFileSync } = require("node:fs"), { join } = require("node:path");
    const words = process.argv.slice(2);
    if (words.includes("--version")) process.exit(0);
    const folder = words[words.indexOf("--dest") + 1];
    writeFileSync(join(${JSON.stringify("DATA")}, "words.json"), JSON.stringify({ words, index: process.env.PIP_INDEX_URL }));`;
  const begin = () => asPip.replace("DATA", data);

  test("pip is asked for the range, and its wheel is unpacked", async () => {
    writeFileSync(join(data, "a.whl"), wheel);
    const name = named("2026.4.1");
    fakePip(
      `${begin()} copyFileSync(join(${JSON.stringify(data)}, "a.whl"), join(folder, ${JSON.stringify(name)}));`,
    );
    const events = await install({}, { by: "auto", index: null });
    expect(events[0]).toMatchObject({ kind: "plan", by: "pip", exact: false });
    expect(left()).toEqual(["2026.4.1"]);
    const { words, index } = JSON.parse(readFileSync(join(data, "words.json"), "utf8")) as {
      words: string[];
      index?: string;
    };
    expect(words.at(-1)).toBe("openvino>=2026.4,<2026.5");
    expect(index).toBe(process.env.PIP_INDEX_URL);
    const [{ manifest }] = await installedVersions();
    expect(manifest.wheel).toEqual({ name, sha256: sha256Of(wheel), from: "pip" });
  });

  test("an index that was given is pip's for once, unseen by others", async () => {
    fakePip(`${begin()} process.exit(1);`);
    await expect(
      install({}, { by: "pip", index: "https://me:pw@example.org/simple/" }),
    ).rejects.toThrow();
    const text = readFileSync(join(data, "words.json"), "utf8");
    const { words, index } = JSON.parse(text) as { words: string[]; index: string };
    expect(index).toBe("https://me:pw@example.org/simple/");
    expect(words.join(" ")).not.toContain("pw");
  });

  test.each([
    "noise\nERROR: No space left",
    "ERROR: Exception:\nTraceback (most recent call last):\n  File x\nNo space left\n",
  ])("what pip complains of is told, and nothing is left: %j", async (said) => {
    fakePip(`${begin()} console.error(${JSON.stringify(said)}); process.exit(1);`);
    await expect(install({}, { by: "pip" })).rejects.toThrow(
      "pip could not fetch openvino>=2026.4,<2026.5: No space left",
    );
    expect(left()).toEqual([]);
  });

  test("a Python without wheels of its own asks for those of another", async () => {
    writeFileSync(join(data, "a.whl"), wheel);
    fakePip(`${begin()}
      if (!words.includes("--python-version")) { console.error("ERROR: No matching distribution found"); process.exit(1); }
      copyFileSync(join(${JSON.stringify(data)}, "a.whl"), join(folder, ${JSON.stringify(named("2026.4.1"))}));`);
    await install({}, { by: "pip", index: null });
    expect(left()).toEqual(["2026.4.1"]);
  });

  test("stopping stops pip and leaves nothing", async () => {
    fakePip(`${begin()} setInterval(() => {}, 1000);`);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("Ctrl-C")), 300);
    await expect(install({}, { by: "pip", index: null }, controller.signal)).rejects.toThrow(
      "Ctrl-C",
    );
    expect(left()).toEqual([]);
  });

  test("without pip and without an index the error says what to give", async () => {
    vi.stubEnv("PATH", join(data, "nothing"));
    for (const name of ["PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "VIRTUAL_ENV"])
      vi.stubEnv(name, "");
    for (const name of ["HOME", "XDG_CONFIG_HOME", "PIP_CONFIG_FILE"]) vi.stubEnv(name, data);
    if ((await indexAddress(null)) !== null) return; // this machine has settings of its own
    const failed = await install({}, { by: "auto", index: null }).catch((error: unknown) => error);
    expect(failed).toMatchObject({
      message: "there is no pip on this machine, and no package index is named",
      hint: expect.stringContaining("--index URL") as string,
    });
  });
});

test("sizes as pip prints them", () => {
  expect(sizeIn("Downloading openvino-2026.4.1-cp311.whl (59.1 MB)")).toBe(59.1e6);
  expect(sizeIn("Downloading openvino-2026.4.1-cp311.whl (812 kB)")).toBe(812e3);
  expect(sizeIn("Successfully downloaded openvino")).toBeNull();
});

test("the index of pip's settings", async () => {
  const text =
    "[global]\ntimeout = 60\nindex-url = https://a.example/simple\n[download]\nindex_url: https://b.example/simple\n";
  expect(indexInPipFile(text)).toBe("https://b.example/simple");
  expect(indexInPipFile("[global]\nextra-index-url = https://c.example\n")).toBeNull();
  const file = join(data, "pip.conf");
  writeFileSync(file, text);
  const of = async (given: string | null, environment: Record<string, string>) =>
    (await indexAddress(given, environment))?.href;
  expect(await of(null, { PIP_CONFIG_FILE: file })).toBe("https://b.example/simple");
  expect(await of(null, { PIP_CONFIG_FILE: file, UV_INDEX_URL: "https://u.example/" })).toBe(
    "https://u.example/",
  );
  expect(await of("https://g.example/", { PIP_INDEX_URL: "https://u.example/" })).toBe(
    "https://g.example/",
  );
  await expect(of("nonsense", {})).rejects.toThrow("index: is not the address of a package index");
});
