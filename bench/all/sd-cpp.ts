/** @file stable-diffusion.cpp, once: its program draws with one step and with three; half the difference is a step. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A sentence for the report. The program's name is in LIMN_SDCPP. */
export async function stableDiffusionCpp(model: string, threads: number): Promise<string> {
  const program = process.env.LIMN_SDCPP;
  if (program === undefined) return "stable-diffusion.cpp: absent, LIMN_SDCPP names no program.";
  const folder = mkdtempSync(join(tmpdir(), "limn-sdcpp-"));
  const seconds = async (steps: number) => {
    const from = performance.now();
    await run(program, [
      ...["--model", model, "--type", "f16", "--prompt", "a red apple", "--cfg-scale", "1"],
      ...["--width", "512", "--height", "512", "--seed", "1", "--sampling-method", "euler"],
      ...["--steps", String(steps), "--threads", String(threads)],
      ...["--output", join(folder, `${steps}.png`)],
    ]);
    return (performance.now() - from) / 1000;
  };
  try {
    const [one, three] = [await seconds(1), await seconds(3)];
    return `stable-diffusion.cpp, f16, measured once: ${((three - one) / 2).toFixed(1)} s for a UNet call of one row, ${one.toFixed(1)} s for a picture of one step with loading and decoder.`;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    return `stable-diffusion.cpp: failed: ${reason}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
