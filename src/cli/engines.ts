/** @file `limn engines`: what can compute on this machine, and getting and removing OpenVINO. */
import { RequestError } from "../base/index.ts";
import {
  installOpenVino,
  listEngines,
  removeOpenVino,
  type EngineFacts,
  type EnginesReport,
  type InstallEvent,
} from "../service/index.ts";
import { print, printJson, printPath, say, sayBelow } from "./print.ts";
import { commandNamed, oneOf, parseWords } from "./program.ts";
import { interruptible } from "./signals.ts";

interface EnginesWords {
  readonly json?: true;
  readonly devices?: true;
  readonly index?: string;
  readonly use?: string;
  readonly by?: "auto" | "pip" | "index";
  readonly dryRun?: true;
}

/** Lists engines, or installs or removes one. */
export async function engines(words: readonly string[]): Promise<number> {
  const ways = ["auto", "pip", "index"] as const;
  const command = commandNamed("limn engines")
    .usage("[list] | install openvino [options] | rm openvino")
    .description(
      "What can compute on this machine. OpenVINO is the fastest on most processors, and has to be fetched.",
    )
    .argument("[ACTION]", "list, install or rm")
    .argument("[ENGINE]", "openvino")
    .allowExcessArguments()
    .option("--devices", "install: also what Intel's GPUs and NPUs need")
    .option("--use <VERSION>", "install: this version instead of the newest that was tried")
    .option("--index <URL>", "install: from this Python package index")
    .option("--by <WAY>", "install: auto, pip or index", oneOf("by", ways))
    .option("--dry-run", "install: only say what would be fetched, and how much")
    .option("--json", "one JSON object on stdout")
    .option("--debug", "show where an error came from");
  parseWords(command, words);
  const [action = "list", engine, ...more] = command.args;
  if (more.length > 0) throw new RequestError("engines", `needs no more words, got ${more[0]}`);
  const options = command.opts<EnginesWords>();
  switch (action) {
    case "list":
      if (engine !== undefined)
        throw new RequestError("engines", `list needs no more words, got ${engine}`);
      return list(options);
    case "install":
      requireOpenVino(action, engine);
      return install(options);
    case "rm":
      requireOpenVino(action, engine);
      return remove(options);
    default:
      throw new RequestError("engines", `there is no "${action}", only list, install and rm`);
  }
}

function requireOpenVino(action: string, engine: string | undefined): void {
  if (engine === "openvino") return;
  const how = { hint: `limn engines ${action} openvino` };
  throw new RequestError(
    "engines",
    engine === undefined
      ? `${action} needs the name of an engine`
      : `limn can ${action} openvino, not ${engine}`,
    how,
  );
}

async function list({ json }: EnginesWords): Promise<number> {
  const report = await listEngines();
  if (json) printJson(report);
  else for (const line of linesOf(report)) print(line);
  return report.auto === null ? 1 : 0;
}

function linesOf({ machine, engines: all, auto }: EnginesReport): string[] {
  const { processor, threads, system, features } = machine;
  const has =
    features === null ? "" : `; ${features.length === 0 ? "no fast vectors" : features.join(", ")}`;
  const chosen = auto
    ? `auto takes ${auto.engine}, ${auto.precision} (${auto.why})`
    : "no engine is ready";
  return [
    `${system}, ${threads} threads of ${processor}${has}`,
    "",
    ...all.flatMap(engineLines),
    "",
    chosen,
  ];
}

function engineLines({ name, state, version, source, folder, ...more }: EngineFacts): string[] {
  const head = `${state === "ready" ? "ok " : "-- "} ${name.padEnd(9)}`;
  const below = (text: string) => `${" ".repeat(13)}${text}`;
  if (state !== "ready")
    return [`${head}${more.problem ?? state}`, ...(more.hint === null ? [] : [below(more.hint)])];
  const from = [source, folder].filter((word) => word !== null).join(", ");
  return [
    `${head}${version}, ${more.precisions.join(" and ")}`,
    below(`from ${from}`),
    ...more.devices.map((device) =>
      below(`${device.name}: ${device.title} (${device.capabilities.join(", ")})`),
    ),
  ];
}

async function install({ json, devices, index, use, by, dryRun }: EnginesWords): Promise<number> {
  const request = {
    version: use ?? null,
    devices: devices ? ("all" as const) : ("cpu" as const),
    index: index ?? null,
    by: by ?? ("auto" as const),
    dryRun: dryRun ?? false,
  };
  const progress = new Progress();
  const installed = await interruptible(
    (signal) =>
      installOpenVino(request, { signal, tell: (event) => progress.show(event) }).finally(() =>
        progress.end(),
      ),
    {
      onInterrupt: () => sayBelow("limn: stopping; nothing is left behind"),
      patience: () => 10,
    },
  );
  if (installed === null) {
    if (json) printJson({ plan: progress.plan });
    return 0;
  }
  // What was just written is tried at once: a library that cannot be loaded should not be found out by a picture.
  const report = await listEngines();
  const openvino = report.engines.find(({ name }) => name === "openvino");
  if (json)
    printJson({ installed: installed.manifest, folder: installed.folder, engine: openvino });
  else printPath(installed.folder);
  for (const line of openvino ? engineLines(openvino) : []) say(line);
  return openvino?.state === "ready" ? 0 : 1;
}

async function remove({ json }: EnginesWords): Promise<number> {
  const removed = await removeOpenVino();
  if (json) printJson({ removed });
  else
    for (const { version, folder } of removed) print(`OpenVINO ${version} is gone from ${folder}`);
  return 0;
}

const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;

/** One line on a terminal, drawn over itself; elsewhere a few plain ones. */
class Progress {
  plan: Extract<InstallEvent, { kind: "plan" }> | null = null;
  #shown = "";
  #open = false;

  show(event: InstallEvent): void {
    switch (event.kind) {
      case "plan":
        this.plan = event;
        say(planLine(event));
        return;
      case "progress":
        return this.#progress(event);
      case "already":
        say(`OpenVINO ${event.installed.manifest.version} is already there`);
        return;
      case "installed":
        this.end();
        say(
          `OpenVINO ${event.installed.manifest.version} is installed, ${megabytes(event.installed.bytes)}`,
        );
    }
  }

  end(): void {
    if (this.#open) process.stderr.write("\n");
    this.#open = false;
  }

  #progress({ phase, done, total }: Extract<InstallEvent, { kind: "progress" }>): void {
    const terminal = process.stderr.isTTY;
    const share = total > 0 ? Math.min(100, Math.floor((100 * done) / total)) : 0;
    const said = terminal ? `${share} %` : `${Math.floor(share / 25) * 25} %`;
    const line = `${phase === "fetch" ? "fetching" : "unpacking"} ${said} of ${megabytes(total)}`;
    if (line === this.#shown) return;
    this.#shown = line;
    if (!terminal) return say(line);
    process.stderr.write(`\r${line.padEnd(32)}`);
    this.#open = true;
  }
}

function planLine({
  what,
  by,
  bytes,
  exact,
  unpacked,
  folder,
}: Extract<InstallEvent, { kind: "plan" }>): string {
  const size = bytes === 0 ? "of unknown size" : `${exact ? "" : "about "}${megabytes(bytes)}`;
  const kept = unpacked === 0 ? "" : `; about ${megabytes(unpacked)} of it stay in ${folder}`;
  return `${what}, ${by === "pip" ? "by pip" : "from the index"}: ${size} to fetch${kept}`;
}
