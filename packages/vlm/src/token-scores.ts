/** What a learning program returns for all scored tokens in a row, taken apart into groups and completions. */
import type { Tensor } from 'onnxruntime-node'
import type { MergedGroup } from './merge-completions'
import type { Scores, TokenScores } from './types'

/** The scores of each completion that was given, for each group. */
export function tokenScores(
  groups: readonly MergedGroup[],
  results: Partial<Record<string, Tensor>>,
): TokenScores[][] {
  const values = (name: string) => results[name]?.data as Float32Array | undefined
  const [logProbabilities, entropy, kl] = ['log_probabilities', 'entropy', 'kl'].map(values)
  let at = 0
  return groups.map(({ completions, places }) => {
    const distinct = completions.map(({ scored }) => {
      const part = (all: Float32Array | undefined) => all?.slice(at, at + scored) ?? new Float32Array(scored)
      const scores = { logProbabilities: part(logProbabilities), entropy: part(entropy), kl: part(kl) }
      at += scored
      return scores
    })
    return places.map((place) => distinct[place])
  })
}

/** Means over all tokens that are scored, and the largest distance to the sampler. */
export function summary(
  groups: readonly MergedGroup[],
  scores: readonly (readonly TokenScores[])[],
): Omit<Scores, 'completions'> {
  const flat = scores.flat()
  const tokens = flat.reduce((sum, { entropy }) => sum + entropy.length, 0)
  const mean = (of: (each: TokenScores) => Float32Array) =>
    flat.reduce((sum, each) => sum + of(each).reduce((total, value) => total + value, 0), 0) / tokens
  const gaps = groups.flatMap(({ all }, g) =>
    all.flatMap(({ logProbabilities }, c) =>
      logProbabilities === undefined ? [] : [distance(logProbabilities, scores[g][c].logProbabilities)],
    ),
  )
  return {
    nll: -mean(({ logProbabilities }) => logProbabilities),
    entropy: mean(({ entropy }) => entropy),
    kl: mean(({ kl }) => kl),
    samplerGap: gaps.length === 0 ? undefined : Math.max(...gaps),
  }
}

function distance(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0)
}
