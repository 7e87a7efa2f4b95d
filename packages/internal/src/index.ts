// Inlined into every published package; never published itself.

export { EvolmmError } from './evolmm-error'
export { checkInteger, checkNumber, checkOneOf } from './check'
export { numberOf, parseInteger, parseNumber } from './parse-number'
export { philox4x32 } from './philox'
