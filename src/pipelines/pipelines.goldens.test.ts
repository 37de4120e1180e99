/** @file All whole generations, from the folder of all goldens. */
import { goldenSuite } from "./golden.cases.ts";

const root = process.env.LIMN_GOLDENS ?? "../shared/goldens";
goldenSuite(root, { txt2img: 37, sd2: 10, sdxl: 7, unconditional: 4 });
