/** @file The face of nn/: modules and layers. */
export { keyOfField, Module, modulesOf, parametersOf, place } from "./module.ts";
