/** @file All whole generations, from the folder of all goldens. */
import { goldenSuite } from "./golden.cases.ts";
import { allGoldens } from "../../tests/reference/all-goldens.ts";

const root = allGoldens();
goldenSuite(root, { txt2img: 37, sd2: 10, sdxl: 7, unconditional: 4 });
