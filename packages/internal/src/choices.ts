/** Choices that a library checks and a row of settings offers, for the rows, which know no library. */

/** Types whose values can be read and written as numbers. */
export const floatTypes = ['float32', 'float16', 'bfloat16'] as const

/** The courses that a learning rate can take after its rise. */
export const rateSchedules = ['constant', 'linear', 'cosine'] as const
