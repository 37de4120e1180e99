/** @file The whole generations whose models are among the project's own goldens. */
import { goldenSuite } from "./golden.cases.ts";

goldenSuite("tests/goldens", { txt2img: 36, sd2: 10, sdxl: 7, unconditional: 4 });
