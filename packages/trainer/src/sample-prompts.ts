/** Completions of the prompts of an iteration: in one run, or in several where memory has no room for all. */
import { asMemoryAllows } from '@evolmm/internal'
import type { Completion, Sampler, SampleOptions } from '@evolmm/vlm'

export function samplePrompts(
  sampler: Pick<Sampler, 'sample'>,
  { prompts, seeds, ...options }: SampleOptions & { seeds: NonNullable<SampleOptions['seeds']> },
): Promise<Completion[][]> {
  const places = [...prompts.keys()]
  return asMemoryAllows(places, (part) =>
    sampler.sample({ ...options, prompts: part.map((i) => prompts[i]), seeds: part.map((i) => seeds[i]) }),
  )
}
