/** @file Folders of the user: what each system's own documents name. */
import { expect, test } from "vitest";
import { cacheFolderOf, dataFolderOf, userSystem } from "./user-folders.ts";

const both = (platform: string, home: string, environment: Record<string, string> = {}) =>
  [cacheFolderOf, dataFolderOf].map((of) => of({ platform, home, environment }));

test("each system's own places", () => {
  expect(both("linux", "/home/a")).toEqual(["/home/a/.cache/limn", "/home/a/.local/share/limn"]);
  const xdg = { XDG_CACHE_HOME: "/c", XDG_DATA_HOME: "/d" };
  expect(both("linux", "/home/a", xdg)).toEqual(["/c/limn", "/d/limn"]);
  expect(both("darwin", "/Users/a")).toEqual([
    "/Users/a/Library/Caches/limn",
    "/Users/a/Library/Application Support/limn",
  ]);
  const local = { LOCALAPPDATA: "C:\\Users\\a\\AppData\\Local" };
  expect(both("win32", "C:\\Users\\a", local)).toEqual([
    "C:\\Users\\a\\AppData\\Local\\limn\\cache",
    "C:\\Users\\a\\AppData\\Local\\limn",
  ]);
});

test("limn's own variables come first", () => {
  expect(
    both("linux", "/home/a", { LIMN_CACHE: "/x", LIMN_DATA: "/y", XDG_DATA_HOME: "/d" }),
  ).toEqual(["/x", "/y"]);
});

test("the system is the one that runs this", () => {
  expect(userSystem("/home/a")).toEqual({
    platform: process.platform,
    home: "/home/a",
    environment: process.env,
  });
});
