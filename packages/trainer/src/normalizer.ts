/** A normaliser decides when two answers count as the same. */
import { checkObject } from '@evolmm/internal'
import { INVALID, normalizers } from '@evolmm/rewards'
import { EvolmmError } from './errors'
import type { Normalizer } from './custom-functions'
import type { EvolmmSettings } from './settings/settings'

/** The function that the settings name, or one of one's own, which is asked about answers alone. */
export function normalizer(settings: Pick<EvolmmSettings, 'normalize_answers'>): Normalizer {
  checkObject('settings', settings)
  const { normalize_answers: chosen } = settings
  if (typeof chosen !== 'function') return (answer) => normalizers[chosen](answer)
  return (answer) => {
    const normalized: unknown = answer === INVALID ? INVALID : chosen(answer)
    if (normalized === INVALID || typeof normalized === 'string') return normalized
    throw new EvolmmError(
      'INVALID_OPTION',
      `normalize_answers: must return a text or null, got ${typeof normalized} for ${JSON.stringify(answer)}; mend the function`,
      { details: { option: 'normalize_answers' } },
    )
  }
}
