/** @file The face of formats/: bytes to values and back, without any model or graph. */
export {
  isTorn,
  removeTorn,
  writeChunksAtomic,
  writeFileAtomic,
  type Chunks,
} from "./files.node.ts";
export {
  bf16ToF32,
  bytesToF32,
  countNotFinite,
  f16ToF32,
  f32ToBf16,
  f32ToBytes,
  f32ToF16,
} from "./float16.ts";
export { imageOf, withChannels, type Image, type PictureTexts } from "./image.ts";
export {
  decodeImage,
  readImage,
  readPictureTexts,
  type DecodedImage,
  type DecodeOptions,
} from "./image.node.ts";
export { identityOf, type FileIdentity } from "./file-identity.node.ts";
export {
  fileStore,
  noStore,
  type FileKey,
  type FileStore,
  type StoreDirectory,
  type StoreFile,
} from "./file-store.ts";
export { parseInfotext, printInfotext, type Infotext } from "./infotext.ts";
export {
  decodeUtf8,
  isJsonObject,
  jsonObject,
  parseJson,
  type JsonLimits,
  type JsonValue,
} from "./json.ts";
export {
  openSafetensors,
  readAsF32,
  readTensor,
  searchNotFinite,
  writeSafetensors,
  type TensorSource,
} from "./safetensors.node.ts";
export type { SafetensorsIndex, StoredTensor } from "./safetensors-index.ts";
export {
  encodeOnnxModel,
  onnxTypes,
  type OnnxAttribute,
  type OnnxExternalData,
  type OnnxInitializer,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from "./onnx.ts";
export { crc32, isPng, withPngTexts } from "./png.ts";
export { encodePng } from "./png-encode.ts";
export { readJsonFile, readSmallFile, readSmallText } from "./small-file.node.ts";
export { ageOf } from "./age.node.ts";
export { takeLock, type Lock, type Tenure } from "./lock.node.ts";
export { isAlive } from "./process.node.ts";
export { openZip, type UnpackOptions, type ZipArchive, type ZipEntry } from "./zip.node.ts";
export {
  folderUrl,
  RemoteFiles,
  type Download,
  type Fetch,
  type RemoteOptions,
} from "./remote-files.ts";
