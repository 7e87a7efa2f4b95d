/** The way that answers are drawn where nothing is said: for the sampler, and for the rows of settings, which know no sampler. */
export const samplingDefaults = { maxNewTokens: 128, temperature: 1, topP: 1, topK: 0 } as const
