// Inlined into every published package; never published itself.

export { errorWith, EvolmmError } from './evolmm-error'
export type { FileErrorCode, OptionErrorCode, OutputErrorCode } from './errors'
export { adapterLayouts, deviceKinds, floatTypes, normalizations, rateSchedules } from './choices'
export { asMemoryAllows } from './as-memory-allows'
export { closest } from './closest'
export {
  checkFunction,
  checkInteger,
  checkIterable,
  checkList,
  checkNames,
  checkNumber,
  checkObject,
  checkOneOf,
  checkText,
} from './check'
export { findNotFinite } from './find-not-finite'
export { finiteMean, knownMean, mean } from './mean'
export { numberOf, parseInteger, parseNumber } from './parse-number'
export { isObject, jsonText, parseJson, parseObject } from './json'
export { rowMajor, type Strided } from './row-major'
export { countOf } from './count-of'
export { counted } from './counted'
export { formatBytes } from './format-bytes'
export { philox4x32 } from './philox'
export { floatText, parseFloatText, parseIntText, roundPlaces } from './python-number'
export { shellWord } from './shell-word'
export { isLfsPointer, lfsPointer, lfsPointerRule } from './lfs-pointer'
export { samplingDefaults } from './sampling-defaults'
export { afterLast, beforeFirst, isSpace, strip, stripCharacters, words } from './python-text'
