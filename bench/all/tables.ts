/** @file From what was measured to tables: ratios to the best peer, whole pictures composed of calls, and the targets. */
import type { Table } from "../report.ts";
import type { Measured, Result } from "./contest.ts";

/** What is known of a work. */
export interface WorkResult {
  readonly name: string;
  readonly title: string;
  readonly results: readonly Result[];
}

type Done = Result & { readonly measured: Measured };
const done = (results: readonly Result[]) => results.filter((r): r is Done => "measured" in r);

/** The peer with the least time, of those that a test lets through; null where none was measured. */
function bestPeer(results: readonly Result[], fits: (result: Done) => boolean): Measured | null {
  const [best] = done(results)
    .filter((result) => result.side === "peer" && fits(result))
    .sort((a, b) => a.measured.least - b.measured.least);
  return best?.measured ?? null;
}

/** One work's table; absent ones are lines of their own, never guessed. */
export function workTable({ name, title, results }: WorkResult): Table {
  const best = bestPeer(results, () => true);
  const [first] = done(results);
  const groups = new Set(done(results).map(({ measured }) => measured.group)).size;
  return {
    title: `${name}: ${title}${groups > 1 ? ` (took turns in ${groups} groups, for want of memory)` : ""}`,
    head: [
      "",
      "least, ms",
      "median, ms",
      "least / best peer",
      "median / best peer",
      "start, s",
      "private MB",
      "private MB, most",
      "resident MB, most",
      "agreement, dB",
    ],
    rows: results.map((result) => {
      if (!("measured" in result))
        return [result.name, result.missing, ...Array<string>(8).fill("")];
      const { least, median, start, own, ownMost, resident, decibels } = result.measured;
      const ratio = (x: number, of: number | undefined) => (of === undefined ? "–" : x / of);
      const agreement = decibels >= 199 ? "same" : decibels;
      return [
        `${result.name}${groups > 1 ? ` (${result.measured.group})` : ""}`,
        least,
        median,
        ratio(least, best?.least),
        ratio(median, best?.median),
        start / 1000,
        own,
        ownMost,
        resident,
        first === undefined ? "–" : agreement,
      ];
    }),
  };
}

/** Calls of the network in a picture of 20 steps by DDIM, Euler or DPM++ 2M. */
const steps = 20;

/** A picture composed of calls; null seconds where a part is missing. */
interface Composed {
  readonly name: string;
  readonly seconds: number | null;
  readonly how: string;
  /** One call for both halves of guidance over two calls. */
  readonly share: number;
}

/**
 * Text to image at 512×512 with 20 steps and guidance 7.5, where a picture takes minutes: twice the text encoder, twenty times
 * the UNet for both halves (one batch or two calls, whichever is faster), once the decoder. Medians.
 */
function composed(works: ReadonlyMap<string, WorkResult>, size: string): Composed[] {
  const [text, one, two, decode] = ["text", "unet-1", "unet-2", "decode"].map((part) =>
    works.get(`${size}-${part}`),
  );
  if (!text || !one || !two || !decode) return [];
  return text.results.map(({ name }) => {
    const [t, u1, u2, d] = [text, one, two, decode].map(({ results }) => {
      const found = done(results).find((result) => result.name === name);
      return found?.measured.median ?? NaN;
    });
    const seconds = (2 * t + steps * Math.min(2 * u1, u2) + d) / 1000;
    const how = u2 <= 2 * u1 ? "one batch" : "two calls";
    return { name, seconds: Number.isNaN(seconds) ? null : seconds, how, share: u2 / (2 * u1) };
  });
}

const composedPeers = (works: ReadonlyMap<string, WorkResult>, size: string) =>
  composed(works, size).filter(({ name }) => !name.startsWith("limn"));

function fastest(pictures: readonly Composed[]): number | null {
  const seconds = pictures.flatMap((picture) => picture.seconds ?? []);
  return seconds.length === 0 ? null : Math.min(...seconds);
}

/** The composed pictures of everyone; null where the parts were not all measured. */
export function composedTable(works: ReadonlyMap<string, WorkResult>, size: string): Table | null {
  const rows = composed(works, size);
  if (rows.length === 0) return null;
  const best = fastest(composedPeers(works, size));
  return {
    title: `${size}-picture: a picture of 512×512, 20 calls with guidance, composed of the medians above (2 texts, 20 UNet, 1 decoder)`,
    head: ["", "seconds", "/ best peer", "halves of guidance", "one batch / two calls"],
    rows: rows.map(({ name, seconds, how, share }) =>
      seconds === null
        ? [name, "a part is missing", "", "", ""]
        : [name, seconds, best === null ? "–" : seconds / best, how, share],
    ),
  };
}

interface Target {
  readonly what: string;
  readonly most: number;
  /** limn's figure over the other one; null where either is missing. */
  readonly of: (works: ReadonlyMap<string, WorkResult>) => number | null;
}

function limnOver(work: string, precision: "f32" | "bf16", peer: RegExp) {
  return (works: ReadonlyMap<string, WorkResult>): number | null => {
    const results = works.get(work)?.results ?? [];
    const own = done(results)
      .filter((result) => result.side === "limn" && result.precision === precision)
      .map(({ measured }) => measured.median);
    const best = bestPeer(results, ({ name }) => peer.test(name));
    return own.length === 0 || best === null ? null : Math.min(...own) / best.median;
  };
}

const trainingTargets = [16, 64].flatMap((batch): Target[] => [
  {
    what: `training step, batch ${batch}, bf16 / PyTorch bf16 autocast`,
    most: 1,
    of: limnOver(`train-${batch}`, "bf16", /^PyTorch bf16$/),
  },
  {
    what: `training step, batch ${batch}, best / limn on ONNX Runtime`,
    most: 0.7,
    of: (works) => {
      const results = done(works.get(`train-${batch}`)?.results ?? []);
      const ort = results.find(({ name }) => name === "limn, ort f32");
      const own = results.filter(({ side }) => side === "limn").map((r) => r.measured.median);
      return ort ? Math.min(...own) / ort.measured.median : null;
    },
  },
]);

function targetsOf(size: string): Target[] {
  const unet = `${size}-unet-1`;
  const bests = (["bf16", "f32"] as const).flatMap((precision): Target[] => [
    {
      what: `UNet ${precision} / OpenVINO's own Python run`,
      most: 1.05,
      of: limnOver(unet, precision, new RegExp(`^OpenVINO.* ${precision}$`)),
    },
    {
      what: `UNet ${precision} / PyTorch's best in ${precision}`,
      most: 0.75,
      of: limnOver(unet, precision, new RegExp(`^(PyTorch|torch).* ${precision}$`)),
    },
  ]);
  return [
    ...bests,
    {
      what: "decoder 64×64 → 512×512, bf16 / fastest peer",
      most: 1,
      of: limnOver(`${size}-decode`, "bf16", /./),
    },
    {
      what: "text to image 512×512, 20 steps, guidance, bf16 / fastest peer (composed)",
      most: 1,
      of: (works) => {
        const own = composed(works, size).filter(({ name }) => /^limn.* bf16$/.test(name));
        const [mine, peer] = [fastest(own), fastest(composedPeers(works, size))];
        return mine === null || peer === null ? null : mine / peer;
      },
    },
    {
      what: "emblem's picture, bf16 / fastest peer",
      most: 1,
      of: limnOver("emblem-picture", "bf16", /./),
    },
    {
      what: "decoder, most private GB of limn's fastest",
      most: 2.5,
      of: (works) => {
        const results = done(works.get(`${size}-decode`)?.results ?? []);
        const [own] = results
          .filter(({ side }) => side === "limn")
          .sort((a, b) => a.measured.median - b.measured.median);
        return own ? (own.measured.ownMost * 2 ** 20) / 1e9 : null;
      },
    },
    ...trainingTargets,
  ];
}

/** Every target with what was found; what could not be measured says so. */
export function targetTable(works: ReadonlyMap<string, WorkResult>, size: string): Table {
  return {
    title: "Targets, by medians",
    head: ["", "at most", "measured", ""],
    rows: targetsOf(size).map(({ what, most, of }) => {
      const found = of(works);
      return [
        what,
        most,
        found ?? "not measured",
        found === null ? "" : found <= most ? "met" : "missed",
      ];
    }),
  };
}
