/** @file A file keeps its identity under other names and loses it with its contents. */
import {
  linkSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { FormatError } from "../base/index.ts";
import { identityOf } from "./file-identity.node.ts";

function freshFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "limn identity ")));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("links name the same file; another size, time or inode is another version", async () => {
  const folder = freshFolder();
  const [file, link, other] = ["w", "link", "other"].map((name) => join(folder, name));
  writeFileSync(file, "weights");
  utimesSync(file, 1e9, 1e9);
  symlinkSync(file, link);
  const first = await identityOf(file);
  expect(first).toMatchObject({ path: file, bytes: 7 });
  expect(await identityOf(link)).toEqual(first);
  linkSync(file, other); // two names of one inode: the same version at another path
  expect(await identityOf(other)).toEqual({ ...first, path: other });
  const versions = new Set([first.version]);
  const expectAnother = async () => {
    const { version } = await identityOf(file);
    expect(versions).not.toContain(version);
    versions.add(version);
  };
  utimesSync(file, 1e9, 1e9 + 1);
  await expectAnother();
  writeFileSync(file, "weights!");
  utimesSync(file, 1e9, 1e9 + 1);
  await expectAnother();
  writeFileSync(join(folder, "new"), "weights!");
  rmSync(file);
  linkSync(join(folder, "new"), file);
  utimesSync(file, 1e9, 1e9 + 1);
  expect(statSync(file).size).toBe(8);
  await expectAnother();
});

test("a file that is gone is told by name", async () => {
  const file = join(freshFolder(), "unet.safetensors");
  const error: unknown = await identityOf(file).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(FormatError);
  expect(error).toMatchObject({ message: `the weight file ${file} is gone` });
});
