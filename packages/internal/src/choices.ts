/** Choices that a library checks and a row of settings offers, for the rows, which know no library. */

/** Types whose values can be read and written as numbers. */
export const floatTypes = ['float32', 'float16', 'bfloat16'] as const

/** The kinds of devices that programs run on. */
export const deviceKinds = ['cpu', 'cuda', 'webgpu'] as const

/** The forms of names in an adapter's file: of transformers from 4.52 on, and of those before. */
export const adapterLayouts = ['current', 'legacy'] as const

/** What the loss of an answer is: the mean over its tokens, or their sum. */
export const normalizations = ['token-mean', 'sum'] as const

/** The courses that a learning rate can take after its rise. */
export const rateSchedules = ['constant', 'linear', 'cosine'] as const
