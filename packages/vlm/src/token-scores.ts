/** What a learning program returns for all scored tokens in a row, taken apart into groups and completions. */
import ndarray from 'ndarray'
import type { Tensor } from 'onnxruntime-node'
import type { MergedGroup } from './merge-completions'
import type { Scored, Scores, TokenScores } from './types'

/** The scores of each completion that was given, for each group; none for those that were left out. */
export function tokenScores(
  groups: readonly MergedGroup[],
  results: Partial<Record<string, Tensor>>,
): Scored[] {
  let at = 0
  return groups.map(({ completions, places }) => {
    const lengths = completions.map(({ scored }) => scored)
    const starts = lengths.map((length) => (at += length) - length)
    /** One array [N, T] for the group, and its rows up to their ends. */
    const rowsOf = (name: string) => {
      const values = results[name]?.data as Float32Array | undefined
      const width = Math.max(...lengths)
      const data = new Float32Array(places.length * width).fill(NaN)
      const rows = places.map((place, n) => {
        if (place < 0) return new Float32Array()
        const row = data.subarray(n * width, n * width + lengths[place])
        if (values === undefined) return row.fill(0)
        row.set(values.subarray(starts[place], starts[place] + lengths[place]))
        return row
      })
      return { array: ndarray(data, [places.length, width]), rows }
    }
    const values = results.values && rowsOf('values')
    const none = {
      array: ndarray(new Float32Array(), [places.length, 0]),
      rows: places.map(() => new Float32Array()),
    }
    const [logProbabilities, entropy, kl] = ['log_probabilities', 'entropy', 'kl'].map((name) =>
      values ? none : rowsOf(name),
    )
    const scores = places.map((_, n) => ({
      logProbabilities: logProbabilities.rows[n],
      entropy: entropy.rows[n],
      kl: kl.rows[n],
      ...(values && { values: values.rows[n] }),
    }))
    return Object.assign(scores, {
      logProbabilities: logProbabilities.array,
      entropy: entropy.array,
      kl: kl.array,
      ...(values && { values: values.array }),
    })
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
  const gaps = groups.flatMap(({ all, places }, g) =>
    all.flatMap(({ logProbabilities }, c) =>
      logProbabilities === undefined || places[c] < 0 || scores[g][c].values !== undefined
        ? []
        : [distance(logProbabilities, scores[g][c].logProbabilities)],
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
