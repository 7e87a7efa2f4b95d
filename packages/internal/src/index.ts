// Inlined into every published package; never published itself.

export { errorWith, EvolmmError } from './evolmm-error'
export type { FileErrorCode, OptionErrorCode, OutputErrorCode } from './errors'
export { checkInteger, checkNumber, checkOneOf, checkText } from './check'
export { finiteMean, knownMean, mean } from './mean'
export { numberOf, parseInteger, parseNumber } from './parse-number'
export { isObject, jsonText, parseObject } from './json'
export { rowMajor, type Strided } from './row-major'
export { countOf } from './count-of'
export { formatBytes } from './format-bytes'
export { philox4x32 } from './philox'
export { floatText, parseFloatText, parseIntText, roundPlaces } from './python-number'
export { afterLast, beforeFirst, isSpace, strip, stripCharacters, words } from './python-text'
