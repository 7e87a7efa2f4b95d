/** The selection that the settings name, for each question. */
import type { MstarSettings } from './settings'
import type { Selection } from './select-answers'

/** `select_alpha` is the one that counts, which may have been chosen; `round` sets the draws of cycles apart. */
export function selectionOf(
  settings: Pick<MstarSettings, 'selection' | 'select_k' | 'select_alpha' | 'seed'>,
  round: number,
): (question: number) => Selection {
  const { selection: rule, select_k: k, select_alpha: alpha, seed } = settings
  switch (rule) {
    case 'none':
      return () => ({ rule })
    case 'top-k':
      return () => ({ rule, k })
    case 'threshold':
      if (alpha === null) throw new Error('internal: a threshold is chosen before it is used')
      return () => ({ rule, alpha })
    case 'random-k':
      return (question) => ({ rule, k, seed: seed + round, question })
  }
}
