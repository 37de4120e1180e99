/** @file Every operation and its gradient on OpenVINO. */
import { testOps } from "./ops.cases.ts";
import { describeOpenVino } from "./reference/engines.ts";

describeOpenVino("golden ops", ({ name, open }) => testOps(name, open));
