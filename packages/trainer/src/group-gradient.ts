/** The gradient of what all processes have learned from, as one process would have computed it. */
import type { ProcessGroup } from '@evolmm/rl-core'
import type { Gradient } from '@evolmm/vlm'

export type GroupGradient = Pick<Gradient, 'gradient' | 'nll' | 'entropy' | 'kl' | 'samplerGap'>

/**
 * Each process's own gradient is a mean over its completions: it counts as many as there were. Where there were none it
 * is `null`, and zeros take part. Means over tokens count all tokens the same; the sampler gap is the largest.
 */
export async function groupGradient(
  group: ProcessGroup,
  own: Gradient | null,
  { completions, parameters }: { completions: number; parameters: number },
): Promise<GroupGradient> {
  const gradient = own?.gradient ?? new Float32Array(parameters)
  const parts = await group.gather({
    completions,
    tokens: tokensOf(own),
    nll: own?.nll ?? NaN,
    entropy: own?.entropy ?? NaN,
    kl: own?.kl ?? NaN,
    samplerGap: own?.samplerGap,
  })
  const share = completions / parts.reduce((sum, part) => sum + part.completions, 0)
  if (share !== 1) for (let i = 0; i < gradient.length; i++) gradient[i] *= share
  await group.sum(gradient)
  const counted = parts.filter(({ tokens }) => tokens > 0)
  const mean = (name: 'nll' | 'entropy' | 'kl') =>
    weightedMean(counted.map(({ tokens, [name]: value }) => [value, tokens]))
  const gaps = parts.flatMap(({ samplerGap }) => samplerGap ?? [])
  return {
    gradient,
    nll: mean('nll'),
    entropy: mean('entropy'),
    kl: mean('kl'),
    samplerGap: gaps.length === 0 ? undefined : Math.max(...gaps),
  }
}

function tokensOf(gradient: Gradient | null): number {
  const scored = (gradient?.completions ?? []).flatMap((completions) => completions ?? [])
  return scored.reduce((sum, { logProbabilities }) => sum + logProbabilities.length, 0)
}

/** The mean as a distance from the first value, so that a single value is its own mean. NaN without values. */
function weightedMean(values: readonly (readonly [value: number, weight: number])[]): number {
  const [first = NaN] = values.map(([value]) => value)
  const total = values.reduce((sum, [, weight]) => sum + weight, 0)
  return first + values.reduce((sum, [value, weight]) => sum + weight * (value - first), 0) / total
}
