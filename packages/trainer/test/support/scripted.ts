import type { Completion, Learner, Sampler, Vlm } from '@evolmm/vlm'

/** The model with outputs of one's choice: `say` gives the text of a sample, from the number of the call. */
export function scripted(
  vlm: Vlm,
  say: (call: number, prompt: number, sample: number) => string,
): Sampler & Learner {
  let calls = 0
  return {
    marker: vlm.marker,
    encodeImage: vlm.encodeImage,
    prompt: vlm.prompt,
    score: vlm.score,
    gradient: vlm.gradient,
    sample: ({ prompts, samples = 1 }) => {
      const call = calls++
      return Promise.resolve(
        prompts.map((_, p) =>
          Array.from({ length: samples }, (__, n): Completion => {
            const text = say(call, p, n)
            const ids = Int32Array.from(vlm.tokenizer.encode(text))
            const logProbabilities = new Float32Array(ids.length).fill(-1)
            return {
              ids,
              text,
              logProbabilities,
              sampledLogProbabilities: logProbabilities,
              finishReason: 'stop',
            }
          }),
        ),
      )
    },
  }
}
