/** @file The worker in which the page draws. */
import { servePainter } from "limn/pipelines";

servePainter(self);
